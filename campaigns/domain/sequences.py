"""From the text of a sequence file to a `Sequence`, or to a list of everything that is wrong with it.

`campaigns/sequences/schema.json` says the same about the shape of a file, for editors. What only makes sense
across entries (a window beside hours, a step that follows another) is checked here alone.
"""

from __future__ import annotations

import re
from enum import StrEnum

import yaml

from campaigns.domain.documents import Faults, Table, quoted, read
from campaigns.domain.recipients import Channel
from campaigns.domain.rules import check_step, check_together
from campaigns.domain.steps import (
    Anchor,
    ChannelRule,
    Channels,
    Days,
    Gap,
    Late,
    LateRule,
    Life,
    Mandatory,
    Offset,
    OnlyIf,
    Repeat,
    SendDays,
    Sequence,
    Shift,
    Span,
    Step,
    Topic,
    Window,
)
from campaigns.domain.visits import VisitKind
from campaigns.domain.vocabulary import Vocabulary

__all__ = ["STEP_FIELDS", "Sequence", "Step", "parse"]

STEP_FIELDS = frozenset(Step.__dataclass_fields__)
"""A file names the fields of a step as the code does."""

MOST_DAYS = 3650
MOST_HOURS = 8760
_SETTING = re.compile(r"([+-]?)([a-z][a-z0-9_]{0,39})\Z")
_TEMPLATE = re.compile(r"[a-z][a-z0-9_]{0,39}/[a-z][a-z0-9_]{0,39}\Z")


class _Which(StrEnum):
    """The visit kinds in the words of a file; empty when a step is for all."""

    ANY = ""
    CONSULTATION = VisitKind.CONSULTATION.value
    SESSION = VisitKind.SESSION.value


def parse(text: str, source_name: str, vocabulary: Vocabulary) -> Sequence:
    """Read one sequence file. Raises `InvalidSequence`: a line `file:line: what and how to mend` a fault."""
    table, faults = read(text, source_name, "the file")
    table.only({"key", "title", "steps"})
    table.require("key", "title", "steps")
    tables = [Table(node, _name_of(node), faults) for node in table.items("steps")]
    steps = [_checked(step_table, vocabulary) for step_table in tables]
    check_together(tables, steps)
    sequence = Sequence(key=table.key("key"), title=table.text("title"), steps=tuple(steps))
    faults.raise_if_any()
    return sequence


def _name_of(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "key" and isinstance(value, yaml.ScalarNode):
                return f"the step `{value.value}`"
    return "a step"


def _checked(table: Table, vocabulary: Vocabulary) -> Step:
    """One step. Its sense is checked only when its shape is right, so that one slip is told once."""
    before = len(table.faults.found)
    step = _step(table, vocabulary)
    if len(table.faults.found) == before:
        check_step(table, step)
    return step


def _step(table: Table, vocabulary: Vocabulary) -> Step:
    table.only(STEP_FIELDS)
    table.require("key", "purpose", "anchor", "offset", "expires", "late", "repeat", "channels", "topic")
    settings = frozenset(vocabulary.settings)
    return Step(
        key=table.key("key"),
        purpose=table.text("purpose"),
        anchor=table.choice("anchor", Anchor, Anchor.ENROLLMENT),
        follows=table.key("follows"),
        offset=_offset(table, settings),
        window=_window(table),
        not_before=table.clock("not_before"),
        not_after=table.clock("not_after"),
        days=table.choice("days", SendDays, SendDays.CLINIC),
        shift=table.choice("shift", Shift, Shift.LATER),
        expires=_life(table.table("expires"), settings),
        late=_late(table, settings),
        repeat=table.choice("repeat", Repeat, Repeat.ONCE_PER_COURSE),
        channels=_channels(table),
        topic=table.choice("topic", Topic, Topic.REMINDERS),
        group=table.key("group"),
        asks=_question(table, vocabulary),
        only_if=_only_if(table),
        exempt_from_cap=table.flag("exempt_from_cap"),
        mandatory=_mandatory(table),
    )


def _mandatory(table: Table) -> Mandatory | None:
    return table.choice("mandatory", Mandatory, Mandatory.CONSENT) if table.has("mandatory") else None


def _question(table: Table, vocabulary: Vocabulary) -> str:
    asks = table.key("asks")
    if asks and asks not in vocabulary.questions:
        known = quoted(vocabulary.questions)
        table.fault(f"{table.where} asks `{asks}`, which no question is. Known questions: {known}.", "asks")
    return asks


def _offset(table: Table, settings: frozenset[str]) -> Offset:
    offset = table.table("offset")
    if offset is None:
        return Days()
    if offset.has("gap_fraction"):
        offset.only({"gap_fraction", "fallback_days"})
        offset.require("fallback_days")
        fallback = offset.integer("fallback_days", 1, MOST_DAYS)
        return Gap(fraction=offset.fraction("gap_fraction"), fallback_days=fallback)
    return _duration(offset, settings, signed=True)


def _duration(table: Table, settings: frozenset[str], *, signed: bool) -> Days | Span:
    """Calendar days, or hours and minutes; never both, because they are counted on different clocks."""
    table.only({"days", "hours", "minutes"} | ({"gap_fraction", "fallback_days"} if signed else set()))
    timed = table.has("hours") or table.has("minutes")
    if table.has("days") == timed:
        table.fault(f"{table.where} must have either `days`, or `hours` and `minutes`.")
        return Days()
    if timed:
        hours = table.integer("hours", -MOST_HOURS if signed else 0, MOST_HOURS)
        minutes = table.integer("minutes", -59 if signed else 0, 59)
        if hours * minutes < 0:
            table.fault(f"`hours` and `minutes` of {table.where} must have the same sign.", "minutes")
        return Span(minutes=hours * 60 + minutes)
    return _days(table, settings, signed=signed)


def _days(table: Table, settings: frozenset[str], *, signed: bool) -> Days:
    node = table.nodes["days"]
    named = isinstance(node, yaml.ScalarNode) and node.tag.endswith(":str") and _SETTING.match(node.value)
    if not named:
        return Days(number=table.integer("days", -MOST_DAYS if signed else 0, MOST_DAYS))
    sign, setting = named.groups()
    if setting not in settings:
        table.fault(
            f"{table.where} counts `{setting}`, which no setting is. Known: {quoted(settings)}.", "days"
        )
    if sign == "-" and not signed:
        table.fault(f"`days` of {table.where} takes no sign.", "days")
    return Days(setting=setting, sign=-1 if sign == "-" else 1)


def _window(table: Table) -> Window | None:
    window = table.table("window")
    if window is None:
        return None
    window.only({"from", "to"})
    window.require("from", "to")
    opens, closes = window.clock("from"), window.clock("to")
    if opens is None or closes is None:
        return None
    if opens >= closes:
        window.fault(f"{window.where} is empty: `from` must be before `to`.")
    return Window(opens=opens, closes=closes)


def _life(table: Table | None, settings: frozenset[str]) -> Life:
    if table is None:
        return Life()
    table.only({"after", "before_anchor"})
    after, before = table.table("after"), table.table("before_anchor")
    if after is None and before is None:
        table.fault(f"{table.where} must have `after`, `before_anchor`, or both.")
    life = Life(
        after=_duration(after, settings, signed=False) if after else None,
        before_anchor=_duration(before, settings, signed=False) if before else None,
    )
    if life.after in (Days(), Span()) and after is not None:
        after.fault(f"{after.where} leaves no time to send. Give at least a minute.")
    return life


def _late(table: Table, settings: frozenset[str]) -> Late:
    node = table.nodes.get("late")
    if node is None or isinstance(node, yaml.ScalarNode):
        rule = table.choice("late", LateRule, LateRule.SKIP)
        if rule is LateRule.TEMPLATE:
            table.fault(
                f"`late` of {table.where}: write `skip`, `send_now`, or a table with `template`.", "late"
            )
        return Late(rule=rule)
    late = Table(node, f"`late` of {table.where}", table.faults)
    late.only({"template", "replaces", "expires"})
    late.require("template")
    template = late.text("template")
    if template and not _TEMPLATE.match(template):
        late.fault(f"`template` of {late.where} must be `sequence/name`.", "template")
    expires = _life(late.table("expires"), settings) if late.has("expires") else None
    replaces = tuple(name for name, _ in late.names("replaces"))
    return Late(rule=LateRule.TEMPLATE, template=template, replaces=replaces, expires=expires)


def _channels(table: Table) -> Channels:
    channels = table.table("channels")
    if channels is None:
        return Channels(rule=ChannelRule.ALL_OF, names=())
    channels.only({"all_of", "first_of"})
    if channels.has("all_of") == channels.has("first_of"):
        channels.fault(f"{channels.where} must have either `all_of` or `first_of`.")
        return Channels(rule=ChannelRule.ALL_OF, names=())
    rule = ChannelRule.ALL_OF if channels.has("all_of") else ChannelRule.FIRST_OF
    return Channels(rule=rule, names=_channel_names(channels, rule, table.faults))


def _channel_names(channels: Table, rule: ChannelRule, faults: Faults) -> tuple[Channel, ...]:
    names: list[Channel] = []
    for name, node in channels.names(rule.value):
        if name not in set(Channel):
            faults.add(node, f"{channels.where} names `{name}`. Known channels: {quoted(list(Channel))}.")
        elif name in names:
            faults.add(node, f"{channels.where} names `{name}` twice. Keep one.")
        else:
            names.append(Channel(name))
    return tuple(names)


def _only_if(table: Table) -> OnlyIf:
    only_if = table.table("only_if")
    if only_if is None:
        return OnlyIf()
    only_if.only({"visit_kind", "no_next_visit", "course_open", "gap_days_at_least", "unanswered"})
    which = only_if.choice("visit_kind", _Which, _Which.ANY)
    return OnlyIf(
        visit_kind=VisitKind(which.value) if which.value else None,
        no_next_visit=only_if.flag("no_next_visit"),
        course_open=only_if.flag("course_open"),
        gap_days_at_least=only_if.integer("gap_days_at_least", 1, MOST_DAYS),
        unanswered=only_if.key("unanswered"),
    )
