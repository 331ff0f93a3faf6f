"""Which steps are owed, and about what: anchors and conditions, before any clock is looked at.

A step is owed once for each anchor it finds in the course. An unknown anchor owes nothing, and neither does a
condition that does not hold: what was never owed needs no reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.domain.facts import EnrollmentFacts
from campaigns.domain.lifecycle import Reason
from campaigns.domain.steps import Anchor, Repeat, Step
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import CourseState, VisitFacts, VisitKind, VisitState

CLOSED: dict[VisitState, Reason] = {
    VisitState.CANCELLED: Reason.VISIT_CANCELLED,
    VisitState.NO_SHOW: Reason.VISIT_MISSED,
    VisitState.COMPLETED: Reason.VISIT_DONE,
}
"""Why a message that comes before a visit is pointless once the visit is no longer booked."""

TAKING_PLACE = frozenset({VisitState.BOOKED, VisitState.COMPLETED})


@dataclass(slots=True, kw_only=True)
class Owed:
    """A step that is owed. `anchor` is UTC. `gap_days` are calendar days to the next visit, None when there
    is none. `closed` says why it is pointless, if it is, and `closed_at` since when (None: since ever)."""

    enrollment: EnrollmentFacts
    step: Step
    visit: VisitFacts | None
    anchor: datetime
    gap_days: int | None = None
    closed: Reason | None = None
    closed_at: datetime | None = None

    @property
    def visit_id(self) -> UUID | None:
        """The visit that its identity names."""
        per_course = self.step.repeat is Repeat.ONCE_PER_COURSE
        return None if per_course or self.visit is None else self.visit.id

    @property
    def visit_version(self) -> int:
        """The visit version that its identity names, 0 unless a new date makes a new message."""
        per_date = self.step.repeat is Repeat.ONCE_PER_VISIT_DATE
        return self.visit.version if per_date and self.visit is not None else 0


class Timeline:
    """The visits of one course in the order of their start, with what the conditions ask about them."""

    def __init__(self, enrollment: EnrollmentFacts, zone: ZoneInfo) -> None:
        course = enrollment.course
        self.course = course
        self.zone = zone
        self.starts = {v.id: to_instant(v.on_date, v.at_time, zone) for v in course.visits}
        self.visits = sorted(course.visits, key=lambda v: (self.starts[v.id], v.number, v.id.int))
        self.by_id: dict[UUID | None, VisitFacts] = {v.id: v for v in course.visits}
        self.doubles = self._doubles()

    def _doubles(self) -> frozenset[UUID]:
        """Visits entered twice: same kind, same start, both still booked. One is enough to write about."""
        first: dict[tuple[VisitKind, datetime], UUID] = {}
        booked = [v for v in self.visits if v.state is VisitState.BOOKED]
        for visit in booked:
            first.setdefault((visit.kind, self.starts[visit.id]), visit.id)
        return frozenset(v.id for v in booked if first[v.kind, self.starts[v.id]] != v.id)

    def after(self, visit: VisitFacts, kind: VisitKind | None) -> VisitFacts | None:
        """The next visit (of that kind) that takes or took place after this one."""
        start = self.starts[visit.id]
        for other in self.visits:
            if self.starts[other.id] > start and other.state in TAKING_PLACE and kind in (None, other.kind):
                return other
        return None

    def gap_days(self, visit: VisitFacts, done: datetime, kind: VisitKind | None) -> int | None:
        """Calendar days at the clinic from the day a visit was done to the next one."""
        following = self.after(visit, kind)
        return (following.on_date - done.astimezone(self.zone).date()).days if following else None

    def overtaken(self, visit: VisitFacts, kind: VisitKind | None) -> datetime | None:
        """When a later visit of that kind was completed, so that questions about this one are out of date."""
        start = self.starts[visit.id]
        done = [v for v in self.visits if v.state is VisitState.COMPLETED and kind in (None, v.kind)]
        later = [v.settled_at for v in done if v.settled_at is not None and self.starts[v.id] > start]
        return min(later, default=None)


def owed_by(enrollment: EnrollmentFacts, zone: ZoneInfo) -> Iterator[Owed]:
    """Everything this enrollment owes, sent or not. `zone` is the clinic's."""
    timeline = Timeline(enrollment, zone)
    for step in enrollment.sequence.steps:
        found = [owed for owed in _anchored(enrollment, step, timeline) if _holds(owed, timeline)]
        if step.repeat is Repeat.ONCE_PER_COURSE and len(found) > 1:
            found = [min(found, key=lambda owed: (owed.closed is not None, owed.anchor))]
        yield from found


def _anchored(enrollment: EnrollmentFacts, step: Step, timeline: Timeline) -> Iterator[Owed]:
    if step.anchor in (Anchor.ENROLLMENT, Anchor.COURSE_COMPLETED):
        yield from _per_course(enrollment, step)
    elif step.anchor is Anchor.ANSWER:
        for (answered, visit_id), at in enrollment.answers.items():
            told = answered == step.follows and (answered, visit_id) not in enrollment.late
            if told and (visit_id is None or visit_id in timeline.by_id):
                visit = timeline.by_id.get(visit_id)
                yield Owed(enrollment=enrollment, step=step, visit=visit, anchor=at)
    else:
        for visit in timeline.visits:
            if step.only_if.visit_kind in (None, visit.kind):
                yield from _per_visit(enrollment, step, visit, timeline)


def _per_course(enrollment: EnrollmentFacts, step: Step) -> Iterator[Owed]:
    course = enrollment.course
    if step.anchor is Anchor.ENROLLMENT:
        closed = Reason.COURSE_CLOSED if course.state is CourseState.CLOSED else None
        yield Owed(enrollment=enrollment, step=step, visit=None, anchor=enrollment.enrolled_at, closed=closed)
    elif course.state is CourseState.COMPLETED and course.completed_at is not None:
        yield Owed(enrollment=enrollment, step=step, visit=None, anchor=course.completed_at)


def _per_visit(
    enrollment: EnrollmentFacts, step: Step, visit: VisitFacts, timeline: Timeline
) -> Iterator[Owed]:
    settled = visit.settled_at
    if step.anchor is Anchor.VISIT_START:
        owed = Owed(enrollment=enrollment, step=step, visit=visit, anchor=timeline.starts[visit.id])
        _close_before(owed, timeline)
        yield owed
    elif settled is None:
        return
    elif step.anchor is Anchor.VISIT_MISSED:
        if visit.state is VisitState.NO_SHOW:
            closed = Reason.COURSE_CLOSED if timeline.course.state is CourseState.CLOSED else None
            yield Owed(enrollment=enrollment, step=step, visit=visit, anchor=settled, closed=closed)
    elif visit.state is VisitState.COMPLETED:
        kind = step.only_if.visit_kind
        gap = timeline.gap_days(visit, settled, kind) if step.anchor is Anchor.VISIT_GAP else None
        owed = Owed(enrollment=enrollment, step=step, visit=visit, anchor=settled, gap_days=gap)
        owed.closed_at = timeline.overtaken(visit, kind)
        owed.closed = Reason.SUPERSEDED if owed.closed_at else None
        yield owed


def _close_before(owed: Owed, timeline: Timeline) -> None:
    """Say why a message before a visit is pointless, if it is."""
    visit = owed.visit
    if visit is None:
        return
    if visit.state is not VisitState.BOOKED:
        owed.closed, owed.closed_at = CLOSED[visit.state], visit.settled_at
    elif timeline.course.state is CourseState.CLOSED:
        owed.closed, owed.closed_at = Reason.COURSE_CLOSED, timeline.course.completed_at
    elif visit.id in timeline.doubles:
        owed.closed = Reason.SUPERSEDED


def _holds(owed: Owed, timeline: Timeline) -> bool:
    """Whether the conditions of its step hold. An answer is not asked for here: it is a reason."""
    only_if, visit = owed.step.only_if, owed.visit
    if only_if.course_open and timeline.course.state is not CourseState.OPEN:
        return False
    if visit is None:
        return True
    if only_if.no_next_visit and timeline.after(visit, None) is not None:
        return False
    return owed.gap_days is None or owed.gap_days >= only_if.gap_days_at_least


def answered_at(owed: Owed, step_key: str, sent_at: datetime | None) -> datetime | None:
    """When the question of `step_key` was answered for the same visit, if that answer still counts.

    An answer about an old date of a visit does not: a step that repeats with the date (its current message
    left at `sent_at`, None if it has not) is answered only by what came after that message.
    """
    at = owed.enrollment.answers.get((step_key, owed.visit_id))
    if at is None:
        return None
    if owed.step.repeat is Repeat.ONCE_PER_VISIT_DATE and (sent_at is None or at < sent_at):
        return None
    return at
