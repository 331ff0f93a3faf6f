"""What the gates ask about a claimed batch: its clinics, read once, and how many texts each patient had."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.domain.consent import GateFacts
from campaigns.domain.lifecycle import Purpose
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic
from campaigns.queries import queue
from campaigns.queries.queue import Claimed
from campaigns.services.compose import Approvals, approvals_as_read

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Context:
    """A clinic, its zone and what it has approved, read once a batch."""

    clinic: Clinic
    zone: ZoneInfo
    approved: Approvals


def contexts(claimed: Sequence[Claimed]) -> dict[UUID, Context]:
    """The clinics of a batch. One whose zone does not exist is left out: its hours cannot be known."""
    clinics = Clinic.objects.in_bulk({row.clinic_id for row in claimed})
    found = {}
    for key, clinic in clinics.items():
        zone = _zone(clinic.time_zone)
        if zone is None:
            log.error("the time zone of a clinic does not exist", extra={"clinic": str(key)})
        else:
            found[key] = Context(clinic, zone, approvals_as_read(clinic))
    return found


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError):
        return None


class Counts:
    """Texts of each patient today and this week, this batch included."""

    def __init__(self, claimed: Sequence[Claimed], known: Mapping[UUID, Context], now: datetime) -> None:
        self._counts: dict[UUID, tuple[int, int]] = {}
        for clinic_id, context in known.items():
            local = now.astimezone(context.zone)
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            patients = {row.patient_id for row in claimed if row.clinic_id == clinic_id and row.capped}
            if patients:
                self._counts |= queue.sms_counts(patients, midnight, midnight - timedelta(days=6))

    def of(self, patient: UUID) -> tuple[int, int]:
        """Today and this week."""
        return self._counts.get(patient, (0, 0))

    def add(self, row: Claimed) -> None:
        """This one goes."""
        if row.channel == Channel.SMS and row.purpose in {Purpose.STEP, Purpose.CORRECTION}:
            today, week = self.of(row.patient_id)
            self._counts[row.patient_id] = (today + 1, week + 1)


def gate_facts(row: Claimed, context: Context, counts: Counts) -> GateFacts:
    """All that decides about one message. A patient's zone that does not exist is taken for the clinic's."""
    clinic = context.clinic
    today, week = counts.of(row.patient_id)
    return GateFacts(
        purpose=Purpose(row.purpose),
        channel=Channel(row.channel),
        expires_at=row.expires_at,
        patient_status=row.patient_status,
        paused_until=row.paused_until,
        enrollment_state=row.enrollment_state,
        visit_state=row.visit_state,
        visit_version=row.visit_version,
        current_visit_version=row.current_visit_version,
        about_completed_visit=row.sequence in {"aftercare", "missed_visit"},
        address_state=row.address_state,
        suppressed=row.suppressed,
        consent=row.consent,
        zone=_zone(row.time_zone) or context.zone,
        quiet_from=clinic.quiet_from,
        quiet_to=clinic.quiet_to,
        capped=row.capped,
        sms_today=today,
        sms_this_week=week,
        sms_per_day=clinic.sms_per_day,
        sms_per_week=clinic.sms_per_week,
    )
