"""The reports that a clinic shows its owner: each a plot, a table with the same figures, and a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.domain.languages import SUPPORTED
from campaigns.domain.months import month_of, previous_month, read_month, up_to
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic
from campaigns.queries import clock
from campaigns.queries import reports as counts
from campaigns.queries.reports import Scope
from campaigns.services.on_call import clinic_time
from campaigns.web import access, report_tables, words
from campaigns.web.report_cells import Report
from campaigns.web.sheet import csv_file

LONGEST = 36
"""Months that one page speaks of at most."""
USUAL = 12


@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """Every report, for the months, channel and language in the address."""
    clinic = access.staff(request).clinic
    scope = _scope(clinic, request.GET)
    counted = counts.counted(clinic.pk, scope.first, scope.last)
    this = _this_month(clinic)
    months = up_to(min(counted.first, scope.first) if counted else scope.first, this)
    context = {
        "reports": report_tables.every(clinic, scope) if counted else [],
        "counted": counted,
        "scope": scope,
        "asked": _asked(scope),
        "months": months[::-1],
        "spans": _spans(scope, this),
        "channels": words.CHANNELS,
        "languages": counts.languages(clinic.pk, scope.first, scope.last),
    }
    return render(request, "web/reports.html", context)


@require_safe
def report_file(request: HttpRequest, report: str) -> HttpResponse:
    """One report as CSV, with the figures that the page shows. No patient is in it."""
    clinic = access.staff(request).clinic
    scope = _scope(clinic, request.GET)
    found: Report | None = next(
        (one for one in report_tables.every(clinic, scope) if one.key == report), None
    )
    if found is None:
        raise Http404
    name = f"{report}-{scope.first:%Y-%m}-{scope.last:%Y-%m}.csv"
    return csv_file(name, found.headers, ([cell.raw for cell in row] for row in found.rows))


@dataclass(frozen=True, slots=True)
class Span:
    """A link to other months."""

    months: int
    address: str
    chosen: bool


def _spans(scope: Scope, this: date) -> list[Span]:
    found = []
    for length in (1, 3, 12, 24):
        other = replace(scope, first=_back(this, length - 1), last=this)
        found.append(Span(length, f"?{_asked(other)}", other == scope))
    return found


def _asked(scope: Scope) -> str:
    """What stands in an address for these reports."""
    asked = {"from": f"{scope.first:%Y-%m}", "to": f"{scope.last:%Y-%m}"}
    asked |= {"channel": scope.channel} if scope.channel else {}
    asked |= {"language": scope.language} if scope.language else {}
    return urlencode(asked)


def _this_month(clinic: Clinic) -> date:
    return month_of(clock.now().astimezone(clinic_time(clinic).zone).date())


def _scope(clinic: Clinic, asked: QueryDict) -> Scope:
    """What an address asks for; what it does not say or says wrongly is the usual: the last twelve months."""
    this = _this_month(clinic)
    last = min(read_month(asked.get("to", "")) or this, this)
    first = read_month(asked.get("from", "")) or _back(last, USUAL - 1)
    return Scope(
        clinic=clinic.pk,
        first=max(min(first, last), _back(last, LONGEST - 1)),
        last=last,
        channel=_known(asked.get("channel", ""), tuple(Channel)),
        language=_known(asked.get("language", ""), tuple(SUPPORTED)),
    )


def _known(asked: str, known: tuple[str, ...]) -> str:
    return asked if asked in known else ""


def _back(month: date, months: int) -> date:
    for _step in range(months):
        month = previous_month(month)
    return month
