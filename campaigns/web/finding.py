"""Find a patient while typing. What is typed is sent in a body, because addresses end up in logs."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from campaigns.models import Clinic
from campaigns.queries import clock, search
from campaigns.web import access

LONGEST = 200


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """The page to find a patient; to a script only the list."""
    clinic = access.staff(request).clinic
    query = request.POST.get("q", "")[:LONGEST].strip()
    found = search.find(clinic, query, today(clinic)) if query else []
    access.seen(request, "find", [one.patient.pk for one in found])
    live = request.headers.get("X-Requested-With") == "fetch"
    context = {"query": query, "found": found, "most": search.MOST, "live": live}
    return render(request, "web/found.html" if live else "web/find.html", context)


def today(clinic: Clinic) -> date:
    """The date at the clinic."""
    return clock.now().astimezone(ZoneInfo(clinic.time_zone)).date()


def as_entered(query: str) -> dict[str, str]:
    """What was typed in a search as the fields of somebody new: an address, a number, or a name whose last
    word is the family's."""
    said = query[:LONGEST].strip()
    if "@" in said:
        return {"email": said}
    if any(char.isdecimal() for char in said):
        return {"phone": said}
    given_name, _, family_name = said.rpartition(" ")
    return {"given_name": given_name or family_name, "family_name": family_name if given_name else ""}
