"""Everything the planner is told. It asks nothing else of anyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.domain.recipients import Channel
from campaigns.domain.steps import Sequence
from campaigns.domain.visits import CourseFacts, check_aware, check_wall

NO_SETTINGS: Mapping[str, int] = MappingProxyType({})
NO_ANSWERS: Mapping[tuple[str, UUID | None], datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentFacts:
    """One enrollment. `answers` says when the question of a step was answered, by step and visit (None where
    the step is sent once a course); from those in `late` nothing follows. Instants are aware."""

    id: UUID
    sequence: Sequence
    course: CourseFacts
    enrolled_at: datetime
    active: bool = True
    answers: Mapping[tuple[str, UUID | None], datetime] = field(default_factory=lambda: NO_ANSWERS)
    late: frozenset[tuple[str, UUID | None]] = frozenset()

    def __post_init__(self) -> None:
        check_aware("enrolled_at", self.enrolled_at)
        for (step, _), at in self.answers.items():
            check_aware(f"the answer to {step}", at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicFacts:
    """What a clinic decided. `window` is from and to; Monday is 0; quiet hours may cross midnight, and equal
    ends mean that there are none. `settings` gives days for all names that sequence files use."""

    zone: ZoneInfo
    window: tuple[time, time]
    send_days: frozenset[int]
    holidays: frozenset[date] = frozenset()
    quiet_from: time = time(21)
    quiet_to: time = time(8)
    sms_per_day: int = 2
    sms_per_week: int = 7
    settings: Mapping[str, int] = field(default_factory=lambda: NO_SETTINGS)

    def __post_init__(self) -> None:
        opens, closes = self.window
        for at in (opens, closes, self.quiet_from, self.quiet_to):
            check_wall("a clinic's hour", at)
        if opens >= closes:
            raise ValueError(f"the clinic's send window must open before it closes, not {opens} to {closes}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFacts:
    """Where a patient lives by the clock, and the channels with a good address now.

    On those in `refused` the patient wants nothing, and of the topics in `refused_topics` nothing there: a
    choice between channels passes them by. Whether a message may leave is asked when it is about to,
    not here.
    """

    channels: frozenset[Channel]
    refused: frozenset[Channel] = frozenset()
    refused_topics: frozenset[tuple[Channel, str]] = frozenset()
    zone: ZoneInfo | None = None

    def refuses(self, channel: Channel, topic: str) -> bool:
        """Whether the patient wants no message on this topic there."""
        return channel in self.refused or (channel, topic) in self.refused_topics


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message that left, or may have left. `stated` holds what it told the patient about the visit:
    `visit`, `date` and `time` (ISO, wall clock at the clinic), or None. `failed` where it could not arrive on
    this channel and the clinic wants it said on another."""

    enrollment: UUID
    step: str
    visit: UUID | None
    visit_version: int
    channel: Channel
    sent_at: datetime
    template: str
    stated: Mapping[str, str] | None = None
    failed: bool = False

    def __post_init__(self) -> None:
        check_aware("sent_at", self.sent_at)
