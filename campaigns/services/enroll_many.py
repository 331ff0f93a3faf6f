"""Enroll many patients at once, as an import does: what `enroll` does for one, in as many statements.

Nothing is checked here: every application must have been read by the rules of `domain/import_rows` before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, Consent, ConsentWords, ContactPoint, Course, Enrollment, Patient, Visit
from campaigns.models.encryption import blind_index
from campaigns.queries import sequence_files
from campaigns.services import consent, find
from campaigns.services.consent import CONSENT, EVERY_TOPIC, Told
from campaigns.services.enroll import Application
from campaigns.services.record import record_each

SOURCE = "import"
"""The source of a consent that came with a file."""


@dataclass(frozen=True, slots=True)
class Added:
    """One new patient with the course, and its visits in the order in which the application has them."""

    application: Application
    patient: Patient
    course: Course
    visits: list[Visit]


def add_each(clinic: Clinic, applications: Sequence[Application], *, by: str, now: datetime) -> list[Added]:
    """The new patients, not planned for and not on record yet: `replan_many` and `put_on_record` follow.

    Call inside a transaction. Addresses must be in their normal form and languages tags of ours.
    """
    added = [_one(clinic, application, now) for application in applications]
    Patient.objects.bulk_create(one.patient for one in added)
    ContactPoint.objects.bulk_create(point for one in added for point in _points(one))
    _consent(clinic, added, by, now)
    Course.objects.bulk_create(one.course for one in added)
    Visit.objects.bulk_create(visit for one in added for visit in one.visits)
    digests = {key: sequence_files.load(key).digest for one in applications for key in one.sequences}
    Enrollment.objects.bulk_create(
        Enrollment(course=one.course, sequence=key, digest=digests[key], enrolled_at=now)
        for one in added
        for key in one.application.sequences
    )
    find.remember_each(one.patient.pk for one in added)
    return added


def _one(clinic: Clinic, application: Application, now: datetime) -> Added:
    patient = Patient(
        clinic=clinic,
        given_name=application.given_name,
        family_name=application.family_name,
        language=application.language,
        created_at=now,
    )
    course = Course(patient=patient, created_at=now)
    visits = [
        Visit(course=course, kind=visit.kind, on_date=visit.on_date, at_time=visit.at_time)
        for visit in application.visits
    ]
    in_order = sorted(visits, key=lambda visit: (visit.on_date, visit.at_time))
    for number, visit in enumerate(in_order, start=1):
        visit.number = number
    return Added(application, patient, course, visits)


def _points(one: Added) -> list[ContactPoint]:
    addresses = {Channel.SMS: one.application.phone, Channel.EMAIL: one.application.email}
    return [
        ContactPoint(
            patient=one.patient, channel=channel, address=address, address_index=blind_index(address)
        )
        for channel, address in addresses.items()
        if address
    ]


def agreed_to(one: Added) -> list[Channel]:
    """The channels on which a new patient agreed to messages."""
    said = {Channel.SMS: one.application.consent_sms, Channel.EMAIL: one.application.consent_email}
    return [channel for channel, agreed in said.items() if agreed]


def _consent(clinic: Clinic, added: Sequence[Added], by: str, now: datetime) -> None:
    """A line of the ledger for each topic, with what stood before patients of that language."""
    shown: dict[str, Told] = {}
    for one in added:
        if agreed_to(one) and one.patient.language not in shown:
            shown[one.patient.language] = consent.shown(one.patient, CONSENT, source=SOURCE, by=by)
    lines = []
    for one in added:
        for channel in agreed_to(one):
            told = replace(shown[one.patient.language], evidence=one.application.consent_evidence)
            lines += [(_line(one.patient, channel, topic, told, now), told.evidence) for topic in EVERY_TOPIC]
    Consent.objects.bulk_create(line for line, _ in lines)
    ConsentWords.objects.bulk_create(ConsentWords(consent=line, text=words) for line, words in lines if words)


def _line(patient: Patient, channel: Channel, topic: str, told: Told, now: datetime) -> Consent:
    return Consent(
        patient=patient,
        channel=channel,
        topic=topic,
        action=Consent.Action.GRANTED,
        at=now,
        source=told.source,
        by=told.by,
        language_shown=told.language or patient.language,
        wording_shown=told.wording,
    )


def put_on_record(added: Sequence[Added], *, by: str, now: datetime, because: str) -> None:
    """What `enroll` and `consent.grant` write into the audit chain, for each of them. The last thing of the
    transaction; `because` names the import."""
    entries: list[tuple[str, str, dict[str, object]]] = []
    for one in added:
        subject = f"patient {one.patient.pk}"
        for channel in agreed_to(one):
            detail: dict[str, object] = {
                "channel": channel,
                "topics": list(EVERY_TOPIC),
                "source": SOURCE,
                "evidence": blind_index(one.application.consent_evidence),
            }
            entries.append(("consent_granted", subject, detail))
        detail = {"sequences": list(one.application.sequences), "import": because}
        entries.append(("patient_enrolled", subject, detail))
    record_each(entries, actor=by, now=now)
