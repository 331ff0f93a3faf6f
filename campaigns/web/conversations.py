"""The inbox: alerts and conversations in one list, and the one that is open beside it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.replies import EXPECTED
from campaigns.models import Alert
from campaigns.queries import candidates, clock
from campaigns.queries import conversations as talks
from campaigns.queries.contactability import reaches
from campaigns.queries.inbox import Show, Wanted, page
from campaigns.services import by_hand, conversations
from campaigns.services.answer_form import CHOICES
from campaigns.services.conversations import Company
from campaigns.web import access, beside, inbox_words
from campaigns.web.filters import local
from campaigns.web.told import told


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The list alone."""
    return _page(request, {})


@require_safe
def patient(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The conversation with one patient beside the list."""
    return _page(request, _thread(request, patient_id))


@require_safe
def alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """An alert: the conversation of its patient, or the words alone where nobody knows whose they are."""
    found = access.alert(request, alert_id)
    if found.patient_id:
        return _page(request, _thread(request, found.patient_id))
    return _page(request, _strange(request, found))


def _page(request: HttpRequest, opened: dict[str, Any]) -> HttpResponse:
    staff = access.staff(request)
    now, wanted = opened.get("now") or clock.now(), _wanted(request)
    listed = page(staff.clinic_id, staff, wanted, now)
    whose = [item.patient_id for item in listed.items]
    access.seen(request, "inbox", [*whose, opened["patient"].pk] if "patient" in opened else whose)
    kept = {"show": wanted.show.value, "language": wanted.language, "after": wanted.after}
    context = {
        "listed": listed,
        "wanted": wanted,
        "shows": [(show.value, inbox_words.SHOWS[show]) for show in Show],
        "empty": inbox_words.EMPTY[wanted.show],
        "places": inbox_words.PLACES,
        "query": urlencode({name: value for name, value in kept.items() if value and value != Show.OPEN}),
        "clinic_languages": [tag for tag in SUPPORTED if tag in staff.clinic.languages],
        "may_write": by_hand.may(staff.role),
        "now": now,
        "patient": None,
        "alert": None,
        "opened": "",
        **opened,
    }
    return render(request, "web/inbox.html", context)


def _wanted(request: HttpRequest) -> Wanted:
    show, language = request.GET.get("show", ""), request.GET.get("language", "")
    return Wanted(
        show=Show(show) if show in set(Show) else Show.OPEN,
        language=language if language in SUPPORTED else "",
        after=request.GET.get("after", ""),
    )


def _thread(request: HttpRequest, patient_id: UUID) -> dict[str, Any]:
    """What the page shows of one patient."""
    staff, now = access.staff(request), clock.now()
    rows = access.patients(request).select_related("conversation__assigned_to")
    patient = get_object_or_404(rows, pk=patient_id)
    company = conversations.arrive(staff, patient.pk, now)
    alerts = talks.alerts_of(patient.pk)
    return {
        "patient": patient,
        "opened": f"p{patient.pk}",
        "now": now,
        "turns": talks.turns(patient.pk, alerts),
        "known": talks.known(patient.pk, local(now, staff.clinic).date()),
        "waiting": conversations.waiting(alerts),
        "joined": conversations.joined(alerts),
        "own": getattr(patient, "conversation", None),
        "colleagues": conversations.assignable(staff.clinic_id),
        "reaches": reaches(patient),
        "outcomes": Alert.Outcome.values,
        "answer_choices": {asks: list(CHOICES[expects]) for asks, expects in EXPECTED.items()},
        **_company(company),
    }


def _strange(request: HttpRequest, alert: Alert) -> dict[str, Any]:
    """What the page shows of words that are nobody's yet."""
    staff, now = access.staff(request), clock.now()
    company = conversations.arrive_at_words(staff, alert.pk)
    rows = Alert.objects.select_related("reply__mail", "acknowledged_by", "closed_by")
    found = rows.defer("reply__mail__raw").get(pk=alert.pk)
    return {
        "alert": found,
        "opened": f"a{alert.pk}",
        "now": now,
        "joined": {},
        "besides": beside.all_of([found], staff.clinic, now),
        "candidates": candidates.of_replies(staff.clinic_id, [found]),
        "outcomes": Alert.Outcome.values,
        **_company(company),
    }


def _company(company: Company) -> dict[str, str]:
    return {
        "looking": inbox_words.looking(company),
        "answered": inbox_words.answered(company),
        "version": company.version,
    }


@require_POST
def assign(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Give the conversation to a colleague, to oneself, or to nobody."""
    found = access.patient(request, patient_id)
    to, shown = _number(request, "to"), _number(request, "shown")
    try:
        conversations.assign(found.pk, to, access.staff(request), shown=shown)
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("Assigned.") if to else _("It is nobody's now."))
    return redirect("inbox-patient", found.pk)


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@require_POST
def settle(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Say that nothing is left to do about an answer that did not arrive."""
    found = access.patient(request, patient_id)
    try:
        conversations.settle(found.pk, access.staff(request), version=request.POST.get("version", ""))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("Dealt with."))
    return redirect("inbox-patient", found.pk)


@require_POST
def here(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Somebody still has the conversation open; who else, and what is new."""
    found = access.patient(request, patient_id)
    return JsonResponse(_company(conversations.arrive(access.staff(request), found.pk, clock.now())))


@require_POST
def alert_here(request: HttpRequest, alert_id: int) -> HttpResponse:
    """The same for words that are nobody's yet."""
    found = access.alert(request, alert_id)
    return JsonResponse(_company(conversations.arrive_at_words(access.staff(request), found.pk)))
