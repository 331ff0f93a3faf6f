"""What did not go, and what comes next for each patient. A fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery

from campaigns.domain.lifecycle import UNSENT, State
from campaigns.domain.visits import VisitState
from campaigns.models import Message, Patient, Visit

LOOK_BACK = timedelta(days=7)
NOT_ARRIVED = (State.SKIPPED, State.CANCELLED, State.REJECTED, State.UNDELIVERED, State.UNRESOLVED)
_UNSENT = [state.value for state in UNSENT]


@dataclass(frozen=True, slots=True)
class Unsent:
    """How many messages ended in one way for one reason."""

    state: str
    reason: str
    count: int


def unsent(clinic_id: UUID, now: datetime) -> list[Unsent]:
    """What did not go or did not arrive in the last seven days, most frequent first."""
    rows = Message.objects.filter(
        clinic=clinic_id, state__in=NOT_ARRIVED, settled_at__gt=now - LOOK_BACK, settled_at__lte=now
    )
    counted = rows.values_list("state", "reason").annotate(count=Count("pk")).order_by("-count", "reason")
    return [Unsent(*row) for row in counted]


def with_next(patients: QuerySet[Patient], today: date) -> QuerySet[Patient]:
    """Patients with `next_date` and `next_time` of their next visit (wall clock), `next_message` (instant).

    Each is None where there is none. `today` is the day at the clinic.
    """
    booked = Visit.objects.filter(
        course__patient=OuterRef("pk"), state=VisitState.BOOKED, on_date__gte=today
    ).order_by("on_date", "at_time")
    planned = Message.objects.filter(patient=OuterRef("pk"), state__in=_UNSENT).order_by("due_at")
    return patients.annotate(
        next_date=Subquery(booked.values("on_date")[:1]),
        next_time=Subquery(booked.values("at_time")[:1]),
        next_message=Subquery(planned.values("due_at")[:1]),
    )
