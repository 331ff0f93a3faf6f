"""Alerts: what a person must look at, with the conversation beside it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.models import Alert
from campaigns.queries import clock, timeline
from campaigns.queries.timeline import Bubble
from campaigns.services import escalate
from campaigns.web import access, beside
from campaigns.web.home import urgent_first
from campaigns.web.told import told

CLOSED_A_PAGE = 25


@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """Open alerts, most urgent first; closed ones below, newest first."""
    rows = access.alerts(request).select_related(
        "patient", "reply__message__visit", "acknowledged_by", "closed_by"
    )
    rows = rows.defer("reply__message__subject", "reply__message__body", "reply__message__html")
    waiting = urgent_first(list(rows.filter(closed_at=None)))
    closed = rows.exclude(closed_at=None).order_by("-closed_at", "-pk")
    talks = timeline.conversations({alert.patient_id for alert in waiting if alert.patient_id})
    context = {
        "waiting": [(alert, _talk(alert, talks)) for alert in waiting],
        "closed": Paginator(closed, CLOSED_A_PAGE).get_page(request.GET.get("page")),
        "outcomes": Alert.Outcome.values,
        "besides": beside.all_of(waiting, access.staff(request).clinic, clock.now()),
    }
    return render(request, "web/alerts.html", context)


def _talk(alert: Alert, talks: dict[UUID, list[Bubble]]) -> list[Bubble]:
    return timeline.around(talks[alert.patient_id], alert.opened_at) if alert.patient_id else []


@require_POST
def acknowledge(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Take it in hand."""
    alert = access.alert(request, alert_id)
    escalate.acknowledge(alert.pk, access.staff(request))
    return redirect("alerts")


@require_POST
def close(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Close it, saying how it ended."""
    alert = access.alert(request, alert_id)
    try:
        escalate.close(alert.pk, access.staff(request), request.POST.get("outcome", ""))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("The alert is closed."))
    return redirect("alerts")
