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


@require_safe
def call_list(request: HttpRequest) -> HttpResponse:
    """Whom to call today, why, and what they said last; made to be printed too."""
    now = clock.now()
    found = calls.call_list(access.staff(request).clinic, now)
    access.seen(request, "call-list", [one.patient.pk for one in (*found.today, *found.later)])
    context = {
        "list": found,
        "outcomes": Call.Outcome.values,
        "longest_note": LONGEST_NOTE,
        "now": now,
    }
    return render(request, "web/call_list.html", context)


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
