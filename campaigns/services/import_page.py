"""What the page of one import shows: some of its rows in words that can be read, and how far the work is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from campaigns.domain.import_events import read_event
from campaigns.domain.import_rows import read
from campaigns.domain.import_terms import Doing, Problem, ReadRow
from campaigns.models import Clinic, Import, ImportRow
from campaigns.queries import clock
from campaigns.services.import_files import cells, header, rules_of
from campaigns.services.import_look import problems_of
from campaigns.services.record import record

LISTED = 30
"""Imports of a clinic that are listed."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One row. `read` is None where its cells were erased."""

    row: ImportRow
    read: ReadRow | None
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many rows of the work in hand are done."""

    done: int
    total: int


def imports(clinic: Clinic) -> list[Import]:
    """The clinic's last imports, newest first. One query."""
    return list(Import.objects.filter(clinic=clinic).order_by("-uploaded_at")[:LISTED])


def in_state(of: Import, state: str) -> QuerySet[ImportRow]:
    """The rows of one state, in the order of the file."""
    return of.lines.filter(state=state).select_related("patient").order_by("number")


def shown(of: Import, rows: Sequence[ImportRow]) -> list[Shown]:
    """These rows, read again from their cells."""
    rules, zone = rules_of(of), ZoneInfo(of.clinic.time_zone)
    is_calendar = of.kind == Import.Kind.CALENDAR

    def opened(row: ImportRow) -> ReadRow | None:
        if not row.cells:
            return None
        return read_event(cells(row), zone) if is_calendar else read(cells(row), rules)

    return [Shown(row, opened(row), problems_of(row)) for row in rows]


def progress(of: Import) -> Progress:
    """How far the work in hand is. One or two queries."""
    rows = of.lines
    match of.state:
        case Import.State.CHECKING:
            unread = rows.filter(state=ImportRow.State.NEW).count()
            ahead = rows.filter(state=ImportRow.State.READY, effects__isnull=True).count()
            return Progress(of.rows - unread - ahead, of.rows)
        case Import.State.APPLYING:
            left = rows.filter(state=ImportRow.State.READY).count()
            done = rows.filter(state=ImportRow.State.DONE).count()
            return Progress(done, done + left)
    left = rows.filter(state=ImportRow.State.DONE).exclude(doing=Doing.NOTHING).count()
    done = rows.filter(state__in=[ImportRow.State.TAKEN_BACK, ImportRow.State.KEPT]).count()
    return Progress(done, done + left)


def wrong_rows(of: Import, *, by: str) -> tuple[list[str], list[tuple[list[str], list[Problem]]]]:
    """The columns, and every row that cannot be taken or still asks, for a file. On record."""
    states = [ImportRow.State.WRONG, ImportRow.State.ASKED]
    rows = of.lines.filter(state__in=states).exclude(cells="").order_by("number")
    found = [([str(row.number), *cells(row)], problems_of(row)) for row in rows]
    detail = {"rows": len(found)}
    record("import_errors_exported", f"import {of.pk}", actor=by, now=clock.now(), detail=detail)
    return header(of), found
