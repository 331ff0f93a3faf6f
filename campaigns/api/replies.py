"""What comes out. Times are UTC; dates and times of a visit are the clinic's wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from campaigns.api.reasons import REASONS
from campaigns.models import (
    Alert,
    Answer,
    Consent,
    ContactPoint,
    Course,
    Enrollment,
    Message,
    Patient,
    Visit,
    WebhookEndpoint,
    WebhookEvent,
)
from campaigns.services.dry_run import Effect
from campaigns.services.plan import Changes


class Counts(BaseModel):
    """What a change did to the patient's messages. `reasons` counts those that will not go."""

    planned: int
    retimed: int
    cancelled: int
    skipped: int
    corrections: int
    reasons: dict[str, int]


class EffectOut(BaseModel):
    """One message that a dry run made, moved or stopped. `message` is null for a new one."""

    message: int | None
    sequence: str
    step: str
    channel: str
    send_at: datetime
    state: str
    reason: str


class Changed(BaseModel):
    """Answer to a write: the id of what was written, and what that changed. After a dry run nothing is."""

    id: UUID | None
    dry_run: bool = False
    changes: Counts | None = None
    effects: list[EffectOut] | None = None


def changed(id: UUID | None, changes: Changes | None, effects: Sequence[Effect] | None = None) -> Changed:
    """With `effects` it is a dry run's."""
    return Changed(
        id=id,
        dry_run=effects is not None,
        changes=Counts(**asdict(changes)) if changes else None,
        effects=None if effects is None else [EffectOut(**asdict(one)) for one in effects],
    )


class PatientOut(BaseModel):
    """A patient. Addresses and consent are lists of their own."""

    id: UUID
    given_name: str
    family_name: str
    language: str
    interpreter_language: str
    time_zone: str
    reference: str
    status: str
    status_reason: str
    paused_until: datetime | None
    created_at: datetime


def patient_out(row: Patient) -> PatientOut:
    """Read with its reference."""
    reference = getattr(row, "reference", None)
    names = ("id", "given_name", "family_name", "language", "time_zone")
    states = ("status", "status_reason", "paused_until", "created_at")
    return PatientOut(
        **{name: getattr(row, name) for name in names + states},
        interpreter_language=row.speaks,
        reference=reference.name if reference else "",
    )


class ContactPointOut(BaseModel):
    """An address. `opted_out`: it asked us to stop, and nothing is sent there whatever was agreed to."""

    channel: str
    address: str
    state: str
    opted_out: bool


def contact_point_out(row: ContactPoint, *, opted_out: bool) -> ContactPointOut:
    """One address."""
    return ContactPointOut(channel=row.channel, address=row.address, state=row.state, opted_out=opted_out)


class ConsentOut(BaseModel):
    """One line of the consent ledger; the newest of a topic and channel counts."""

    id: int
    channel: str
    topic: str
    action: str
    at: datetime
    source: str
    by: str
    evidence: str


def consent_out(row: Consent) -> ConsentOut:
    """Read with its words."""
    names = ConsentOut.model_fields.keys() - {"evidence"}
    return ConsentOut(**{name: getattr(row, name) for name in names}, evidence=row.proof)


class VisitOut(BaseModel):
    """A visit. `version` rises whenever its date or time moves, and with nothing else."""

    id: UUID
    course: UUID
    patient: UUID
    number: int
    kind: str
    date: date
    time: str
    state: str
    version: int
    settled_at: datetime | None


def visit_out(row: Visit) -> VisitOut:
    """Read with its course."""
    names = ("id", "number", "kind", "state", "version", "settled_at")
    return VisitOut(
        **{name: getattr(row, name) for name in names},
        course=row.course_id,
        patient=row.course.patient_id,
        date=row.on_date,
        time=f"{row.at_time:%H:%M}",
    )


class CourseOut(BaseModel):
    """A course with its visits."""

    id: UUID
    patient: UUID
    state: str
    completed_at: datetime | None
    created_at: datetime
    visits: list[VisitOut]


def course_out(row: Course) -> CourseOut:
    """Read with its visits."""
    visits = sorted(row.visits.all(), key=lambda visit: visit.number)
    for visit in visits:
        visit.course = row
    return CourseOut(
        id=row.pk,
        patient=row.patient_id,
        state=row.state,
        completed_at=row.completed_at,
        created_at=row.created_at,
        visits=[visit_out(visit) for visit in visits],
    )


class EnrollmentOut(BaseModel):
    """A course that follows a sequence."""

    id: UUID
    course: UUID
    patient: UUID
    sequence: str
    state: str
    reason: str
    enrolled_at: datetime


def enrollment_out(row: Enrollment) -> EnrollmentOut:
    """Read with its course."""
    names = ("id", "sequence", "state", "reason", "enrolled_at")
    return EnrollmentOut(
        **{name: getattr(row, name) for name in names}, course=row.course_id, patient=row.course.patient_id
    )


class MessageOut(BaseModel):
    """A message without its words. `why` says in a sentence what `reason` means."""

    id: int
    patient: UUID
    enrollment: UUID | None
    visit: UUID | None
    sequence: str
    step: str
    channel: str
    purpose: str
    language: str
    send_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    state: str
    reason: str
    why: str
    tries: int
    segments: int
    duplicate_possible: bool


_PLAIN = tuple(
    name for name in MessageOut.model_fields if name not in {"patient", "enrollment", "visit", "why"}
)


def message_out(row: Message) -> MessageOut:
    """One message."""
    return MessageOut(
        **{name: getattr(row, name) for name in _PLAIN},
        patient=row.patient_id,
        enrollment=row.enrollment_id,
        visit=row.visit_id,
        why=REASONS.get(row.reason, ""),
    )


class AnswerOut(BaseModel):
    """An answer to a question. `code` is LOINC where one exists. `late`: the question was closed."""

    id: int
    patient: UUID
    message: int
    question: str
    value: str
    code: str
    answered_at: datetime
    late: bool


def answer_out(row: Answer) -> AnswerOut:
    """One answer."""
    names = ("id", "question", "value", "code", "answered_at", "late")
    return AnswerOut(
        **{name: getattr(row, name) for name in names}, patient=row.patient_id, message=row.message_id
    )


class AlertOut(BaseModel):
    """An alert without the patient's words: those are read on the staff page. `part_of` is the alert that it
    joined; `further` how many texts joined this one."""

    id: int
    patient: UUID | None
    urgency: str
    rule: str
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    closed_at: datetime | None
    closed_by: str
    outcome: str
    part_of: int | None
    further: int


def alert_out(row: Alert) -> AlertOut:
    """Read with its people and `further`."""
    names = ("id", "urgency", "rule", "opened_at", "acknowledged_at", "closed_at", "outcome")
    return AlertOut(
        **{name: getattr(row, name) for name in names},
        patient=row.patient_id,
        acknowledged_by=row.acknowledged_by.email if row.acknowledged_by else "",
        closed_by=row.closed_by.email if row.closed_by else "",
        part_of=row.part_of_id,
        further=getattr(row, "further", 0),
    )


class StepOut(BaseModel):
    """One step of a sequence."""

    key: str
    purpose: str
    anchor: str
    topic: str


class SequenceOut(BaseModel):
    """A sequence that a course can follow."""

    key: str
    title: str
    steps: list[StepOut]


class EndpointOut(BaseModel):
    """Where words go. `given_up_at`: it took nothing for three days, and is told nothing until `resume`."""

    id: UUID
    url: str
    events: list[str]
    created_at: datetime
    failures: int
    failing_since: datetime | None
    given_up_at: datetime | None
    waiting: int
    sent: int
    dead: int


class NewEndpoint(EndpointOut):
    """The same with the secret that signs its words, shown this once."""

    secret: str


def endpoint_out(row: WebhookEndpoint) -> EndpointOut:
    """One endpoint, with its counts where they were read."""
    names = ("id", "url", "events", "created_at", "failures", "failing_since")
    counts: dict[str, Any] = {
        state: getattr(row, f"{state}_words", 0) for state in ("waiting", "sent", "dead")
    }
    return EndpointOut(**{name: getattr(row, name) for name in names}, given_up_at=row.disabled_at, **counts)


class EventOut(BaseModel):
    """One word to an endpoint: what happened, and what became of telling."""

    id: UUID
    type: str
    data: dict[str, object]
    at: datetime
    state: str
    tries: int
    fault: str
    settled_at: datetime | None


def event_out(row: WebhookEvent) -> EventOut:
    """One word."""
    return EventOut(**{name: getattr(row, name) for name in EventOut.model_fields})
