"""Alerts: what a person must look at, with the conversation beside it."""

from __future__ import annotations

from typing import Any, TypedDict
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.models import Alert, AlertNotice
from campaigns.queries import candidates, clock, timeline
from campaigns.queries.timeline import Bubble
from campaigns.services import escalate
from campaigns.services.on_call import clinic_time, on_duty
from campaigns.web import access, beside
from campaigns.web.home import urgent_first
from campaigns.web.returning import after_alert
from campaigns.web.told import told

CLOSED_A_PAGE = 25


@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """Open alerts, most urgent first; closed ones below, newest first."""
    people = ("patient", "acknowledged_by", "closed_by", "tried_by")
    rows = access.alerts(request).filter(part_of=None)
    rows = rows.select_related(*people, "reply__message__visit", "reply__mail")
    rows = rows.defer(
        "reply__message__subject", "reply__message__body", "reply__message__html", "reply__mail__raw"
    )
    waiting = urgent_first(list(rows.filter(closed_at=None).prefetch_related(_further(), _told())))
    closed = rows.exclude(closed_at=None).order_by("-closed_at", "-pk")
    clinic, now = access.staff(request).clinic, clock.now()
    talks = timeline.conversations({alert.patient_id for alert in waiting if alert.patient_id})
    shown = Paginator(closed, CLOSED_A_PAGE).get_page(request.GET.get("page"))
    access.seen(request, "alerts", [alert.patient_id for alert in (*waiting, *shown)])
    context = {
        "waiting": [(alert, _talk(alert, talks)) for alert in waiting],
        "candidates": candidates.of_replies(access.staff(request).clinic_id, waiting),
        "closed": shown,
        "outcomes": Alert.Outcome.values,
        "besides": beside.all_of(waiting, clinic, now),
        "held": _held(waiting),
        "duty": on_duty(clinic, now),
        "is_open": clinic_time(clinic).is_open(now),
        "now": now,
    }
    return render(request, "web/alerts.html", context)


def _further() -> Prefetch[Any]:
    """What the patient said after the text that opened the alert."""
    return Prefetch("parts", Alert.objects.select_related("reply").order_by("opened_at", "pk"))


def _told() -> Prefetch[Any]:
    """Who was told of it, newest first."""
    return Prefetch("notices", AlertNotice.objects.select_related("staff").order_by("-at", "staff_id"))


def _held(waiting: list[Alert]) -> dict[UUID, str]:
    """Who has an earlier alert of a patient in hand: words that came later are shown as new ones."""
    return {
        alert.patient_id: alert.acknowledged_by.name
        for alert in waiting
        if alert.patient_id and alert.acknowledged_by
    }


def _talk(alert: Alert, talks: dict[UUID, list[Bubble]]) -> list[Bubble]:
    return timeline.around(talks[alert.patient_id], alert.opened_at) if alert.patient_id else []


@require_POST
def acknowledge(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Take it in hand."""
    alert, staff = access.alert(request, alert_id), access.staff(request)
    taken = escalate.acknowledge(alert.pk, staff)
    if taken.acknowledged_by and taken.acknowledged_by != staff:
        name = taken.acknowledged_by.name
        messages.warning(request, _("%(name)s has it already.") % {"name": name})
    return after_alert(request, alert)


class Said(TypedDict):
    """What the form to close an alert says."""

    outcome: str
    note: str
    seen: int | None


def _said(request: HttpRequest) -> Said:
    seen = request.POST.get("seen", "")
    return {
        "outcome": request.POST.get("outcome", ""),
        "note": request.POST.get("note", "")[: escalate.LONGEST_NOTE],
        "seen": int(seen) if seen.isdecimal() and len(seen) < 6 else None,
    }


@require_POST
def close(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Close it, saying how it ended."""
    alert = access.alert(request, alert_id)
    try:
        ended = escalate.close(alert.pk, access.staff(request), **_said(request))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(
            request,
            _("The alert is closed.") if ended.closed_at else _("The alert is put back and comes again."),
        )
    return after_alert(request, alert)


@require_safe
def original(request: HttpRequest, reply_id: int) -> HttpResponse:
    """A mail as it came, as a file: no browser shows what a stranger may have put into it."""
    mail = access.original(request, reply_id)
    headers = {"Content-Disposition": f'attachment; filename="mail-{reply_id}.eml"'}
    return HttpResponse(mail.raw, content_type="application/octet-stream", headers=headers)
