"""What the gates ask about a claimed batch: its clinics, read once, and how many texts each patient had."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.domain.consent import GateFacts
from campaigns.domain.lifecycle import PLANNED_PRIORITY, Purpose
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic
from campaigns.queries import queue, steps, zones
from campaigns.queries.queue import Claimed
from campaigns.services import go_live
from campaigns.services.compose import Approvals, approvals_as_read

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Context:
    """A clinic, its zone and what it has approved, read once a batch."""

    clinic: Clinic
    zone: ZoneInfo
    approved: Approvals
    only_to: frozenset[str] | None = None
    """While the installation is on trial, the addresses that may be written to."""
    off: frozenset[tuple[str, str]] = frozenset()
    """Sequence and step of what the clinic has switched off: that counts at once."""


def contexts(claimed: Sequence[Claimed]) -> dict[UUID, Context]:
    """The clinics of a batch. One whose zone does not exist is left out: its hours cannot be known."""
    clinics = Clinic.objects.in_bulk({row.clinic_id for row in claimed})
    only_to, off = go_live.only_to(), steps.switched_off(clinics.values())
    found = {}
    for key, clinic in clinics.items():
        zone = zones.known(clinic.time_zone)
        if zone is None:
            log.error("the time zone of a clinic does not exist", extra={"clinic": str(key)})
        else:
            found[key] = Context(clinic, zone, approvals_as_read(clinic), only_to, off[key])
    return found


class Counts:
    """Texts of each patient today and this week by the patient's own midnight, this batch included."""

    def __init__(self, claimed: Sequence[Claimed], known: Mapping[UUID, Context], now: datetime) -> None:
        self._counts: dict[UUID, tuple[int, int]] = {}
        since: dict[tuple[datetime, datetime], set[UUID]] = defaultdict(set)
        for row in claimed:
            if row.capped and row.clinic_id in known:
                since[_day_and_week(zone_of(row, known[row.clinic_id]), now)].add(row.patient_id)
        # One statement where all have the same midnight, as the patients of a clinic mostly do.
        for (day, week), patients in since.items():
            self._counts |= queue.sms_counts(patients, day, week)

    def of(self, patient: UUID) -> tuple[int, int]:
        """Today and this week."""
        return self._counts.get(patient, (0, 0))

    def add(self, row: Claimed) -> None:
        """This one goes."""
        if row.channel == Channel.SMS and row.purpose in {Purpose.STEP, Purpose.CORRECTION}:
            today, week = self.of(row.patient_id)
            self._counts[row.patient_id] = (today + 1, week + 1)


def zone_of(row: Claimed, context: Context) -> ZoneInfo:
    """The patient's own zone; one that does not exist is taken for the clinic's."""
    return zones.known(row.time_zone) or context.zone


def _day_and_week(zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """When today began in a zone, and the first of the seven days that end with it. UTC."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(UTC), (midnight - timedelta(days=6)).astimezone(UTC)


def gate_facts(row: Claimed, context: Context, counts: Counts) -> GateFacts:
    """All that decides about one message."""
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
        zone=zone_of(row, context),
        quiet_from=clinic.quiet_from,
        quiet_to=clinic.quiet_to,
        capped=row.capped,
        sms_today=today,
        sms_this_week=week,
        sms_per_day=clinic.sms_per_day,
        sms_per_week=clinic.sms_per_week,
        any_hour_until=_any_hour_until(row),
        held_for_trial=context.only_to is not None and row.address not in context.only_to,
        switched_off=(row.sequence, row.step) in context.off,
    )


JUST_WROTE = timedelta(hours=1)
"""Who wrote within this is still there: words by hand reach them at any hour, and for as long."""


def _any_hour_until(row: Claimed) -> datetime | None:
    """The priority says that the patient had just written when staff did."""
    is_answer = row.purpose == Purpose.MANUAL and row.priority < PLANNED_PRIORITY
    return row.send_at + JUST_WROTE if is_answer else None
