"""A new course seen from its first day: why each message goes when it goes, and what would follow each visit.

Questions after a visit are planned only once it has taken place. To show a whole course before it begins, the
planner is asked as if each visit took place as booked and no question were answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.domain.facts import ClinicFacts, EnrollmentFacts, PatientFacts
from campaigns.domain.owed import Owed, owed_by
from campaigns.domain.placing import Calendar, Times
from campaigns.domain.plans import Key, Planned
from campaigns.domain.schedule import plan
from campaigns.domain.steps import Anchor
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import CourseState, VisitFacts, VisitState

VISIT_LASTS = timedelta(minutes=45)
_AFTER_A_VISIT = frozenset({Anchor.VISIT_COMPLETED, Anchor.VISIT_GAP})
_AT_THE_END = frozenset({Anchor.COURSE_COMPLETED})


class Timing(StrEnum):
    """Why a message goes when it goes."""

    ON_TIME = "on_time"
    AT_ONCE = "at_once"
    LATE_WORDS = "late_words"
    OTHER_HOUR = "other_hour"
    OTHER_DAY = "other_day"
    CAPPED = "capped"


Named = tuple[UUID, str, UUID | None, int]
"""What is owed, whatever the channel: the enrollment, the step, the visit and its version."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """Everything that is owed with its own times, and what is expected to follow the visits."""

    zone: ZoneInfo
    owed: dict[Named, tuple[Owed, Times]]
    expected: tuple[Planned, ...]

    def timing(self, named: Named, template: str, send_at: datetime, now: datetime) -> Timing:
        """Why it goes at `send_at` (aware), seen from `now`."""
        if named not in self.owed:
            return Timing.ON_TIME
        owed, times = self.owed[named]
        if template != owed.enrollment.sequence.template(owed.step):
            return Timing.LATE_WORDS
        if times.at is None or times.at < now:
            return Timing.AT_ONCE
        if send_at != times.at:
            return Timing.CAPPED
        return Timing.ON_TIME if times.at == times.due else self._moved(times.at, times.due)

    def _moved(self, at: datetime, due: datetime) -> Timing:
        same_day = at.astimezone(self.zone).date() == due.astimezone(self.zone).date()
        return Timing.OTHER_HOUR if same_day else Timing.OTHER_DAY

    def due(self, named: Named) -> datetime | None:
        """When it would go if nothing stood in its way (UTC); None where that is not known."""
        return self.owed[named][1].due if named in self.owed else None

    def only_unanswered(self, named: Named) -> bool:
        """Whether it goes only where a question before it was not answered."""
        return named in self.owed and bool(self.owed[named][0].step.only_if.unanswered)


def look_ahead(
    enrollments: Sequence[EnrollmentFacts], clinic: ClinicFacts, patient: PatientFacts, now: datetime
) -> Ahead:
    """A course that nothing has been sent to yet, seen from `now` (aware). All of `enrollments` follow it."""
    calendar = Calendar(clinic, patient.zone or clinic.zone)
    owed = _owed(enrollments, calendar)
    expected: dict[Key, Planned] = {}
    for facts, anchors, visit in _as_if(enrollments, clinic.zone):
        new = {
            named: found
            for named, found in _owed(facts, calendar).items()
            if named not in owed and _is_of(found[0], anchors, visit)
        }
        for message in plan(facts, clinic, patient, (), now).planned:
            if _named(message) in new:
                expected[message.key] = message
        owed |= new
    return Ahead(calendar.zone, owed, tuple(expected.values()))


def _owed(enrollments: Iterable[EnrollmentFacts], calendar: Calendar) -> dict[Named, tuple[Owed, Times]]:
    return {
        (one.enrollment.id, one.step.key, one.visit_id, one.visit_version): (one, calendar.times(one))
        for enrollment in enrollments
        for one in owed_by(enrollment, calendar.clinic.zone)
    }


def _is_of(owed: Owed, anchors: Collection[Anchor], visit: UUID | None) -> bool:
    return owed.step.anchor in anchors and (owed.visit is None or owed.visit.id == visit)


def _named(message: Planned) -> Named:
    return message.enrollment, message.step, message.visit, message.visit_version


_AsIf = tuple[list[EnrollmentFacts], Collection[Anchor], UUID | None]


def _as_if(enrollments: Sequence[EnrollmentFacts], zone: ZoneInfo) -> Iterator[_AsIf]:
    """The facts after each visit in turn, and after the course: with the anchors that count from there."""
    visits = sorted(enrollments[0].course.visits, key=lambda v: _start(v, zone)) if enrollments else []
    for done, visit in enumerate(visits, start=1):
        yield _after(enrollments, visits, done, zone), _AFTER_A_VISIT, visit.id
    if visits:
        ended = _start(visits[-1], zone) + VISIT_LASTS
        yield [_over(one, ended) for one in _after(enrollments, visits, len(visits), zone)], _AT_THE_END, None


def _over(enrollment: EnrollmentFacts, ended: datetime) -> EnrollmentFacts:
    course = replace(enrollment.course, state=CourseState.COMPLETED, completed_at=ended)
    return replace(enrollment, course=course)


def _after(
    enrollments: Sequence[EnrollmentFacts], visits: Sequence[VisitFacts], done: int, zone: ZoneInfo
) -> list[EnrollmentFacts]:
    """The same enrollments once so many of the visits have taken place."""
    now = tuple(
        replace(visit, state=VisitState.COMPLETED, settled_at=_start(visit, zone) + VISIT_LASTS)
        if place < done
        else visit
        for place, visit in enumerate(visits)
    )
    return [replace(one, course=replace(one.course, visits=now)) for one in enrollments]


def _start(visit: VisitFacts, zone: ZoneInfo) -> datetime:
    return to_instant(visit.on_date, visit.at_time, zone)
