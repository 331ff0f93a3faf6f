"""A patient's number or address, written down or changed at the desk or by another program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.domain.errors import NotAllowed
from campaigns.domain.recipients import Channel, normalise_email, normalise_phone
from campaigns.models import ContactPoint, Message, Patient
from campaigns.models.encryption import blind_index
from campaigns.queries import clock
from campaigns.services import consent, find, stale
from campaigns.services.consent import CONSENT, EVERY_TOPIC, Told
from campaigns.services.plan import Changes, replan
from campaigns.services.record import record

CHANGED = "address_changed"
"""The source of a line that ends what was agreed to for the address before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAddress:
    """An address as typed. `agreed` says how the patient agreed to messages there; None: not yet."""

    channel: Channel
    address: str
    agreed: Told | None = None


def put(patient: Patient, new: NewAddress, *, by: str, now: datetime) -> bool:
    """Write the address down; whether it is another one than before. Call inside a transaction that has
    locked the patient. Raises InvalidAddress, and NotAllowed without evidence of an agreement.

    What was agreed to holds for the address it was said of: with another one it ends, unless the patient
    agrees anew. An address that has opted out stays so, whoever has it now.
    """
    normal = normalise_phone if new.channel is Channel.SMS else normalise_email
    address = normal(new.address)
    index = blind_index(address)
    points = ContactPoint.objects.select_for_update().filter(patient=patient, channel=new.channel)
    before = points.first()
    is_other = before is None or before.address_index != index
    if before is not None and is_other:
        points.update(address=address, address_index=index, state=ContactPoint.State.GOOD)
    elif before is None:
        ContactPoint.objects.create(
            patient=patient, channel=new.channel, address=address, address_index=index
        )
    if before is not None and is_other and new.agreed is None:
        consent.withdraw_topics(patient, new.channel, EVERY_TOPIC, Told(source=CHANGED, by=by), now)
    if new.agreed is not None:
        _agree(patient, new.channel, new.agreed, now)
    return is_other


def _agree(patient: Patient, channel: Channel, told: Told, now: datetime) -> None:
    if not told.evidence.strip():
        raise NotAllowed("Say how the patient agreed: in which words, or where it is written.")
    proof = consent.shown(patient, CONSENT, source=told.source, by=told.by, evidence=told.evidence)
    consent.grant_topics(patient, channel, EVERY_TOPIC, proof, now)


@transaction.atomic
def change(patient_id: UUID, new: NewAddress, *, by: str, shown: str | None = None) -> Changes:
    """Give a patient an address, and plan what that changes. Raises what `put` raises, and NotAllowed for
    who was forgotten, or where the address is not what was `shown` (stale.address_mark)."""
    now = clock.now()
    patient = _locked(patient_id)
    stale.check_address(patient.contact_points.filter(channel=new.channel).first(), shown)
    is_other = put(patient, new, by=by, now=now)
    find.remember(patient.pk)
    changes = replan(patient.pk, now)
    detail = {"channel": new.channel.value, "another": is_other}
    record("address_written", f"patient {patient.pk}", actor=by, now=now, detail=detail)
    return changes


KNOWN_STATES = frozenset({ContactPoint.State.GOOD, ContactPoint.State.BAD, ContactPoint.State.LANDLINE})
"""What staff may say of an address. `paused` is what somebody there said, and ends when staff have asked."""


@transaction.atomic
def mark(
    patient_id: UUID, channel: Channel, state: ContactPoint.State, *, by: str, shown: str | None = None
) -> Changes:
    """Say that an address works, does not, or is a landline, and plan what that changes. Raises NotAllowed
    for another state, where there is no address, and where it is not what was `shown`."""
    now = clock.now()
    patient = _locked(patient_id)
    points = patient.contact_points.select_for_update().filter(channel=channel)
    point = points.first()
    if point is None:
        raise NotAllowed("There is no number or address for this channel.")
    if state not in KNOWN_STATES or (state, channel) == (ContactPoint.State.LANDLINE, Channel.EMAIL):
        raise NotAllowed("Say whether the number or address works.")
    if point.state == state:
        return Changes()
    stale.check_address(point, shown)
    points.update(state=state)
    changes = replan(patient.pk, now)
    detail = {"channel": channel.value, "state": state.value}
    record("address_marked", f"patient {patient.pk}", actor=by, now=now, detail=detail)
    return changes


def _locked(patient_id: UUID) -> Patient:
    """The patient, then the messages: before addresses, as a claim locks them, else the two could wait for
    one another in a circle."""
    rows = Patient.objects.select_for_update(of=("self",), no_key=True).select_related("clinic")
    patient = rows.get(pk=patient_id)
    if patient.forgotten_at:
        raise NotAllowed("This patient was forgotten already.")
    list(Message.objects.select_for_update().filter(patient=patient).order_by("pk").values_list("pk"))
    return patient
