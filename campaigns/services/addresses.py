"""Addresses that may be the wrong person's: paused by what was said there, taken up again by staff only."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.domain.errors import NotAllowed
from campaigns.domain.lifecycle import Reason
from campaigns.domain.recipients import Channel
from campaigns.models import ContactPoint, Patient
from campaigns.services.plan import replan_patient
from campaigns.services.record import record

log = logging.getLogger(__name__)

REFUSED = {Reason.BAD_ADDRESS: ContactPoint.State.BAD, Reason.LANDLINE: ContactPoint.State.LANDLINE}
"""What a provider's refusal says about an address."""

_USABLE = (ContactPoint.State.GOOD, ContactPoint.State.SHARED)


def pause(address_index: str, channel: Channel, now: datetime) -> bool:
    """Send nothing that is planned to this address until staff have asked; False where nobody has it. Call
    inside a transaction.

    Takes the same locks as a claim, so that no claim that saw the old state is still open when this commits;
    and at once all that a STOP in the same text may need, because the audit chain is locked last.
    """
    points = ContactPoint.objects.filter(address_index=address_index, channel=channel)
    owners = points.values("patient")
    held = ContactPoint.objects.filter(patient__in=owners).select_for_update().order_by("pk")
    having = [point for point in held if (point.address_index, point.channel) == (address_index, channel)]
    paused = [point for point in having if point.state in _USABLE]
    points.filter(pk__in=[point.pk for point in paused]).update(state=ContactPoint.State.PAUSED)
    for point in paused:
        record("address_paused", f"patient {point.patient_id}", actor="patient", now=now, detail=_of(channel))
    return bool(having)


@transaction.atomic
def confirm(patient: Patient, channel: Channel, *, by: str, now: datetime) -> None:
    """Staff have asked: it is the patient's. Raises NotAllowed where nothing is paused."""
    paused = patient.contact_points.filter(channel=channel, state=ContactPoint.State.PAUSED)
    if not paused.update(state=ContactPoint.State.GOOD):
        raise NotAllowed("This address is not paused.")
    record("address_confirmed", f"patient {patient.pk}", actor=by, now=now, detail=_of(channel))


def owners_of(address_index: str, channel: Channel) -> list[UUID]:
    """The patients who have this address."""
    points = ContactPoint.objects.filter(address_index=address_index, channel=channel)
    return list(points.order_by("patient").values_list("patient", flat=True))


def plan_again(patient: UUID) -> None:
    """Let what cannot go to an address go to the other one. Call outside a transaction: planning locks the
    patient first. Never raises: what led here is recorded, and a gate stops what stays planned."""
    try:
        replan_patient(patient)
    except Exception as error:
        log.error("a patient cannot be planned", extra={"patient": str(patient), "why": type(error).__name__})


def _of(channel: Channel) -> dict[str, str]:
    return {"channel": channel.value}
