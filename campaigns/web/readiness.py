"""Who comes on a day, and whether they are ready."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.queries import clock
from campaigns.queries.readiness import A_PAGE, coming, tally
from campaigns.web import access
from campaigns.web.calling import asked_page
from campaigns.web.filters import local

ONE_DAY = timedelta(days=1)


@require_safe
def readiness(request: HttpRequest) -> HttpResponse:
    """The visits of one day, today unless another is asked for, by time; made to be printed too."""
    clinic, now = access.staff(request).clinic, clock.now()
    today = local(now, clinic).date()
    day = _asked(request.GET.get("day", ""), today)
    page, counts = asked_page(request), tally(clinic, day)
    visits = coming(clinic, day, page)
    access.seen(request, "readiness", [one.visit.course.patient_id for one in visits])
    context = {
        "visits": visits,
        "counts": list(counts.items()),
        "page": page,
        "more": sum(counts.values()) > page * A_PAGE,
        "day": day,
        "today": today,
        "tomorrow": today + ONE_DAY,
        "before": day - ONE_DAY,
        "after": day + ONE_DAY,
    }
    return render(request, "web/readiness.html", context)


def _asked(text: str, today: date) -> date:
    """The day that was asked for; today where it is none, or no calendar has the days round it."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if date.min + ONE_DAY < day < date.max - ONE_DAY else today
