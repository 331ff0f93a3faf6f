"""What must hold between the entries of a sequence file, beyond the shape of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from campaigns.domain.documents import Table, quoted
from campaigns.domain.steps import Anchor, Days, Gap, Life, Repeat, Shift, Span, Step

WITHOUT_VISIT = frozenset({Anchor.ENROLLMENT, Anchor.COURSE_COMPLETED})

Finding = tuple[str, str]
"""The entry at fault, and what to say."""


def check_step(table: Table, step: Step) -> None:
    """Note what does not fit within one step."""
    for rule in RULES:
        for name, text in rule(step):
            table.fault(f"{table.where}: {text}", name)


def _hours_of_the_day(step: Step) -> Iterator[Finding]:
    timed = isinstance(step.offset, Span)
    if timed and step.window is not None:
        yield (
            "window",
            "a window does not go with hours or minutes, which are absolute."
            " Use `not_before` and `not_after`.",
        )
    if not timed and (step.not_before or step.not_after):
        name = "not_before" if step.not_before else "not_after"
        yield name, "`not_before` and `not_after` go with hours or minutes. Use `window` with days."
    if step.not_before and step.not_after and step.not_before >= step.not_after:
        yield "not_before", "nothing can go between: `not_before` must be earlier than `not_after`."


def _side_of_the_anchor(step: Step) -> Iterator[Finding]:
    ahead = step.anchor is Anchor.VISIT_START
    if ahead and not step.offset.before:
        yield "offset", "what counts from `visit_start` lies before it. After a visit, use `visit_completed`."
    if not ahead and step.offset.before:
        yield "offset", f"nobody knows `{step.anchor}` before it happens. Use an offset of 0 or more."
    if step.shift is Shift.EARLIER and not (ahead and isinstance(step.offset, Days)):
        yield "shift", "only a step in days before `visit_start` can shift earlier. Use `later`."


def _gap(step: Step) -> Iterator[Finding]:
    if isinstance(step.offset, Gap) != (step.anchor is Anchor.VISIT_GAP):
        yield "offset", "`gap_fraction` and the anchor `visit_gap` go together."
    if step.only_if.gap_days_at_least and step.anchor is not Anchor.VISIT_GAP:
        yield "only_if", "`gap_days_at_least` needs the anchor `visit_gap`."


def _follows(step: Step) -> Iterator[Finding]:
    if step.anchor is Anchor.ANSWER and not step.follows:
        yield "anchor", "the anchor `answer` needs `follows`: the step whose answer it waits for."
    if step.follows and step.anchor is not Anchor.ANSWER:
        yield "follows", "`follows` goes with the anchor `answer` only."


def _repeats(step: Step) -> Iterator[Finding]:
    if step.anchor in WITHOUT_VISIT and step.repeat is not Repeat.ONCE_PER_COURSE:
        yield "repeat", f"`{step.anchor}` happens once a course. Use `once_per_course`."
    conditions = step.only_if
    if step.anchor in WITHOUT_VISIT and (conditions.visit_kind or conditions.no_next_visit):
        yield "only_if", f"`visit_kind` and `no_next_visit` need a visit, and `{step.anchor}` has none."


def _life(step: Step) -> Iterator[Finding]:
    for name, life in (("expires", step.expires), ("late", step.late.expires)):
        if life is None or life.before_anchor is None:
            continue
        if step.anchor is not Anchor.VISIT_START:
            yield name, "`before_anchor` needs the anchor `visit_start`. Use `after`."
        elif _ends_first(step, life):
            yield name, "it expires before it is due. Let it live longer, or send it earlier."


def _ends_first(step: Step, life: Life) -> bool:
    """Whether the end lies before the beginning, as far as plain numbers tell."""
    offset, end = step.offset, life.before_anchor
    if isinstance(offset, Span) and isinstance(end, Span):
        return -offset.minutes <= end.minutes
    if isinstance(offset, Days) and isinstance(end, Days) and not offset.setting and not end.setting:
        return -offset.number < end.number
    return False


RULES: tuple[Callable[[Step], Iterator[Finding]], ...] = (
    _hours_of_the_day,
    _side_of_the_anchor,
    _gap,
    _follows,
    _repeats,
    _life,
)


def check_together(tables: Sequence[Table], steps: Sequence[Step]) -> None:
    """Note what does not fit between steps: names given twice, names of steps that are not there."""
    by_key: dict[str, Step] = {}
    for table, step in zip(tables, steps, strict=True):
        if step.key in by_key:
            table.fault(f"{table.where} is there twice. Give each step a key of its own.", "key")
        by_key[step.key] = step
    for table, step in zip(tables, steps, strict=True):
        for name, text in _references(step, by_key):
            table.fault(f"{table.where}: {text}", name)


def _references(step: Step, by_key: dict[str, Step]) -> Iterator[Finding]:
    asking = {step.follows: "follows", step.only_if.unanswered: "only_if"}
    named = {**asking, **dict.fromkeys(step.late.replaces, "late")}
    for key, name in named.items():
        if not key:
            continue
        if key not in by_key or key == step.key:
            yield name, f"there is no other step `{key}`. Steps: {quoted(by_key)}."
        elif key in asking and not by_key[key].asks:
            yield name, f"`{key}` asks nothing, so it has no answer. Add `asks` to it."
    followed = by_key.get(step.follows)
    if followed is not None and followed.repeat is not step.repeat:
        yield "repeat", f"it follows `{step.follows}`, so it must repeat like it: `{followed.repeat}`."
