"""Take a file in, say what its columns hold, throw it away. Nothing of a patient changes here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from campaigns.domain import import_columns
from campaigns.domain.import_cells import fold, must_ask, only_order
from campaigns.domain.import_columns import Columns, guess
from campaigns.domain.import_events import read_calendar
from campaigns.domain.import_files import Table, read_table
from campaigns.domain.import_rows import Rules
from campaigns.domain.import_terms import Column, DateOrder, ImportRefused, Refusal
from campaigns.models import Clinic, Import, ImportRow, Staff
from campaigns.queries import clock, sequence_files
from campaigns.services.record import record

KEPT = timedelta(days=30)
"""How long the rows of a file can be read, and an import be undone."""
SHOWN = 3
"""Examples of a column."""
_DATES = (Column.VISIT_DATE, Column.CONSENT_DATE)
_MAY = frozenset({Staff.Role.COORDINATOR, Staff.Role.CLINICIAN, Staff.Role.ADMINISTRATOR})


def may(staff: Staff) -> bool:
    """Whether somebody may take files of patients in, and see them."""
    return staff.is_active and staff.role in _MAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What staff say of a file. `order` and `language` are empty where nothing has to be said; `version` is
    that of the import as the page showed it."""

    columns: Columns
    order: str = ""
    language: str = ""
    sequences: Sequence[str] = ()
    version: int


@transaction.atomic
def take(clinic: Clinic, data: bytes, *, name: str, source: str, by: str) -> Import:
    """Store a file row by row, sealed, with a guess at its columns. Raises ImportRefused."""
    source = " ".join(source.split())[:40]
    if not source:
        raise ImportRefused(Refusal.NO_SOURCE)
    is_calendar = name.lower().endswith(".ics") or b"BEGIN:VCALENDAR" in data[:200].upper()
    table = read_calendar(data) if is_calendar else read_table(data)
    now = clock.now()
    taken = Import.objects.create(
        clinic=clinic,
        kind=Import.Kind.CALENDAR if is_calendar else Import.Kind.TABLE,
        source=source,
        file_name=name[-120:],
        encoding=table.encoding,
        header=json.dumps(table.header),
        columns=[] if is_calendar else _guessed(clinic, source, table),
        rows=len(table.rows),
        uploaded_at=now,
        uploaded_by=by,
    )
    ImportRow.objects.bulk_create(
        [ImportRow(of=taken, number=number, cells=json.dumps(cells)) for number, cells in table.rows],
        batch_size=1000,
    )
    detail = {"rows": taken.rows, "kind": str(taken.kind)}
    record("import_uploaded", f"import {taken.pk}", actor=by, now=now, detail=detail)
    return taken


def _guessed(clinic: Clinic, source: str, table: Table) -> list[str]:
    samples = [cells for _, cells in table.rows[:20]]
    return _stored(guess(table.header, samples, _remembered(clinic, source)))


def _remembered(clinic: Clinic, source: str) -> dict[str, str] | None:
    """What was said of the columns of this source's last file, by their names."""
    last = (
        Import.objects.filter(clinic=clinic, source__iexact=source, kind=Import.Kind.TABLE)
        .exclude(checked_at=None)
        .order_by("-uploaded_at")
        .first()
    )
    return dict(zip(map(fold, header(last)), last.columns, strict=True)) if last else None


def _stored(columns: Columns) -> list[str]:
    return [column.value if column else "" for column in columns]


def header(of: Import) -> list[str]:
    """The names of the columns, as they stand in the file."""
    return [str(name) for name in json.loads(of.header)]


def columns(of: Import) -> Columns:
    """What each column holds."""
    return tuple(Column(name) if name else None for name in of.columns)


def cells(row: ImportRow) -> list[str]:
    """A row as it stands in the file. Raises ImportRefused where it was erased."""
    if not row.cells:
        raise ImportRefused(Refusal.ERASED)
    return [str(cell) for cell in json.loads(row.cells)]


def examples(of: Import) -> list[list[str]]:
    """Up to three different values of each column, in the order of the columns."""
    first = of.lines.exclude(cells="").order_by("number")[:50]
    rows = [cells(row) for row in first]
    return [
        list(dict.fromkeys(row[place][:60] for row in rows if row[place]))[:SHOWN]
        for place in range(len(header(of)))
    ]


def asks_for_order(of: Import) -> bool:
    """Whether its dates could be read in two ways, so that somebody has to say how they are meant."""
    return must_ask(_dates(of))


def _dates(of: Import) -> list[str]:
    places = [place for place, column in enumerate(columns(of)) if column in _DATES]
    if not places:
        return []
    return [cells(row)[place] for row in of.lines.exclude(cells="") for place in places]


def locked(import_id: UUID) -> Import:
    """The import, held so that nobody else works on it. Call inside a transaction."""
    rows = Import.objects.select_for_update(of=("self",), no_key=True).select_related("clinic")
    return rows.get(pk=import_id)


@transaction.atomic
def say(import_id: UUID, said: Said, *, by: str) -> Import:
    """What the columns hold and what is to be sent: the dry run begins. Raises ImportRefused."""
    of = locked(import_id)
    if of.version != said.version or of.state not in {Import.State.UPLOADED, Import.State.CHECKED}:
        raise ImportRefused(Refusal.STALE)
    if of.kind == Import.Kind.TABLE:
        _check_columns(of, said)
    _check_sequences(said.sequences)
    of.sequences, of.language = list(dict.fromkeys(said.sequences)), said.language
    _begin(of)
    record("import_checked", f"import {of.pk}", actor=by, now=clock.now(), detail={"version": of.version})
    return of


def _check_columns(of: Import, said: Said) -> None:
    if len(said.columns) != len(of.columns):
        raise ImportRefused(Refusal.STALE)
    import_columns.check(said.columns)
    has_language = Column.LANGUAGE in said.columns or bool(said.language)
    if import_columns.brings_consent(said.columns) and not has_language:
        raise ImportRefused(Refusal.NEEDS_LANGUAGE)
    of.columns = _stored(said.columns)
    dates = _dates(of)
    if must_ask(dates) and not said.order:
        raise ImportRefused(Refusal.NEEDS_DATE_ORDER)
    of.date_order = DateOrder(said.order).value if said.order else (only_order(dates) or "")


def _check_sequences(keys: Sequence[str]) -> None:
    if not keys:
        raise ImportRefused(Refusal.NEEDS_SEQUENCE)
    for key in keys:
        sequence_files.load(key)


def _begin(of: Import) -> None:
    """From the first row on, with the answers that were given before."""
    of.lines.update(state=ImportRow.State.NEW, effects=None, doing="")
    of.state, of.checked_at, of.counts = Import.State.CHECKING, None, {}
    of.version += 1
    of.save()


@transaction.atomic
def check_again(import_id: UUID, *, version: int) -> Import:
    """The dry run once more, by what is known of the patients now. Raises ImportRefused."""
    of = locked(import_id)
    if of.version != version or of.state != Import.State.CHECKED:
        raise ImportRefused(Refusal.STALE)
    _begin(of)
    return of


@transaction.atomic
def discard(import_id: UUID, *, by: str) -> None:
    """Throw a file away that nothing was taken from. Raises ImportRefused for another one."""
    of = locked(import_id)
    if of.state not in {Import.State.UPLOADED, Import.State.CHECKED, Import.State.CHECKING}:
        raise ImportRefused(Refusal.STALE)
    of.state = Import.State.DISCARDED
    of.save(update_fields=["state"])
    _erase(of)
    record("import_discarded", f"import {of.pk}", actor=by, now=clock.now())


def erase_old() -> int:
    """Empty the rows of files that are older than `KEPT`; how many files. What they led to stays."""
    now = clock.now()
    old = Import.objects.filter(erased_at=None, uploaded_at__lt=now - KEPT)
    settled = old.exclude(state__in=[Import.State.APPLYING, Import.State.UNDOING])
    done = 0
    for of in settled.order_by("uploaded_at")[:20]:
        with transaction.atomic():
            _erase(locked(of.pk))
        done += 1
    return done


def _erase(of: Import) -> None:
    of.lines.update(cells="", problems="", before="")
    of.erased_at, of.file_name = clock.now(), ""
    of.save(update_fields=["erased_at", "file_name"])


def rules_of(of: Import) -> Rules:
    """How the rows of this file are read, today."""
    zone = ZoneInfo(of.clinic.time_zone)
    names, held = header(of), columns(of)
    return Rules(
        columns=held,
        order=DateOrder(of.date_order) if of.date_order else None,
        zone=zone,
        today=clock.now().astimezone(zone).date(),
        language=of.language,
        home_phones=any(
            column is Column.PHONE and import_columns.is_home(name)
            for name, column in zip(names, held, strict=False)
        ),
        width=len(names),
    )
