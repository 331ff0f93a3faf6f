"""Enroll a patient: person, addresses with consent, course with visits, sequences, and the first plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import transaction

from campaigns.domain.errors import InvalidEnrollment
from campaigns.domain.languages import resolve
from campaigns.domain.recipients import Channel, normalise_email, normalise_phone
from campaigns.domain.visits import VisitKind
from campaigns.models import Clinic, ContactPoint, Course, Enrollment, Patient, Visit
from campaigns.models.encryption import blind_index
from campaigns.queries import clock, sequence_files
from campaigns.services import consent, find
from campaigns.services.plan import Changes, replan
from campaigns.services.record import record
from campaigns.services.visits import check_start


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVisit:
    """One visit to book: wall clock at the clinic."""

    kind: VisitKind
    on_date: date
    at_time: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What a coordinator enters. Addresses as typed; `consent_evidence` says how the patient agreed.

    `language` is what the patient reads; `interpreter_language` what they speak, where a visit needs it.
    """

    given_name: str
    family_name: str = ""
    language: str
    interpreter_language: str = ""
    phone: str = ""
    email: str = ""
    consent_sms: bool = False
    consent_email: bool = False
    consent_evidence: str = ""
    visits: Sequence[NewVisit] = ()
    sequences: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The new patient and what was planned."""

    patient: Patient
    course: Course
    changes: Changes


@transaction.atomic
def enroll(clinic: Clinic, application: Application, *, by: str) -> Enrolled:
    """Enroll. Raises InvalidAddress, UnknownLanguage, UnknownSequence, InvalidVisit or InvalidEnrollment,
    each saying what to mend; nothing is kept then."""
    now = clock.now()
    _check(clinic, application, now)
    patient = _patient(clinic, application, by, now)
    course = Course.objects.create(patient=patient, created_at=now)
    book(course, application.visits)
    for key in application.sequences:
        begin(course, key, now)
    find.remember(patient.pk)
    changes = replan(patient.pk, now)
    record(
        "patient_enrolled",
        f"patient {patient.pk}",
        actor=by,
        now=now,
        detail={"sequences": list(application.sequences)},
    )
    return Enrolled(patient, course, changes)


def _check(clinic: Clinic, application: Application, now: datetime) -> None:
    if not application.given_name.strip():
        raise InvalidEnrollment("The patient needs a name.")
    if not (application.phone or application.email):
        raise InvalidEnrollment("Give a mobile number or an e-mail address, or both.")
    if not application.sequences:
        raise InvalidEnrollment("Choose at least one sequence.")
    for key in application.sequences:
        sequence_files.load(key)
    for visit in application.visits:
        check_start(clinic, visit.on_date, visit.at_time, now)


def _patient(clinic: Clinic, application: Application, by: str, now: datetime) -> Patient:
    patient = Patient.objects.create(
        clinic=clinic,
        given_name=application.given_name.strip(),
        family_name=application.family_name.strip(),
        language=resolve(application.language).tag,
        interpreter=application.interpreter_language.strip(),
        created_at=now,
    )
    if application.phone:
        _contact(patient, Channel.SMS, normalise_phone(application.phone))
    if application.email:
        _contact(patient, Channel.EMAIL, normalise_email(application.email))
    for channel, agreed in (
        (Channel.SMS, application.consent_sms),
        (Channel.EMAIL, application.consent_email),
    ):
        if agreed:
            consent.grant(
                patient, channel, by=by, source="enrollment", evidence=application.consent_evidence, now=now
            )
    return patient


def _contact(patient: Patient, channel: Channel, address: str) -> None:
    ContactPoint.objects.create(
        patient=patient, channel=channel, address=address, address_index=blind_index(address)
    )


def book(course: Course, visits: Sequence[NewVisit]) -> None:
    """The visits of a new course, numbered by their time."""
    in_order = sorted(visits, key=lambda visit: (visit.on_date, visit.at_time))
    Visit.objects.bulk_create(
        Visit(course=course, number=number, kind=visit.kind, on_date=visit.on_date, at_time=visit.at_time)
        for number, visit in enumerate(in_order, start=1)
    )


def begin(course: Course, sequence: str, now: datetime) -> Enrollment:
    """The course follows a sequence from now on. Raises UnknownSequence."""
    digest = sequence_files.load(sequence).digest
    return Enrollment.objects.create(course=course, sequence=sequence, digest=digest, enrolled_at=now)
