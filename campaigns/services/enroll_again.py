"""Enroll somebody who is here already in a new course, with what they changed meanwhile."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.domain.errors import InvalidEnrollment, NotAllowed
from campaigns.domain.recipients import Channel
from campaigns.models import ContactPoint, Message, Patient
from campaigns.queries import clock
from campaigns.services import consent, contact_points, courses, find, prefer
from campaigns.services.consent import EVERY_TOPIC, Told
from campaigns.services.contact_points import NewAddress
from campaigns.services.enroll import Application, Enrolled

Record = dict[str, str]


def on_record(patient: Patient) -> Record:
    """What a form for a new course begins with: whoever saves it must have seen this."""
    points = {point.channel: point.address for point in patient.contact_points.all()}
    agreed = {channel: _agrees(patient, channel) for channel in Channel}
    return {
        "language": patient.language,
        "interpreter_language": patient.speaks,
        "phone": points.get(Channel.SMS, ""),
        "email": points.get(Channel.EMAIL, ""),
        "consent_sms": "yes" if agreed[Channel.SMS] else "",
        "consent_email": "yes" if agreed[Channel.EMAIL] else "",
    }


def _agrees(patient: Patient, channel: Channel) -> bool:
    return consent.granted(patient, channel) >= set(EVERY_TOPIC)


@transaction.atomic
def enroll_again(
    patient_id: UUID, application: Application, *, by: str, known: Record | None = None
) -> Enrolled:
    """A new course for a patient in care. The names of the application count for nothing; an address that is
    another one than before takes its place, and with consent it is agreed to anew. `known` is what the form
    was filled in by.

    Raises what `enroll` raises, and NotAllowed for who is not in care, or has changed since `known`.
    """
    now = clock.now()
    if not application.sequences:
        raise InvalidEnrollment("Choose at least one sequence.")
    patient = _locked(patient_id)
    if patient.status not in Patient.IN_CARE or patient.forgotten_at:
        raise NotAllowed("This patient is not in care.")
    if known is not None and known != on_record(patient):
        raise NotAllowed("What is on record of this patient was changed meanwhile.")
    for channel, address, agreed in (
        (Channel.SMS, application.phone, application.consent_sms),
        (Channel.EMAIL, application.email, application.consent_email),
    ):
        if address:
            evidence = application.consent_evidence if agreed else ""
            _reach(patient, channel, address, evidence, by, now)
    find.remember(patient.pk)
    if application.interpreter_language != patient.speaks:
        patient.interpreter, patient.interpreter_language = application.interpreter_language, ""
        patient.save(update_fields=["interpreter", "interpreter_language"])
    prefer.change_language(patient, application.language, by=by, source="enrollment", now=now)
    course, changes = courses.open_course(patient.pk, application.visits, application.sequences, by=by)
    return Enrolled(patient, course, changes)


def _locked(patient_id: UUID) -> Patient:
    """The patient, then what has not gone; `put` locks the addresses then. A claim locks in this order."""
    rows = Patient.objects.select_for_update(of=("self",), no_key=True).select_related("clinic")
    patient = rows.get(pk=patient_id)
    list(Message.objects.select_for_update().filter(patient=patient).order_by("pk").values_list("pk"))
    return patient


def _reach(patient: Patient, channel: Channel, address: str, evidence: str, by: str, now: datetime) -> None:
    """Write an address down, and an agreement that is new. What stands already is not said a second time."""
    point = ContactPoint.objects.filter(patient=patient, channel=channel).first()
    agreed = _agrees(patient, channel)
    same = point is not None and point.address == address
    if same and (agreed or not evidence):
        return
    told = Told(source="enrollment", by=by, evidence=evidence) if evidence else None
    contact_points.put(patient, NewAddress(channel=channel, address=address, agreed=told), by=by, now=now)
