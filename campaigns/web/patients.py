"""The patient's page: what matters now at the top, then visits, every message with its reason, what was said,
answers, and how we reach the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from campaigns.domain.lifecycle import UNSENT
from campaigns.domain.replies import EXPECTED
from campaigns.domain.visits import VisitState
from campaigns.models import Message, Patient, Visit
from campaigns.queries import clock, patient_head, timeline
from campaigns.queries.contactability import reaches
from campaigns.queries.patient_head import Treatment
from campaigns.queries.timeline import Story
from campaigns.services.answer_form import CHOICES
from campaigns.services.preview import PreviewedMessage, as_read
from campaigns.web import access, patient_acts, rights
from campaigns.web.consents import may_export
from campaigns.web.filters import local
from campaigns.web.patient_chart import chart

MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


RECENT = timedelta(days=10)
FOLDED_FROM = 15
SOON = 12
"""Messages that are still to come and shown at once; the rest is folded away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The messages of the timeline in three: long past, around now, and far ahead."""

    earlier: Sequence[Message]
    recent: Sequence[Message]
    later: Sequence[Message]


def read(request: HttpRequest, patient_id: UUID, page: str) -> tuple[Patient, datetime]:
    """The patient with what stands at the top of the page, and the time: on record as seen on that page."""
    now = clock.now()
    found = get_object_or_404(patient_head.of(access.patients(request)), pk=patient_id)
    access.staff(request).clinic = found.clinic  # the same row: not read twice
    access.seen(request, page, [found.pk], now)
    return found, now


def facts(found: Patient, now: datetime) -> dict[str, Any]:
    """What the page and the print view both show."""
    story = timeline.story(found.pk)
    treatments = patient_head.treatments(found.pk)
    visits = [visit for treatment in treatments for visit in treatment.visits]
    planned = [message for message in story.messages if message.state in UNSENT]
    return {
        "patient": found,
        "now": now,
        "story": story,
        "treatments": treatments,
        "reaches": reaches(found),
        "chart": chart(story, visits, found.clinic, now),
        "words": _words(planned, found, now),
        "next_visit": next_visit(treatments, found, now),
        "next_message": planned[0] if planned else None,
        "open_alerts_here": patient_head.open_alerts(found),
        "last_word": story.replies[-1] if story.replies else None,
        "is_paused": _is_paused(found, now),
    }


def _words(planned: Sequence[Message], patient: Patient, now: datetime) -> dict[int, PreviewedMessage]:
    """What is still to come, as the patient will read it."""
    for message in planned:
        message.patient = patient
    words = as_read(planned, patient.clinic, now)
    return {message.pk: read for message, read in zip(planned, words, strict=True)}


def next_visit(treatments: Sequence[Treatment], patient: Patient, now: datetime) -> Visit | None:
    """The next visit that is booked, today's included."""
    today = local(now, patient.clinic).date()
    booked = [
        visit
        for treatment in treatments
        for visit in treatment.visits
        if visit.state == VisitState.BOOKED and visit.on_date >= today
    ]
    return min(booked, key=lambda visit: (visit.on_date, visit.at_time), default=None)


def _is_paused(patient: Patient, now: datetime) -> bool:
    is_over = patient.paused_until is not None and patient.paused_until <= now
    return patient.status == Patient.Status.PAUSED and not is_over


@require_safe
def patient(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """One patient."""
    found, now = read(request, patient_id, "patient")
    known = facts(found, now)
    story: Story = known["story"]
    mailbox = story.mailbox
    staff = access.staff(request)
    context = {
        **known,
        "line": in_three(story.messages, now),
        "mailbox": mailbox,
        "opened": _opened(request, [mail.pk for mail in mailbox]),
        "may_change": patient_acts.may(staff) and not found.forgotten_at,
        "may_export": may_export(staff),
        "may_erase": rights.may(staff),
        "answer_choices": {asks: list(CHOICES[expects]) for asks, expects in EXPECTED.items()},
        "write_to": _write_to(found),
    }
    return render(request, "web/patient.html", context)


def _write_to(patient: Patient) -> str:
    """Where one message is written by hand; empty where the site has no such page."""
    try:
        return "" if patient.forgotten_at else reverse("write", args=[patient.pk])
    except NoReverseMatch:
        return ""


def in_three(messages: Sequence[Message], now: datetime) -> Line:
    """What is long past and folded away unless it is little, what is around now, what is far ahead."""
    earlier = [m for m in messages if m.send_at < now - RECENT]
    if len(earlier) < FOLDED_FROM:
        earlier = []
    rest = list(messages[len(earlier) :])
    ahead = [m for m in rest if m.send_at > now]
    later = ahead[SOON:] if len(ahead) > SOON + 3 else []
    return Line(earlier=earlier, recent=rest[: len(rest) - len(later)], later=later)


def _opened(request: HttpRequest, mails: list[int]) -> int | None:
    """The e-mail that is open: the one asked for, else the newest."""
    asked = request.GET.get("mail", "")
    if asked.isascii() and asked.isdigit() and int(asked) in mails:
        return int(asked)
    return mails[0] if mails else None


@require_safe
def history(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Who changed what about a patient, and all that was ever said about our messages."""
    found, now = read(request, patient_id, "patient")
    context = {
        "patient": found,
        "now": now,
        "changes": patient_head.changes(found.pk),
        "reaches": reaches(found),
    }
    return render(request, "web/patient_history.html", context)


@require_safe
@xframe_options_sameorigin
def mail(request: HttpRequest, message_id: int) -> HttpResponse:
    """The HTML of one e-mail as it was sent, locked into a sandbox, for the frame on the patient's page."""
    response = HttpResponse(access.mail(request, message_id).html)
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response
