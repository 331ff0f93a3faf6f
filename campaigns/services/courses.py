"""Open a course, book a visit into it, and let it follow a sequence or stop following one."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from campaigns.domain.errors import NotAllowed
from campaigns.domain.visits import VisitKind
from campaigns.models import Course, Enrollment, Patient, Visit
from campaigns.queries import clock, sequence_files
from campaigns.services import enroll
from campaigns.services.enroll import NewVisit
from campaigns.services.plan import Changes, replan
from campaigns.services.record import record
from campaigns.services.visits import check_start


class Stop(StrEnum):
    """Why a course follows a sequence no longer. A closed list, as with pauses."""

    PATIENT_ASKED = "patient_asked"
    CLINIC_DECIDED = "clinic_decided"
    MISTAKE = "mistake"


@transaction.atomic
def open_course(
    patient_id: UUID,
    visits: Sequence[NewVisit],
    sequences: Sequence[str],
    *,
    by: str,
    shown: int | None = None,
) -> tuple[Course, Changes]:
    """A new course with its visits, following these sequences. Raises InvalidVisit, UnknownSequence, and
    NotAllowed for who is not in care, or has not the `shown` number of courses any more: somebody has opened
    one meanwhile. Nothing is kept then."""
    now = clock.now()
    rows = Patient.objects.select_for_update(of=("self",), no_key=True).select_related("clinic")
    patient = rows.get(pk=patient_id)
    _check_care(patient)
    if shown is not None and shown != patient.courses.count():
        raise NotAllowed("Somebody opened a course for this patient meanwhile. Look again.")
    for visit in visits:
        check_start(patient.clinic, visit.on_date, visit.at_time, now)
    course = Course.objects.create(patient=patient, created_at=now)
    enroll.book(course, visits)
    keys = list(dict.fromkeys(sequences))
    for key in keys:
        enroll.begin(course, key, now)
    changes = replan(patient.pk, now)
    detail = {"sequences": keys}
    record("course_opened", f"course {course.pk}", actor=by, now=now, detail=detail)
    return course, changes


@transaction.atomic
def book(course_id: UUID, visit: NewVisit, *, by: str, shown: int | None = None) -> tuple[Visit, Changes]:
    """One more visit at the end of the course's list. Raises InvalidVisit, and NotAllowed for a course that
    has ended, or whose last visit is not the `shown` number any more: somebody has booked meanwhile."""
    now = clock.now()
    course = _open_one(course_id)
    check_start(course.patient.clinic, visit.on_date, visit.at_time, now)
    last = course.visits.aggregate(last=Max("number"))["last"] or 0
    if shown is not None and shown != last:
        raise NotAllowed(f"Somebody booked visit {last} meanwhile. Look again.")
    row = Visit.objects.create(
        course=course,
        number=last + 1,
        kind=VisitKind(visit.kind),
        on_date=visit.on_date,
        at_time=visit.at_time,
    )
    changes = replan(course.patient_id, now)
    record("visit_booked", f"visit {row.pk}", actor=by, now=now)
    return row, changes


@transaction.atomic
def follow(course_id: UUID, sequence: str, *, by: str) -> tuple[Enrollment, Changes]:
    """Let a course follow a sequence, also one that it had stopped following. Raises UnknownSequence, and
    NotAllowed where it does so already or has ended."""
    now = clock.now()
    course = _open_one(course_id)
    sequence_files.load(sequence)
    enrollment = Enrollment.objects.filter(course=course, sequence=sequence).first()
    if enrollment is None:
        enrollment = enroll.begin(course, sequence, now)
    elif enrollment.state == Enrollment.State.STOPPED:
        enrollment.state, enrollment.reason = Enrollment.State.ACTIVE, ""
        enrollment.save(update_fields=["state", "reason"])
    else:
        raise NotAllowed("This course follows that sequence already.")
    changes = replan(course.patient_id, now)
    record(
        "enrollment_begun", f"enrollment {enrollment.pk}", actor=by, now=now, detail={"sequence": sequence}
    )
    return enrollment, changes


@transaction.atomic
def stop(enrollment_id: UUID, why: Stop, *, by: str) -> Changes:
    """Nothing more of this sequence goes to this course. Raises NotAllowed where it was stopped already."""
    now = clock.now()
    course_id = Enrollment.objects.values_list("course_id", flat=True).get(pk=enrollment_id)
    _locked(course_id)
    enrollment = Enrollment.objects.select_for_update(no_key=True).get(pk=enrollment_id)
    if enrollment.state != Enrollment.State.ACTIVE:
        raise NotAllowed("This was stopped already.")
    enrollment.state, enrollment.reason = Enrollment.State.STOPPED, why.value
    enrollment.save(update_fields=["state", "reason"])
    changes = replan(enrollment.course.patient_id, now)
    record("enrollment_stopped", f"enrollment {enrollment.pk}", actor=by, now=now, detail={"why": why.value})
    return changes


def _locked(course_id: UUID) -> Course:
    """As a move locks: what hangs on the course first, then the patient, whom the planner locks."""
    rows = Course.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("patient__clinic").get(pk=course_id)


def _open_one(course_id: UUID) -> Course:
    course = _locked(course_id)
    if course.state != Course.State.OPEN:
        raise NotAllowed("This course has ended.")
    _check_care(course.patient)
    return course


def _check_care(patient: Patient) -> None:
    if patient.status not in Patient.IN_CARE or patient.forgotten_at:
        raise NotAllowed("This patient is not in care.")
