"""What a sequence says: its steps, and for each when, to whom, on which channel and until when.

These are plain values. `sequences.parse` makes them from a file; `schedule.plan` reads them. Nothing here
knows a treatment: prolotherapy is what the files in `campaigns/sequences/` say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Any

from campaigns.domain.errors import InvalidSequence, UnknownStep
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitKind


class Anchor(StrEnum):
    """What a step's time is counted from."""

    ENROLLMENT = "enrollment"
    VISIT_START = "visit_start"
    VISIT_COMPLETED = "visit_completed"
    VISIT_MISSED = "visit_missed"
    COURSE_COMPLETED = "course_completed"
    VISIT_GAP = "visit_gap"
    ANSWER = "answer"


class SendDays(StrEnum):
    """Whether the clinic's send days and holidays hold for a step."""

    CLINIC = "clinic"
    ANY = "any"


class Shift(StrEnum):
    """Which way a closed day moves a step."""

    EARLIER = "earlier"
    LATER = "later"


class Repeat(StrEnum):
    """How often a step is sent: what the identity of an occurrence holds."""

    ONCE_PER_COURSE = "once_per_course"
    ONCE_PER_VISIT = "once_per_visit"
    ONCE_PER_VISIT_DATE = "once_per_visit_date"


class ChannelRule(StrEnum):
    """How the named channels are used."""

    ALL_OF = "all_of"
    FIRST_OF = "first_of"


class Topic(StrEnum):
    """What the patient agreed to receive."""

    EDUCATION = "education"
    REMINDERS = "reminders"
    CHECK_INS = "check_ins"


class Mandatory(StrEnum):
    """Why a clinic cannot switch a step off."""

    CONSENT = "consent"
    MEDICINES = "medicines"
    WARNING_SIGNS = "warning_signs"


class LateRule(StrEnum):
    """What to do with a step whose time had passed before it was first planned."""

    SKIP = "skip"
    SEND_NOW = "send_now"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Calendar days: a number, or a clinic setting with a sign. Negative is before the anchor."""

    number: int = 0
    setting: str = ""
    sign: int = 1

    def resolve(self, settings: Mapping[str, int]) -> int:
        """The number of days for one clinic. Raises `InvalidSequence` when the clinic lacks the setting."""
        if not self.setting:
            return self.number
        if self.setting not in settings:
            raise InvalidSequence(f"The clinic has no setting {self.setting}: give it a number of days.")
        return self.sign * settings[self.setting]

    @property
    def before(self) -> bool:
        """Whether this lies before the anchor."""
        return self.sign < 0 if self.setting else self.number < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Absolute minutes; an hour is an hour, whatever the clocks on the wall do. Negative is before."""

    minutes: int = 0

    @property
    def delta(self) -> timedelta:
        """The same as a `timedelta`."""
        return timedelta(minutes=self.minutes)

    @property
    def before(self) -> bool:
        """Whether this lies before the anchor."""
        return self.minutes < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A part of the days from a completed visit to the next one; `fallback_days` when none is booked."""

    fraction: float
    fallback_days: int

    @property
    def before(self) -> bool:
        """A gap begins at its anchor, so it never lies before it."""
        return False


Offset = Days | Span | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Hours of one day on a wall clock, both ends included."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Until when a text stays true: from its computed time on, from the anchor back; the earlier counts."""

    after: Days | Span | None = None
    before_anchor: Days | Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """The late rule. Another template may live longer than its step, and may replace other steps too."""

    rule: LateRule
    template: str = ""
    replaces: tuple[str, ...] = ()
    expires: Life | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """The channels of a step, in the order of preference."""

    rule: ChannelRule
    names: tuple[Channel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyIf:
    """Conditions, all of which must hold; what is left out is not asked."""

    visit_kind: VisitKind | None = None
    no_next_visit: bool = False
    course_open: bool = False
    gap_days_at_least: int = 0
    unanswered: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a sequence. Clock times are on the recipient's wall clock (see `timing`)."""

    key: str
    purpose: str
    anchor: Anchor
    offset: Offset
    expires: Life
    late: Late
    repeat: Repeat
    channels: Channels
    topic: Topic
    follows: str = ""
    window: Window | None = None
    not_before: time | None = None
    not_after: time | None = None
    days: SendDays = SendDays.CLINIC
    shift: Shift = Shift.LATER
    group: str = ""
    asks: str = ""
    only_if: OnlyIf = OnlyIf()
    exempt_from_cap: bool = False
    mandatory: Mandatory | None = None

    @property
    def priority(self) -> int:
        """Who gives way when there are too many texts: 0 never does, then visits, check-ins, all the rest."""
        if self.exempt_from_cap:
            return 0
        if self.anchor is Anchor.VISIT_START and self.topic is Topic.REMINDERS:
            return 1
        return 2 if self.topic is Topic.CHECK_INS else 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A named list of steps, in the order of the file. `off` names those that a clinic has switched off."""

    key: str
    title: str
    steps: tuple[Step, ...]
    off: tuple[str, ...] = ()

    def step(self, key: str) -> Step:
        """The step of that name. Raises `UnknownStep`, naming those there are."""
        for step in self.steps:
            if step.key == key:
                return step
        known = ", ".join(step.key for step in self.steps)
        raise UnknownStep(f"The sequence {self.key} has no step {key}. It has: {known}.")

    def template(self, step: Step) -> str:
        """The template of a step that is on time."""
        return f"{self.key}/{step.key}"

    @property
    def digest(self) -> str:
        """SHA-256 of everything the file says, comments and layout apart."""
        return _digest(asdict(self))

    @property
    def timing_digest(self) -> str:
        """SHA-256 of what decides whether and when something goes; a new title or purpose leaves it alone.

        Where nothing is switched off it is what releases say that know no switch: two of them side by side
        must not plan in turns.
        """
        plain = asdict(self)
        del plain["title"]
        if not self.off:
            del plain["off"]
        for step in plain["steps"]:
            del step["purpose"], step["mandatory"]
        return _digest(plain)


def _digest(plain: dict[str, Any]) -> str:
    canonical = json.dumps(plain, sort_keys=True, default=str, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
