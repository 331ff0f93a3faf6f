"""Enrollments: a course that follows a sequence, and the sequences there are."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel

from campaigns.api.asking import Cursor, Key, Limit, MaybeOnce, Once, holder, one, page, seen, shown
from campaigns.api.courses import act_or_rehearse, my_courses
from campaigns.api.messages import Messages
from campaigns.api.replies import Changed, EnrollmentOut, SequenceOut, StepOut, enrollment_out, message_out
from campaigns.api.shapes import EnrollmentIn, Said, StopIn
from campaigns.domain.sequences import Sequence
from campaigns.models import Enrollment, Message
from campaigns.queries import sequence_files
from campaigns.services import courses
from campaigns.services.plan import Changes

router = Router(tags=["enrollments"])
sequence_router = Router(tags=["sequences"])
READ, WRITE = Key("enrollments:read"), Key("enrollments:write")
SEQUENCES = Key("sequences:read")


class Enrollments(BaseModel):
    """One page."""

    items: list[EnrollmentOut]
    next: str | None


class Sequences(BaseModel):
    """All there are."""

    items: list[SequenceOut]


def mine(request: HttpRequest) -> QuerySet[Enrollment]:
    """The enrollments of this key's clinic."""
    rows = Enrollment.objects.filter(course__patient__clinic=holder(request).clinic)
    return rows.filter(course__patient__forgotten_at=None).select_related("course")


@router.get("", auth=READ, response=Enrollments)
def list_enrollments(
    request: HttpRequest, limit: Limit, cursor: Cursor, patient: UUID | None = None
) -> HttpResponse:
    """The enrollments of the clinic, or of one patient, the oldest first."""
    rows = mine(request).filter(course__patient=patient) if patient else mine(request)
    found, after = page(rows, ("enrolled_at", "pk"), limit, cursor)
    seen(request, "enrollments", [row.course.patient_id for row in found])
    return shown(Enrollments(items=[enrollment_out(row) for row in found], next=after))


@router.post("", auth=WRITE, response={201: Changed, 200: Changed})
def enroll(
    request: HttpRequest, body: EnrollmentIn, idempotency_key: Once, dry_run: Said = "false"
) -> HttpResponse:
    """Let a course follow a sequence. A dry run lists every message that this would plan."""
    course, by = one(my_courses(request), body.course), holder(request).name

    def act() -> tuple[UUID, Changes]:
        enrollment, changes = courses.follow(course.pk, body.sequence, by=by)
        return enrollment.pk, changes

    return act_or_rehearse(request, course.patient_id, act, dry=dry_run, name=idempotency_key, status=201)


@router.get("/{enrollment_id}", auth=READ, response=EnrollmentOut)
def get_enrollment(request: HttpRequest, enrollment_id: UUID) -> HttpResponse:
    """One enrollment."""
    row = one(mine(request), enrollment_id)
    seen(request, "enrollments", [row.course.patient_id])
    return shown(enrollment_out(row))


@router.get("/{enrollment_id}/timeline", auth=READ, response=Messages)
def timeline(request: HttpRequest, enrollment_id: UUID, limit: Limit, cursor: Cursor) -> HttpResponse:
    """Every message of an enrollment by time: what went, what will go and when, what will not and why."""
    row = one(mine(request), enrollment_id)
    rows = Message.objects.filter(enrollment=row).defer("subject", "body", "html")
    found, after = page(rows, ("send_at", "pk"), limit, cursor)
    seen(request, "enrollments", [row.course.patient_id])
    return shown(Messages(items=[message_out(message) for message in found], next=after))


@router.post("/{enrollment_id}/stop", auth=WRITE, response=Changed)
def stop(
    request: HttpRequest,
    enrollment_id: UUID,
    body: StopIn,
    idempotency_key: MaybeOnce,
    dry_run: Said = "false",
) -> HttpResponse:
    """Nothing more of this sequence goes."""
    row, by = one(mine(request), enrollment_id), holder(request).name
    return act_or_rehearse(
        request,
        row.course.patient_id,
        lambda: (row.pk, courses.stop(row.pk, body.why, by=by)),
        dry=dry_run,
        name=idempotency_key,
    )


@sequence_router.get("", auth=SEQUENCES, response=Sequences)
def list_sequences(request: HttpRequest) -> HttpResponse:
    """The sequences that a course can follow. The same for every clinic."""
    return shown(Sequences(items=[_sequence(found) for found in sequence_files.load_all().values()]))


def _sequence(found: Sequence) -> SequenceOut:
    steps = [
        StepOut(key=step.key, purpose=step.purpose, anchor=step.anchor, topic=step.topic)
        for step in found.steps
    ]
    return SequenceOut(key=found.key, title=found.title, steps=steps)
