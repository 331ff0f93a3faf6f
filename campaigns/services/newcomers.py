"""Take a patient into care without enrolling them yet, as another program does that knows patients first."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from campaigns.domain.errors import InvalidEnrollment, NotAllowed
from campaigns.domain.languages import resolve
from campaigns.models import Clinic, Patient, PatientReference
from campaigns.models.encryption import blind_index
from campaigns.queries import clock, zones
from campaigns.services import find
from campaigns.services.contact_points import NewAddress, put
from campaigns.services.record import record


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A patient as another program tells us. `reference` is its own name for them, empty where it has none;
    `time_zone` is empty where the clinic's counts."""

    given_name: str
    family_name: str = ""
    language: str
    interpreter_language: str = ""
    time_zone: str = ""
    reference: str = ""
    addresses: tuple[NewAddress, ...] = ()


@transaction.atomic
def register(clinic: Clinic, newcomer: Newcomer, *, by: str) -> Patient:
    """The new patient with the addresses and what was agreed to. Raises InvalidAddress, UnknownLanguage,
    InvalidEnrollment, and NotAllowed where the reference is somebody's already; nothing is kept then."""
    now = clock.now()
    if not newcomer.given_name.strip():
        raise InvalidEnrollment("The patient needs a name.")
    patient = Patient.objects.create(
        clinic=clinic,
        given_name=newcomer.given_name.strip(),
        family_name=newcomer.family_name.strip(),
        language=resolve(newcomer.language).tag,
        interpreter=newcomer.interpreter_language.strip(),
        time_zone=checked_zone(newcomer.time_zone),
        created_at=now,
    )
    if newcomer.reference:
        _name(patient, newcomer.reference)
    for address in newcomer.addresses:
        put(patient, address, by=by, now=now)
    find.remember(patient.pk)
    record("patient_registered", f"patient {patient.pk}", actor=by, now=now)
    return patient


def checked_zone(name: str) -> str:
    """A zone that exists, or empty. Raises InvalidEnrollment."""
    if name and zones.known(name) is None:
        raise InvalidEnrollment("There is no such time zone. Write it like America/Vancouver.")
    return name


def _name(patient: Patient, reference: str) -> None:
    index = blind_index(reference)
    if PatientReference.objects.filter(clinic=patient.clinic_id, name_index=index).exists():
        raise NotAllowed("Another patient of this clinic has this reference already.")
    PatientReference.objects.create(
        patient=patient, clinic_id=patient.clinic_id, name=reference, name_index=index
    )
