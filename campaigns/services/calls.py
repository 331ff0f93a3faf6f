"""Calls from the call list: who was reached, who comes back on the list when."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from campaigns.domain.errors import NotAllowed
from campaigns.models import Call, Staff
from campaigns.queries import clock
from campaigns.services.record import record

LONGEST_NOTE = 500

BACK_IN_DAYS: dict[str, int] = {Call.Outcome.NO_ANSWER: 1, Call.Outcome.LEFT_MESSAGE: 2}
"""After how many days at the clinic somebody who was not spoken to is called again; the others are done."""


@transaction.atomic
def record_call(patient_id: UUID, outcome: str, note: str, staff: Staff) -> Call:
    """Keep how a call ended. Raises NotAllowed without an outcome, and without a reason for giving up."""
    if outcome not in Call.Outcome.values:
        raise NotAllowed("Say how the call ended.")
    note = note.replace("\x00", "").strip()[:LONGEST_NOTE]
    if outcome == Call.Outcome.GAVE_UP and not note:
        raise NotAllowed("Say why nobody calls this patient again.")
    now = clock.now()
    today = now.astimezone(ZoneInfo(staff.clinic.time_zone)).date()
    days = BACK_IN_DAYS.get(outcome)
    call = Call.objects.create(
        patient_id=patient_id,
        outcome=outcome,
        note=note,
        back_on=today + timedelta(days=days) if days else None,
        by=staff,
        at=now,
    )
    record("call_recorded", f"patient {patient_id}", actor=staff.email, now=now, detail={"outcome": outcome})
    return call
