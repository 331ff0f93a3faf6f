"""The first page: what needs a person, what goes out, who is in care."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.models import Alert
from campaigns.queries import clock, overview
from campaigns.services import installation
from campaigns.web import access
from campaigns.web.filters import local
from campaigns.web.told import told
from campaigns.web.words import EXPECTED

SHOWN = 8
PATIENTS_A_PAGE = 50

PLACES = {urgency.value: place for place, urgency in enumerate(Alert.Urgency)}
"""Alerts are listed from the most urgent on, and within that the longest waiting first."""


def urgent_first(alerts: list[Alert]) -> list[Alert]:
    """Most urgent first, then the one that nobody has taken, then the oldest."""
    return sorted(alerts, key=lambda a: (PLACES[a.urgency], a.acknowledged_at is not None, a.opened_at))


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first page."""
    clinic, now = access.staff(request).clinic, clock.now()
    unsent = overview.unsent(clinic.pk, now)
    waiting = access.open_alerts(request).select_related("patient", "reply", "acknowledged_by")
    today = local(now, clinic).date()
    patients = overview.with_next(access.patients(request).order_by("-created_at", "pk"), today)
    context = {
        "now": now,
        "shut": overview.shut(clinic.pk),
        "alerts": urgent_first(list(waiting))[:SHOWN],
        "to_look_at": [row for row in unsent if row.reason not in EXPECTED],
        "as_expected": [row for row in unsent if row.reason in EXPECTED],
        "going_out": overview.going_out(clinic.pk, SHOWN),
        "patients": Paginator(patients, PATIENTS_A_PAGE).get_page(request.GET.get("page")),
        "today": today,
    }
    return render(request, "web/home.html", context)


@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Stop all sending."""
    installation.pause("Paused from the first page", by=access.staff(request).email)
    return redirect("home")


@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Send again."""
    try:
        installation.resume(by=access.staff(request).email)
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    return redirect("home")
