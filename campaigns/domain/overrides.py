"""What a clinic changes about a step of a sequence file: off with a reason, another offset, another window.

A file says what is sent at every clinic, an override what one clinic does differently. It is held to the
rules that hold for files; one that fits no longer, because the file has changed, counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum

from campaigns.domain.errors import CampaignsError
from campaigns.domain.rules import RULES
from campaigns.domain.sequences import MOST_DAYS, MOST_HOURS
from campaigns.domain.steps import Days, Gap, Life, Offset, Sequence, Span, Step, Window


class OffReason(StrEnum):
    """Why a clinic switches a step off. The list is closed; a note may say more."""

    NOT_OUR_CARE = "not_our_care"
    SAID_ELSEWHERE = "said_elsewhere"
    TOO_MANY_MESSAGES = "too_many_messages"
    WORDING_IN_REVIEW = "wording_in_review"
    OTHER = "other"


class Misfit(StrEnum):
    """Why an override cannot be. The list is closed; staff read a sentence for each."""

    UNKNOWN_STEP = "unknown_step"
    MANDATORY = "mandatory"
    NO_REASON = "no_reason"
    BY_SETTING = "by_setting"
    BY_GAP = "by_gap"
    OTHER_UNIT = "other_unit"
    TOO_FAR = "too_far"
    WRONG_SIDE = "wrong_side"
    ENDS_FIRST = "ends_first"
    NO_HOURS = "no_hours"
    UNREAD = "unread"
    NOT_THERE = "not_there"


class Unfit(CampaignsError):
    """This change cannot be made."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in faults))
        self.faults = faults
        """Pairs of a field and a value of a closed list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One step as one clinic wants it; None and an empty `off` leave what the file says.

    `window` bounds a step of days as its `window` does, and a step of hours and minutes as `not_before` and
    `not_after` do. `version` rises with each change of what the clinic has on record.
    """

    step: str
    off: OffReason | None = None
    offset: Days | Span | None = None
    window: Window | None = None
    version: int = 0

    @property
    def changes_nothing(self) -> bool:
        """Whether it says what the file says."""
        return self.off is None and self.offset is None and self.window is None


_ENTRIES = {
    "offset": Misfit.WRONG_SIDE,
    "expires": Misfit.ENDS_FIRST,
    "late": Misfit.ENDS_FIRST,
}
"""The entry that a rule of files finds at fault -> what that means here."""


def misfits(step: Step, override: Override, settings: Mapping[str, int]) -> list[tuple[str, Misfit]]:
    """What is wrong with an override of this step at a clinic with these `settings` (days): field and why.

    The same rules as for a file, and besides: what a setting or the gap between visits counts stays so.
    """
    found = list(_kinds(step, override))
    if found:
        return found
    # What is wrong with the file itself at this clinic is not the override's fault.
    new = _findings(_timed(step, override), settings) - _findings(step, settings)
    told = (_ENTRIES.get(name, Misfit.NO_HOURS) for name in sorted(new))
    return list(dict.fromkeys(("window" if why is Misfit.NO_HOURS else "offset", why) for why in told))


def _findings(step: Step, settings: Mapping[str, int]) -> set[str]:
    """The entries at which the rules of files find fault."""
    plain = _resolved(step, settings)
    return {name for rule in RULES for name, _text in rule(plain)}


def _kinds(step: Step, override: Override) -> Iterator[tuple[str, Misfit]]:
    if override.off is not None and step.mandatory is not None:
        yield "off", Misfit.MANDATORY
    if override.offset is not None and (why := _other_kind(step.offset, override.offset)):
        yield "offset", why
    window = override.window
    if window is not None and window.opens >= window.closes:
        yield "window", Misfit.NO_HOURS


def _other_kind(file: Offset, offset: Days | Span) -> Misfit | None:
    if isinstance(file, Gap):
        return Misfit.BY_GAP
    if isinstance(file, Days) and file.setting:
        return Misfit.BY_SETTING
    if type(file) is not type(offset) or (isinstance(offset, Days) and offset.setting):
        return Misfit.OTHER_UNIT
    far = (
        abs(offset.number) > MOST_DAYS if isinstance(offset, Days) else abs(offset.minutes) > MOST_HOURS * 60
    )
    return Misfit.TOO_FAR if far else None


def _timed(step: Step, override: Override) -> Step:
    """The step with the offset and the hours of an override."""
    if override.offset is not None:
        step = replace(step, offset=override.offset)
    window = override.window
    if window is None:
        return step
    if isinstance(step.offset, Span):
        return replace(step, not_before=window.opens, not_after=window.closes)
    return replace(step, window=window)


def _resolved(step: Step, settings: Mapping[str, int]) -> Step:
    """The step with numbers in place of the clinic's settings, so that the rules can compare them."""
    offset = step.offset
    plain = _number(offset, settings) if isinstance(offset, Days) else offset
    late = step.late.expires
    return replace(
        step,
        offset=plain,
        expires=_plain_life(step.expires, settings),
        late=replace(step.late, expires=_plain_life(late, settings) if late else None),
    )


def _plain_life(life: Life, settings: Mapping[str, int]) -> Life:
    after, before = life.after, life.before_anchor
    return Life(
        after=_number(after, settings) if isinstance(after, Days) else after,
        before_anchor=_number(before, settings) if isinstance(before, Days) else before,
    )


def _number(days: Days, settings: Mapping[str, int]) -> Days:
    return Days(number=days.resolve(settings)) if days.setting in settings else days


def effective(sequence: Sequence, overrides: Iterable[Override], settings: Mapping[str, int]) -> Sequence:
    """The sequence as one clinic follows it. Without an override that fits it is the very same object."""
    fitting = {one.step: one for one in overrides if fits(sequence, one, settings)}
    if not fitting:
        return sequence
    steps = tuple(_timed(s, fitting[s.key]) if s.key in fitting else s for s in sequence.steps)
    return replace(sequence, steps=steps, off=_off(sequence, fitting))


def fits(sequence: Sequence, override: Override, settings: Mapping[str, int]) -> bool:
    """Whether an override on record still fits the file."""
    step = next((step for step in sequence.steps if step.key == override.step), None)
    return step is not None and not override.changes_nothing and not misfits(step, override, settings)


def _off(sequence: Sequence, fitting: Mapping[str, Override]) -> tuple[str, ...]:
    """What is off, in the order of the file: a step that asks the question of one again goes with it."""
    off = {key for key, override in fitting.items() if override.off is not None}
    return tuple(s.key for s in sequence.steps if s.key in off or s.only_if.unanswered in off)


def hours_of(step: Step) -> Window | None:
    """The hours that a step names itself; an open end of `not_before` and `not_after` is that of the day."""
    if step.window is not None or (step.not_before is None and step.not_after is None):
        return step.window
    return Window(opens=step.not_before or time(0), closes=step.not_after or time(23, 59))
