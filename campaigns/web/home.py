"""The first page: what needs a person, what goes out, who is in care."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.domain.lifecycle import Reason
from campaigns.models import Alert
from campaigns.queries import clock, overview, zones
from campaigns.services import installation
from campaigns.web import access
from campaigns.web.filters import local
from campaigns.web.told import told

SHOWN = 8
PATIENTS_A_PAGE = 50

EXPECTED = frozenset(
    {
        Reason.VISIT_CANCELLED,
        Reason.VISIT_MOVED,
        Reason.VISIT_DONE,
        Reason.VISIT_MISSED,
        Reason.COURSE_CLOSED,
        Reason.OPERATOR_CANCELLED,
        Reason.SUPERSEDED,
        Reason.ANSWERED,
        Reason.NOT_NEEDED,
        Reason.NO_ADDRESS,
        Reason.OPTED_OUT,
        Reason.PATIENT_PAUSED,
        Reason.PATIENT_LEFT,
        Reason.PATIENT_DECEASED_OR_MERGED,
        Reason.ENROLLMENT_STOPPED,
        Reason.PATIENT_FORGOTTEN,
    }
)
"""Reasons that follow from what somebody did or chose (nobody is enrolled without any address).

Every other one may need a person."""


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
    known = access.patients(request).filter(forgotten_at=None)
    patients = overview.with_next(known.order_by("-created_at", "pk"), today)
    page = Paginator(patients, PATIENTS_A_PAGE).get_page(request.GET.get("page"))
    alerts, going_out = urgent_first(list(waiting))[:SHOWN], overview.going_out(clinic.pk, SHOWN)
    no_clock = zones.lost(clinic.pk)[:PATIENTS_A_PAGE]
    access.seen(
        request,
        "home",
        [
            *(p.pk for p in (*page, *no_clock)),
            *(a.patient_id for a in alerts),
            *(m.patient_id for m in going_out),
        ],
    )
    context = {
        "now": now,
        "shut": overview.shut(clinic.pk),
        "alerts": alerts,
        "to_look_at": [row for row in unsent if row.reason not in EXPECTED],
        "as_expected": [row for row in unsent if row.reason in EXPECTED],
        "going_out": going_out,
        "no_clock": no_clock,
        "patients": page,
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
