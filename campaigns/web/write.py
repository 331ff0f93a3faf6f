"""Write one message by hand: choose, look at it as it would go, send."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.domain import by_hand as rules
from campaigns.domain.errors import NotAllowed
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.models import Patient
from campaigns.queries import clock
from campaigns.queries import conversations as talks
from campaigns.queries.contactability import Reach, reaches
from campaigns.services import by_hand, conversations
from campaigns.services.by_hand import OWN, TEXTS, Draft, Then
from campaigns.web import access, inbox_words
from campaigns.web.filters import moment
from campaigns.web.told import told

SHOWN = 6
"""Newest texts of the conversation beside the form."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the form says that was before the writer."""

    version: str
    mark: str
    alerts: tuple[str, ...]


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """GET offers the texts, POST shows one as it would go, POST with `confirm` sends it."""
    patient, staff = access.patient(request, patient_id), access.staff(request)
    if not by_hand.may(staff.role):
        raise PermissionDenied
    patient.clinic = staff.clinic
    ways = reaches(patient)
    channel = _channel(request, patient, ways)
    if request.method != "POST":
        return _page(request, patient, ways, channel, {})
    draft = _draft(request, channel)
    if draft is None:
        return _page(request, patient, ways, channel, {"problems": [_("Choose a text.")]})
    if "confirm" in request.POST:
        return _send(request, patient, ways, draft)
    return _page(request, patient, ways, channel, _shown(request, patient, draft))


def _channel(request: HttpRequest, patient: Patient, ways: list[Reach]) -> Channel:
    """The channel asked for; else the one the patient last wrote on, where it is open; else one that is."""
    asked = request.POST.get("by", "") or request.GET.get("by", "")
    if asked in set(Channel):
        return Channel(asked)
    open_ones = [way.channel for way in ways if way.reason is None]
    last = patient.replies.order_by("-received_at").values_list("channel", flat=True).first()
    if last in open_ones:
        return Channel(last)
    return open_ones[0] if open_ones else Channel.SMS


def _draft(request: HttpRequest, channel: Channel) -> Draft | None:
    text = request.POST.get("text", "")
    if text not in (*TEXTS, OWN):
        return None
    if text != OWN:
        return Draft(text=text, channel=channel)
    written_in = request.POST.get("written_in", SOURCE)
    words = rules.clean(request.POST.get("words", "")[: 4 * rules.LONGEST])
    return Draft(
        text=text,
        channel=channel,
        words=words,
        written_in=written_in if written_in in SUPPORTED else SOURCE,
    )


def _shown(request: HttpRequest, patient: Patient, draft: Draft) -> dict[str, Any]:
    """The draft as it would go, or what is wrong with it."""
    problems = by_hand.faults(draft, patient)
    if problems:
        return {"draft": draft, "problems": [told(one) for one in problems]}
    try:
        return {"draft": draft, "look": by_hand.look(patient, draft, access.staff(request))}
    except NotAllowed as error:
        return {"draft": draft, "problems": [told(str(error))]}


def _send(request: HttpRequest, patient: Patient, ways: list[Reach], draft: Draft) -> HttpResponse:
    staff, posted = access.staff(request), request.POST
    seen = Seen(posted.get("version", ""), posted.get("mark", ""), tuple(posted.getlist("alerts")))
    then = posted.get("then", "")
    try:
        message = by_hand.write(
            patient.pk,
            staff,
            draft,
            key=_uuid(posted.get("key", "")),
            seen=seen,
            then=then if then in (Then.TAKE, Then.CLOSE) else Then.NOTHING,
        )
    except NotAllowed as error:
        again = _shown(request, patient, draft)
        again["problems"] = [told(str(error)), *again.get("problems", [])]
        return _page(request, patient, ways, draft.channel, again)
    if message.send_at > message.created_at:
        when = {"when": moment(message.send_at, staff.clinic)}
        messages.success(request, _("It is night for the patient: it goes on %(when)s.") % when)
    else:
        messages.success(request, _("It goes out now."))
    return redirect("inbox-patient", patient.pk)


def _uuid(text: str) -> UUID:
    """The key of the form; one that is none is as good as a new one."""
    try:
        return UUID(text)
    except ValueError:
        return uuid.uuid4()


def _page(
    request: HttpRequest, patient: Patient, ways: list[Reach], channel: Channel, shown: dict[str, Any]
) -> HttpResponse:
    staff, now = access.staff(request), clock.now()
    company = conversations.arrive(staff, patient.pk, now)
    alerts = talks.alerts_of(patient.pk)
    waiting = conversations.waiting(alerts)
    context = {
        "patient": patient,
        "ways": ways,
        "by": channel,
        "reason": next(way.reason for way in ways if way.channel == channel),
        "offers": by_hand.offers(patient, channel, now) if "look" not in shown else [],
        "turns": talks.turns(patient.pk, alerts)[-SHOWN:],
        "key": uuid.uuid4(),
        "waiting": waiting,
        "waiting_seen": by_hand.seen_as(waiting, conversations.joined(alerts)),
        "may_close": by_hand.may_close(waiting),
        "languages": dict.fromkeys((SOURCE, "fr-CA", patient.language)),
        "longest": rules.LONGEST,
        "version": company.version,
        "looking": inbox_words.looking(company),
        "answered": inbox_words.answered(company),
        "draft": None,
        "look": None,
        "problems": [],
        **shown,
    }
    return render(request, "web/write.html", context)
