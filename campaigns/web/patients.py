"""The patient's page: phone and mailbox as the patient sees them, the timeline with reasons, visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from campaigns.domain.replies import EXPECTED
from campaigns.models import Answer, AnswerCorrection, Message, Visit
from campaigns.queries import clock, timeline
from campaigns.queries.contactability import reaches
from campaigns.queries.one_patient import sharing
from campaigns.services.answer_form import CHOICES
from campaigns.web import access, rights
from campaigns.web.consents import may_export

MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


RECENT = timedelta(days=10)
FOLDED_FROM = 15


@dataclass(frozen=True, slots=True)
class Point:
    """One pain answer on the chart, in the chart's own units."""

    x: int
    y: int
    value: int


@require_safe
def patient(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """One patient."""
    found = access.patient(request, patient_id)
    story = timeline.story(found.pk)
    mailbox, now = story.mailbox, clock.now()
    earlier, recent = in_two(story.messages, now)
    context = {
        "patient": found,
        "story": story,
        "earlier": earlier,
        "recent": recent,
        "mailbox": mailbox,
        "opened": _opened(request, [mail.pk for mail in mailbox]),
        "reaches": reaches(found),
        "may_export": may_export(access.staff(request)),
        "may_erase": rights.may(access.staff(request)),
        "shared": sharing(found.pk),
        "visits": Visit.objects.filter(course__patient=found)
        .select_related("course")
        .order_by("course__created_at", "number"),
        "courses": found.courses.order_by("created_at"),
        "pain": pain_points(story.answers),
        "corrections": AnswerCorrection.objects.filter(reply__patient=found)
        .select_related("by", "message")
        .defer("message__subject", "message__body", "message__html")
        .order_by("at"),
        "answer_choices": {asks: list(CHOICES[expects]) for asks, expects in EXPECTED.items()},
        "now": now,
    }
    return render(request, "web/patient.html", context)


def in_two(messages: Sequence[Message], now: datetime) -> tuple[list[Message], list[Message]]:
    """What is long past, folded away unless it is little, and the rest."""
    earlier = [m for m in messages if m.send_at < now - RECENT]
    if len(earlier) < FOLDED_FROM:
        return [], list(messages)
    return earlier, list(messages[len(earlier) :])


def _opened(request: HttpRequest, mails: list[int]) -> int | None:
    """The e-mail that is open: the one asked for, else the newest."""
    asked = request.GET.get("mail", "")
    if asked.isascii() and asked.isdigit() and int(asked) in mails:
        return int(asked)
    return mails[0] if mails else None


def pain_points(answers: Sequence[Answer]) -> list[Point]:
    """Pain answers for the chart: evenly spaced, 10 at the top (60 units high, 60 units apart)."""
    values = [int(a.value) for a in answers if a.question == "pain" and a.value.isdigit()]
    return [Point(20 + 60 * place, 70 - 6 * value, value) for place, value in enumerate(values)]


@require_safe
@xframe_options_sameorigin
def mail(request: HttpRequest, message_id: int) -> HttpResponse:
    """The HTML of one e-mail as it was sent, locked into a sandbox, for the frame on the patient's page."""
    response = HttpResponse(access.mail(request, message_id).html)
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response
