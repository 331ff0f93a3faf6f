"""Why messages did not go or did not arrive, and whose they were."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.queries import clock, overview
from campaigns.queries.unsent import unsent_messages
from campaigns.web import access

A_PAGE = 50


@require_safe
def unsent(request: HttpRequest) -> HttpResponse:
    """The reasons of the last seven days, and the messages of one of them; the most frequent one's unless
    another is asked for."""
    clinic, now = access.staff(request).clinic, clock.now()
    reasons = overview.unsent(clinic.pk, now)
    most = reasons[0] if reasons else overview.Unsent("", "", 0)
    state = request.GET.get("state", most.state)
    reason = request.GET.get("reason", "" if "state" in request.GET else most.reason)
    page = Paginator(unsent_messages(clinic.pk, now, state, reason), A_PAGE).get_page(request.GET.get("page"))
    access.seen(request, "unsent", [message.patient_id for message in page])
    context = {"reasons": reasons, "chosen": (state, reason), "messages_unsent": page, "now": now}
    return render(request, "web/unsent.html", context)
