"""Change a visit and plan again, in one transaction. What was sent stays."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from campaigns.domain.errors import InvalidVisit
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import VisitState
from campaigns.models import Clinic, Course, Visit
from campaigns.queries import clock
from campaigns.services import stale
from campaigns.services.plan import Changes, replan
from campaigns.services.record import record

FARTHEST = timedelta(days=2 * 365)
"""A visit further away than this is a typing error."""


def check_start(clinic: Clinic, on_date: date, at_time: time, now: datetime) -> None:
    """Refuse a start in the past or absurdly far away. Wall clock at the clinic."""
    starts = to_instant(on_date, at_time, ZoneInfo(clinic.time_zone))
    if starts <= now:
        raise InvalidVisit(
            f"{on_date} {at_time:%H:%M} has already passed at the clinic. Choose a later date or time."
        )
    if starts > now + FARTHEST:
        raise InvalidVisit(f"{on_date} is more than two years away. Check the year.")


def _locked(visit_id: UUID) -> Visit:
    return (
        Visit.objects.select_for_update(of=("self",), no_key=True)
        .select_related("course__patient__clinic")
        .get(pk=visit_id)
    )


@transaction.atomic
def move(visit_id: UUID, on_date: date, at_time: time, *, by: str, shown: str | None = None) -> Changes:
    """Book another date or time. Raises InvalidVisit for a visit that is over, a start in the past, and where
    `shown` (stale.visit_mark) is not what the visit is by now. A move that was done already changes nothing.
    """
    now = clock.now()
    visit = _locked(visit_id)
    if (visit.on_date, visit.at_time, visit.state) == (on_date, at_time, VisitState.BOOKED):
        return Changes()
    stale.check_visit(visit, shown)
    if visit.state not in {VisitState.BOOKED, VisitState.CANCELLED}:
        raise InvalidVisit("This visit is over. Book a new one instead.")
    check_start(visit.course.patient.clinic, on_date, at_time, now)
    visit.on_date, visit.at_time, visit.state, visit.settled_at = (
        on_date,
        at_time,
        VisitState.BOOKED.value,
        None,
    )
    visit.version += 1
    visit.save(update_fields=["on_date", "at_time", "state", "settled_at", "version"])
    changes = replan(visit.course.patient_id, now)
    record("visit_moved", f"visit {visit.pk}", actor=by, now=now, detail={"version": visit.version})
    return changes


@transaction.atomic
def settle(visit_id: UUID, state: VisitState, *, by: str, shown: str | None = None) -> Changes:
    """Mark a booked visit as completed, missed or cancelled, now. Raises InvalidVisit if it is not booked, or
    not what was `shown` (stale.visit_mark)."""
    now = clock.now()
    visit = _locked(visit_id)
    if visit.state != VisitState.BOOKED and not (
        visit.state == VisitState.NO_SHOW and state is VisitState.COMPLETED
    ):
        raise InvalidVisit(f"This visit is already {visit.state.replace('_', ' ')}.")
    stale.check_visit(visit, shown)
    visit.state, visit.settled_at = state.value, now
    visit.save(update_fields=["state", "settled_at"])
    changes = replan(visit.course.patient_id, now)
    record(f"visit_{state.value}", f"visit {visit.pk}", actor=by, now=now)
    return changes


@transaction.atomic
def complete_course(course_id: UUID, *, by: str) -> Changes:
    """Close a course that went to its end: the last messages count from now."""
    now = clock.now()
    course = Course.objects.select_for_update(no_key=True).get(pk=course_id)
    if course.state != Course.State.OPEN:
        raise InvalidVisit("This course is already closed.")
    course.state, course.completed_at = Course.State.COMPLETED, now
    course.save(update_fields=["state", "completed_at"])
    changes = replan(course.patient_id, now)
    record("course_completed", f"course {course.pk}", actor=by, now=now)
    return changes
