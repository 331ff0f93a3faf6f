"""The list of patients: newest first, by status and language, with what comes next for each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from campaigns.domain.languages import SUPPORTED
from campaigns.models import Patient
from campaigns.queries import clock, roster
from campaigns.queries.roster import Place, Wanted
from campaigns.services.prefer import offered
from campaigns.web import access
from campaigns.web.filters import local


@require_safe
def patients(request: HttpRequest) -> HttpResponse:
    """One page of the list; every filter is a link."""
    clinic, now = access.staff(request).clinic, clock.now()
    wanted, today = _wanted(request), local(now, clinic).date()
    page = roster.page(clinic.pk, wanted, today)
    access.seen(request, "patients", [patient.pk for patient in page.patients])
    tags = ["", *(language.tag for language in offered(clinic))]
    context = {
        "page": page,
        "wanted": wanted,
        "older": _address(wanted, after=page.older) if page.older else "",
        "newer": _address(wanted, before=page.newer) if page.newer else "",
        "statuses": [(one, _address(wanted, status=one)) for one in ("", *Patient.Status.values)],
        "languages": [(tag, _address(wanted, language=tag)) for tag in tags],
    }
    return render(request, "web/patients.html", context)


def _wanted(request: HttpRequest) -> Wanted:
    """What is asked for; what makes no sense is left out."""
    status, language = request.GET.get("status", ""), request.GET.get("language", "")
    return Wanted(
        status=status if status in Patient.Status.values else "",
        language=language if language in SUPPORTED else "",
        after=_place(request.GET.get("after", "")),
        before=_place(request.GET.get("before", "")),
    )


def _place(text: str) -> Place | None:
    at, _, pk = text.partition(",")
    try:
        found = datetime.fromisoformat(at), UUID(pk)
    except ValueError:
        return None
    return found if found[0].tzinfo else None


def _address(
    wanted: Wanted,
    *,
    status: str | None = None,
    language: str | None = None,
    after: Place | None = None,
    before: Place | None = None,
) -> str:
    """The same list with one thing changed, from its beginning unless a place says where it goes on."""
    about = {
        "status": wanted.status if status is None else status,
        "language": wanted.language if language is None else language,
        "after": _said(after),
        "before": _said(before),
    }
    return "?" + urlencode({name: value for name, value in about.items() if value})


def _said(place: Place | None) -> str:
    return f"{place[0].isoformat()},{place[1]}" if place else ""
