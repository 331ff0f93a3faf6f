"""Courses and visits. Every write can be rehearsed: `dry_run=true` says what it would change and changes
nothing."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel

from campaigns.api.asking import Cursor, Key, Limit, MaybeOnce, Once, holder, one, page, seen, shown, write
from campaigns.api.patients import mine as my_patients
from campaigns.api.replies import Changed, CourseOut, VisitOut, changed, course_out, visit_out
from campaigns.api.shapes import CourseIn, Day, NewVisitIn, Said, VisitIn, When
from campaigns.domain.visits import VisitState
from campaigns.models import Course, Visit
from campaigns.services import courses, visits
from campaigns.services.dry_run import rehearse
from campaigns.services.enroll import NewVisit
from campaigns.services.plan import Changes

router = Router(tags=["courses"])
visit_router = Router(tags=["visits"])
READ, WRITE = Key("courses:read"), Key("courses:write")

Act = Callable[[], tuple[UUID, Changes]]


class Courses(BaseModel):
    """One page."""

    items: list[CourseOut]
    next: str | None


class Visits(BaseModel):
    """One page."""

    items: list[VisitOut]
    next: str | None


def my_courses(request: HttpRequest) -> QuerySet[Course]:
    """The courses of this key's clinic."""
    rows = Course.objects.filter(patient__clinic=holder(request).clinic, patient__forgotten_at=None)
    return rows.select_related("patient").prefetch_related("visits")


def my_visits(request: HttpRequest) -> QuerySet[Visit]:
    """The visits of this key's clinic."""
    rows = Visit.objects.filter(
        course__patient__clinic=holder(request).clinic, course__patient__forgotten_at=None
    )
    return rows.select_related("course")


def act_or_rehearse(
    request: HttpRequest, patient_id: UUID, act: Act, *, dry: Said, name: str | None, status: int = 200
) -> HttpResponse:
    """Do it, or say what it would do: then the answer is 200 and holds no id of what is not there."""
    if dry == "true":
        return shown(changed(None, *rehearse(patient_id, lambda: act()[1])))
    return write(request, name, lambda: changed(*act()), status)


def _new(body: VisitIn) -> NewVisit:
    return NewVisit(kind=body.kind, on_date=body.date, at_time=body.at())


@router.get("", auth=READ, response=Courses)
def list_courses(
    request: HttpRequest, limit: Limit, cursor: Cursor, patient: UUID | None = None
) -> HttpResponse:
    """The courses of the clinic, or of one patient, the oldest first."""
    rows = my_courses(request).filter(patient=patient) if patient else my_courses(request)
    found, after = page(rows, ("created_at", "pk"), limit, cursor)
    seen(request, "courses", [row.patient_id for row in found])
    return shown(Courses(items=[course_out(row) for row in found], next=after))


@router.post("", auth=WRITE, response={201: Changed, 200: Changed})
def open_course(
    request: HttpRequest, body: CourseIn, idempotency_key: Once, dry_run: Said = "false"
) -> HttpResponse:
    """Open a course with its visits, following these sequences."""
    patient, by = one(my_patients(request), body.patient), holder(request).name

    def act() -> tuple[UUID, Changes]:
        new = [_new(visit) for visit in body.visits]
        course, changes = courses.open_course(patient.pk, new, body.sequences, by=by)
        return course.pk, changes

    return act_or_rehearse(request, patient.pk, act, dry=dry_run, name=idempotency_key, status=201)


@router.get("/{course_id}", auth=READ, response=CourseOut)
def get_course(request: HttpRequest, course_id: UUID) -> HttpResponse:
    """One course with its visits."""
    row = one(my_courses(request), course_id)
    seen(request, "courses", [row.patient_id])
    return shown(course_out(row))


@router.post("/{course_id}/complete", auth=WRITE, response=Changed)
def complete_course(
    request: HttpRequest, course_id: UUID, idempotency_key: MaybeOnce, dry_run: Said = "false"
) -> HttpResponse:
    """The course went to its end: its last messages count from now."""
    row, by = one(my_courses(request), course_id), holder(request).name
    return act_or_rehearse(
        request,
        row.patient_id,
        lambda: (row.pk, visits.complete_course(row.pk, by=by)),
        dry=dry_run,
        name=idempotency_key,
    )


@visit_router.get("", auth=READ, response=Visits)
def list_visits(
    request: HttpRequest,
    limit: Limit,
    cursor: Cursor,
    patient: UUID | None = None,
    first: Day | None = None,
    last: Day | None = None,
) -> HttpResponse:
    """The visits of the clinic from `first` to `last`, by date; both days included."""
    asked = {"course__patient": patient, "on_date__gte": first, "on_date__lte": last}
    rows = my_visits(request).filter(**{name: value for name, value in asked.items() if value is not None})
    found, after = page(rows, ("on_date", "at_time", "pk"), limit, cursor)
    seen(request, "visits", [row.course.patient_id for row in found])
    return shown(Visits(items=[visit_out(row) for row in found], next=after))


@visit_router.post("", auth=WRITE, response={201: Changed, 200: Changed})
def book_visit(
    request: HttpRequest, body: NewVisitIn, idempotency_key: Once, dry_run: Said = "false"
) -> HttpResponse:
    """Book one more visit into a course."""
    course, by = one(my_courses(request), body.course), holder(request).name

    def act() -> tuple[UUID, Changes]:
        visit, changes = courses.book(course.pk, _new(body), by=by)
        return visit.pk, changes

    return act_or_rehearse(request, course.patient_id, act, dry=dry_run, name=idempotency_key, status=201)


@visit_router.get("/{visit_id}", auth=READ, response=VisitOut)
def get_visit(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """One visit."""
    row = one(my_visits(request), visit_id)
    seen(request, "visits", [row.course.patient_id])
    return shown(visit_out(row))


@visit_router.post("/{visit_id}/move", auth=WRITE, response=Changed)
def move_visit(
    request: HttpRequest,
    visit_id: UUID,
    body: When,
    idempotency_key: MaybeOnce,
    dry_run: Said = "false",
) -> HttpResponse:
    """Another date or time; a cancelled visit is booked again. The patient is told where a message gave the
    old one."""
    row, by = one(my_visits(request), visit_id), holder(request).name
    return act_or_rehearse(
        request,
        row.course.patient_id,
        lambda: (row.pk, visits.move(row.pk, body.date, body.at(), by=by)),
        dry=dry_run,
        name=idempotency_key,
    )


def _settle(
    request: HttpRequest, visit_id: UUID, state: VisitState, name: str | None, dry: Said
) -> HttpResponse:
    row, by = one(my_visits(request), visit_id), holder(request).name
    return act_or_rehearse(
        request,
        row.course.patient_id,
        lambda: (row.pk, visits.settle(row.pk, state, by=by)),
        dry=dry,
        name=name,
    )


@visit_router.post("/{visit_id}/cancel", auth=WRITE, response=Changed)
def cancel_visit(
    request: HttpRequest, visit_id: UUID, idempotency_key: MaybeOnce, dry_run: Said = "false"
) -> HttpResponse:
    """The visit does not take place."""
    return _settle(request, visit_id, VisitState.CANCELLED, idempotency_key, dry_run)


@visit_router.post("/{visit_id}/complete", auth=WRITE, response=Changed)
def complete_visit(
    request: HttpRequest, visit_id: UUID, idempotency_key: MaybeOnce, dry_run: Said = "false"
) -> HttpResponse:
    """The visit took place, now: what follows it counts from here."""
    return _settle(request, visit_id, VisitState.COMPLETED, idempotency_key, dry_run)


@visit_router.post("/{visit_id}/no-show", auth=WRITE, response=Changed)
def miss_visit(
    request: HttpRequest, visit_id: UUID, idempotency_key: MaybeOnce, dry_run: Said = "false"
) -> HttpResponse:
    """The patient did not come."""
    return _settle(request, visit_id, VisitState.NO_SHOW, idempotency_key, dry_run)
