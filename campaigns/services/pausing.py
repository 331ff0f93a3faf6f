"""Leave a patient in peace for a while: nothing that is planned goes until then. And their own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import transaction

from campaigns.domain.errors import NotAllowed
from campaigns.domain.lifecycle import UNSENT, Purpose
from campaigns.models import Message, Patient
from campaigns.queries import clock
from campaigns.services import stale
from campaigns.services.newcomers import checked_zone
from campaigns.services.plan import Changes, replan
from campaigns.services.record import record


class Why(StrEnum):
    """Why somebody is left in peace. A closed list: free words here would be words about a patient in a
    column that anybody with the database can read."""

    ASKED = "asked"
    AWAY = "away"
    HOSPITAL = "hospital"
    OTHER = "other"


@transaction.atomic
def pause(patient_id: UUID, until: datetime | None, why: Why, *, by: str, shown: str | None = None) -> None:
    """Send nothing planned until that instant (aware), or until somebody says so. What expires meanwhile is
    skipped with that reason; safety texts still go. Raises NotAllowed for who is not in care, for a past
    instant, and where `shown` (stale.status_mark) is not what is written down by now. The same pause again
    changes nothing."""
    now = clock.now()
    patient = _locked(patient_id)
    standing = (patient.status, patient.status_reason, patient.paused_until)
    if standing == (Patient.Status.PAUSED, why.value, until):
        return
    stale.check_status(patient, shown)
    if patient.status not in Patient.IN_CARE:
        raise NotAllowed("This patient is not in care.")
    if until is not None and until <= now:
        raise NotAllowed("That time has already passed.")
    patient.status, patient.status_reason, patient.paused_until = Patient.Status.PAUSED, why.value, until
    patient.save(update_fields=["status", "status_reason", "paused_until"])
    detail = {"until": until.isoformat() if until else None, "why": why.value}
    record("patient_paused", f"patient {patient.pk}", actor=by, now=now, detail=detail)


@dataclass(frozen=True, slots=True)
class Waits:
    """What a pause does to messages that are planned: those that would wait until it ends, and those that
    would be too late by then and are not sent at all."""

    later: tuple[Message, ...]
    lost: tuple[Message, ...]


def waits(patient_id: UUID, until: datetime | None) -> Waits:
    """What a pause until then (aware; None: until somebody says so) would do. Changes nothing. Without an end
    nobody can say what is too late: everything counts as waiting."""
    rows = Message.objects.filter(patient=patient_id, state__in=UNSENT).exclude(purpose=Purpose.SAFETY)
    rows = rows.select_related("visit").defer("subject", "body", "html").order_by("send_at", "pk")
    held = [row for row in rows if until is None or row.send_at < until]
    lost = tuple(row for row in held if until is not None and row.expires_at <= until)
    return Waits(later=tuple(row for row in held if row not in lost), lost=lost)


@transaction.atomic
def set_zone(patient_id: UUID, zone: str, *, by: str) -> Changes:
    """Write to the patient by the clock of that zone (empty: the clinic's), and plan what that changes.
    Raises InvalidEnrollment for a zone that does not exist."""
    now = clock.now()
    patient = _locked(patient_id)
    patient.time_zone = checked_zone(zone)
    patient.save(update_fields=["time_zone"])
    changes = replan(patient.pk, now)
    record("time_zone_changed", f"patient {patient.pk}", actor=by, now=now)
    return changes


def _locked(patient_id: UUID) -> Patient:
    patient = Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
    if patient.forgotten_at:
        raise NotAllowed("This patient was forgotten already.")
    return patient
