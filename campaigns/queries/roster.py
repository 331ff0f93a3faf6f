"""The patients of a clinic, newest first, page by page: the last page costs as much as the first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from campaigns.models import Patient
from campaigns.queries import overview

A_PAGE = 50

Place = tuple[datetime, UUID]
"""Where a patient stands in the list: when they were enrolled, and their id where two came at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which patients: a status, a language (empty: any), and those `after` a place in the list, or `before`
    it."""

    status: str = ""
    language: str = ""
    after: Place | None = None
    before: Place | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Patients with what comes next for each, and the places from which older and newer ones go on."""

    patients: list[Patient]
    older: Place | None
    newer: Place | None


def page(clinic_id: UUID, wanted: Wanted, today: date) -> Page:
    """One page of the list. One query. `today` is the day at the clinic."""
    rows = Patient.objects.filter(clinic=clinic_id, forgotten_at=None)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.language:
        rows = rows.filter(language=wanted.language)
    backwards = wanted.before is not None
    found = list(overview.with_next(_from(rows, wanted), today)[: A_PAGE + 1])
    more, shown = len(found) > A_PAGE, found[:A_PAGE]
    if backwards:
        shown.reverse()
    has_older, has_newer = (True, more) if backwards else (more, wanted.after is not None)
    return Page(
        patients=shown,
        older=_place(shown[-1]) if shown and has_older else None,
        newer=_place(shown[0]) if shown and has_newer else None,
    )


def _from(rows: QuerySet[Patient], wanted: Wanted) -> QuerySet[Patient]:
    if wanted.before:
        at, pk = wanted.before
        newer = rows.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk), created_at__gte=at)
        return newer.order_by("created_at", "pk")
    if wanted.after:
        at, pk = wanted.after
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk), created_at__lte=at)
    return rows.order_by("-created_at", "-pk")


def _place(patient: Patient) -> Place:
    return patient.created_at, patient.pk
