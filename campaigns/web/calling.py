"""The call list: whom messages did not reach, and who did not answer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.models import Call
from campaigns.queries import calls, clock
from campaigns.services.calls import LONGEST_NOTE, record_call
from campaigns.web import access
from campaigns.web.told import told

MOST_PAGES = 10_000


@require_safe
def call_list(request: HttpRequest) -> HttpResponse:
    """Whom to call today, why, and what they said last; made to be printed too."""
    now, page = clock.now(), asked_page(request)
    found = calls.call_list(access.staff(request).clinic, now, page)
    access.seen(request, "call-list", [one.patient.pk for one in (*found.today, *found.later)])
    context = {
        "list": found,
        "page": page,
        "more": found.total > page * calls.A_PAGE,
        "more_later": found.total_later - len(found.later),
        "outcomes": Call.Outcome.values,
        "longest_note": LONGEST_NOTE,
        "now": now,
    }
    return render(request, "web/call_list.html", context)


def asked_page(request: HttpRequest) -> int:
    """The number of the page that was asked for; the first where it is none."""
    text = request.GET.get("page", "")
    return max(1, min(int(text), MOST_PAGES)) if text.isascii() and text.isdecimal() and len(text) < 9 else 1


@require_POST
def called(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Keep how a call ended."""
    patient = access.patient(request, patient_id)
    outcome, note = request.POST.get("outcome", ""), request.POST.get("note", "")
    try:
        record_call(patient.pk, outcome, note, access.staff(request))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("The call is on record."))
    return redirect("call-list")
