"""The first page: what needs a person, what goes out today, what has changed."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.models import Alert
from campaigns.queries import clock, zones
from campaigns.queries import today as queries
from campaigns.services import installation
from campaigns.services.today import next_working_day, saw_changes
from campaigns.web import access, today
from campaigns.web.told import told

LOST_SHOWN = 50
PLACES = {urgency.value: place for place, urgency in enumerate(Alert.Urgency)}
"""Alerts are listed from the most urgent on, and within that the longest waiting first."""


def urgent_first(alerts: list[Alert]) -> list[Alert]:
    """Most urgent first, then the one that nobody has taken, then the oldest."""
    return sorted(alerts, key=lambda a: (PLACES[a.urgency], a.acknowledged_at is not None, a.opened_at))


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first page."""
    now = clock.now()
    facts = _facts(request, now)
    lost = zones.lost(facts.clinic.pk)[:LOST_SHOWN] if _has_lost(facts) else []
    access.seen(request, "home", [one.pk for one in (*facts.patients.values(), *lost)])
    context = {
        "now": now,
        "shut": [row | {"since": _instant(row["since"])} for row in facts.parts["shut"]],
        "no_clock": lost,
        "sections": today.sections(facts),
        "hours": today.hours(facts),
        "next": today.next_message(facts),
        "changes": today.changes(facts),
        "since": _instant(facts.parts["seen_at"][0]["at"]),
        "until": now.isoformat(),
    }
    return render(request, "web/home.html", context)


def _facts(request: HttpRequest, now: datetime) -> today.Facts:
    staff = access.staff(request)
    parts = queries.read(staff.clinic, staff, now, next_working_day(staff.clinic, now))
    people = queries.patients(set(queries.whose(parts)))
    return today.Facts(clinic=staff.clinic, now=now, parts=parts, patients=people)


def _has_lost(facts: today.Facts) -> bool:
    return any(zones.known(row["time_zone"]) is None for row in facts.parts["own_zones"])


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """Keep that the changes on the page were seen: those that it showed, not what has come since."""
    try:
        until = datetime.fromisoformat(request.POST.get("until", ""))
    except ValueError:
        return redirect("home")
    if until.tzinfo is not None:
        saw_changes(access.staff(request), until, clock.now())
    return redirect("home")


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
