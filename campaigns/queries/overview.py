"""What the first page shows: who is next, what goes out, what did not. A fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery, Value

from campaigns.domain.lifecycle import UNSENT, State
from campaigns.domain.visits import VisitState
from campaigns.models import ChannelState, Message, Patient, Visit, WebhookEndpoint

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


WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Shut:
    """What takes nothing just now: a channel, or (`WEBHOOK`) another program that was given up."""

    channel: str
    why: str
    since: datetime | None


def shut(clinic_id: UUID) -> list[Shut]:
    """What takes nothing just now at a clinic, the longest first. One query."""
    channels = ChannelState.objects.filter(clinic=clinic_id, shut_until__isnull=False)
    given_up = WebhookEndpoint.objects.filter(clinic=clinic_id, removed_at=None, disabled_at__isnull=False)
    rows = channels.values_list("channel", "why", "since").union(
        given_up.values_list(Value(WEBHOOK), Value(""), "disabled_at"), all=True
    )
    return sorted((Shut(*row) for row in rows), key=lambda one: (str(one.since), one.channel))


def going_out(clinic_id: UUID, limit: int) -> list[Message]:
    """The next messages of a clinic with their patients, soonest first, without texts."""
    rows = Message.objects.filter(clinic=clinic_id, state__in=_UNSENT).select_related("patient")
    return list(rows.defer("subject", "body", "html").order_by("due_at", "pk")[:limit])


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
