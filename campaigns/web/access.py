"""The only way a page gets a row: what belongs to another clinic does not exist (404), and whose row it is
that somebody sees goes on record (services/looks)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from campaigns.models import (
    Alert,
    Answer,
    ApiKey,
    Course,
    Enrollment,
    HeldAct,
    InboundMail,
    Installation,
    Message,
    Patient,
    Staff,
    Visit,
    WordingComment,
)
from campaigns.services.looks import look


def staff(request: HttpRequest) -> Staff:
    """Who is signed in."""
    if not isinstance(request.user, Staff):
        raise PermissionDenied
    return request.user


def installation() -> Installation:
    """The state of the installation. Read only: the row may not be there yet."""
    return Installation.objects.filter(pk=1).first() or Installation(pk=1)


def patients(request: HttpRequest) -> QuerySet[Patient]:
    """The patients of this clinic."""
    return Patient.objects.filter(clinic=staff(request).clinic_id)


def patient(request: HttpRequest, patient_id: UUID) -> Patient:
    """One patient of this clinic."""
    found = get_object_or_404(patients(request), pk=patient_id)
    seen(request, "patient", [found.pk])
    return found


def seen(request: HttpRequest, page: str, whose: Iterable[UUID | None], now: datetime | None = None) -> None:
    """Put on record whose data the page shows. Nobody, where it is not known whose they are."""
    look(page, [one for one in whose if one], by=staff(request).email, now=now)


def visit(request: HttpRequest, visit_id: UUID) -> Visit:
    """One visit of a patient of this clinic."""
    rows = Visit.objects.select_related("course__patient__clinic")
    found = get_object_or_404(rows, pk=visit_id, course__patient__clinic=staff(request).clinic_id)
    seen(request, "patient", [found.course.patient_id])
    return found


def course(request: HttpRequest, course_id: UUID) -> Course:
    """One course of a patient of this clinic."""
    rows = Course.objects.select_related("patient")
    found = get_object_or_404(rows, pk=course_id, patient__clinic=staff(request).clinic_id)
    seen(request, "patient", [found.patient_id])
    return found


def enrollment(request: HttpRequest, enrollment_id: UUID) -> Enrollment:
    """What a course of a patient of this clinic follows."""
    rows = Enrollment.objects.select_related("course__patient")
    found = get_object_or_404(rows, pk=enrollment_id, course__patient__clinic=staff(request).clinic_id)
    seen(request, "patient", [found.course.patient_id])
    return found


def messages(request: HttpRequest) -> QuerySet[Message]:
    """The messages of this clinic, without their texts."""
    return Message.objects.filter(clinic=staff(request).clinic_id).defer("subject", "body", "html")


def mail(request: HttpRequest, message_id: int) -> Message:
    """One e-mail of this clinic as it was sent."""
    rows = Message.objects.filter(clinic=staff(request).clinic_id, channel="email")
    found = get_object_or_404(rows.only("html", "language", "patient"), pk=message_id)
    if not found.html:
        raise Http404
    seen(request, "mail", [found.patient_id])
    return found


def comment(request: HttpRequest, comment_id: int) -> WordingComment:
    """One comment on a text of this clinic."""
    rows = WordingComment.objects.select_related("clinic")
    return get_object_or_404(rows, pk=comment_id, clinic=staff(request).clinic_id)


def answer(request: HttpRequest, answer_id: int) -> Answer:
    """One answer of a patient of this clinic."""
    return get_object_or_404(Answer, pk=answer_id, patient__clinic=staff(request).clinic_id)


def colleague(request: HttpRequest, staff_id: int) -> Staff:
    """One person with an account at this clinic."""
    return get_object_or_404(Staff, pk=staff_id, clinic=staff(request).clinic_id)


def held_act(request: HttpRequest, held_id: int) -> HeldAct:
    """One act of this clinic that waits or waited."""
    return get_object_or_404(HeldAct, pk=held_id, clinic=staff(request).clinic_id)


def api_key(request: HttpRequest, key_id: UUID) -> ApiKey:
    """One key of this clinic."""
    return get_object_or_404(ApiKey, pk=key_id, clinic=staff(request).clinic_id)


def alerts(request: HttpRequest) -> QuerySet[Alert]:
    """This clinic's alerts, and those that nobody could be matched to: they must not wait unseen."""
    return Alert.objects.filter(Q(clinic=staff(request).clinic_id) | Q(clinic=None))


def open_alerts(request: HttpRequest) -> QuerySet[Alert]:
    """Those that wait for their end. What joined another alert ends with it."""
    return alerts(request).filter(closed_at=None, part_of=None)


def alert(request: HttpRequest, alert_id: int) -> Alert:
    """One alert that this clinic may act on."""
    return get_object_or_404(alerts(request), pk=alert_id)


def original(request: HttpRequest, reply_id: int) -> InboundMail:
    """The mail behind a reply of this clinic, or behind one that nobody could be matched to."""
    rows = InboundMail.objects.filter(Q(reply__clinic=staff(request).clinic_id) | Q(reply__clinic=None))
    found = get_object_or_404(rows.select_related("reply"), reply=reply_id)
    if not found.raw:
        raise Http404
    seen(request, "mail", [found.reply.patient_id if found.reply else None])
    return found
