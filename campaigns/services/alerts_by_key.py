"""An alert taken or closed in another program: still by a named person of the staff, and by which key."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from campaigns.domain.errors import CampaignsError
from campaigns.models import Alert, Staff
from campaigns.queries import clock
from campaigns.services import escalate
from campaigns.services.record import record


class NoSuchPerson(CampaignsError):
    """Nobody with this address has an account at this clinic."""


@transaction.atomic
def acknowledge(alert_id: int, person: str, *, clinic: UUID, by: str) -> Alert:
    """A person of the clinic has it in hand. Raises NoSuchPerson."""
    staff = _staff(person, clinic)
    alert = escalate.acknowledge(alert_id, staff)
    _record("alert_acknowledged_by_key", alert, staff, by)
    return alert


@transaction.atomic
def close(
    alert_id: int,
    person: str,
    outcome: str,
    *,
    clinic: UUID,
    by: str,
    note: str = "",
    seen: int | None = None,
) -> Alert:
    """A person of the clinic closes it. Raises NoSuchPerson and what `escalate.close` raises."""
    staff = _staff(person, clinic)
    alert = escalate.close(alert_id, staff, outcome, note=note, seen=seen)
    _record("alert_closed_by_key", alert, staff, by)
    return alert


def _staff(person: str, clinic: UUID) -> Staff:
    staff = Staff.objects.filter(clinic=clinic, is_active=True, email=person.strip().casefold()).first()
    if staff is None:
        raise NoSuchPerson
    return staff


def _record(action: str, alert: Alert, staff: Staff, by: str) -> None:
    record(action, f"alert {alert.pk}", actor=by, now=clock.now(), detail={"staff": staff.pk})
