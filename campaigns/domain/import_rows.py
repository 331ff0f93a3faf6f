"""One row of a file as a person and a visit, or all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import TypeVar
from zoneinfo import ZoneInfo

import phonenumbers

from campaigns.domain.errors import InvalidAddress
from campaigns.domain.import_cells import (
    Unreadable,
    about_clocks,
    fold,
    read_date,
    read_kind,
    read_language,
    read_start,
    read_status,
    read_time,
    read_yes,
)
from campaigns.domain.import_columns import Columns, brings_consent
from campaigns.domain.import_terms import (
    Column,
    DateOrder,
    Fault,
    ImportedVisit,
    Person,
    Problem,
    ReadRow,
    Status,
)
from campaigns.domain.recipients import normalise_email, normalise_phone
from campaigns.domain.visits import VisitKind

LONGEST_NAME = 80
LONGEST_EVIDENCE = 180

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the rows of one file are read. `today` is the clinic's date; `language` stands in for an empty
    cell where staff said so; `home_phones`: the column's name says that its numbers are landlines."""

    columns: Columns
    order: DateOrder | None
    zone: ZoneInfo
    today: date
    language: str = ""
    home_phones: bool = False
    width: int = 0

    @property
    def needs_consent(self) -> bool:
        """Whether the file holds who agreed."""
        return brings_consent(self.columns)


@dataclass(slots=True)
class _Reading:
    """One row on its way."""

    cells: Mapping[Column, str]
    rules: Rules
    problems: list[Problem] = field(default_factory=list)

    def of(self, column: Column) -> str:
        """The cell of a column, empty where the file has none."""
        return self.cells.get(column, "")

    def fault(self, fault: Fault, said: str = "") -> None:
        """Note one problem."""
        self.problems.append(Problem(fault, said))

    def take(self, column: Column, reader: Callable[[str], Value], otherwise: Value) -> Value:
        """What a reader makes of a cell; `otherwise` where it is empty or cannot be read."""
        text = self.of(column)
        if not text:
            return otherwise
        try:
            return reader(text)
        except Unreadable as error:
            self.problems.append(error.problem)
        return otherwise


def read(cells: Sequence[str], rules: Rules) -> ReadRow:
    """The row. Never raises: what cannot be read is among its problems, everything at once."""
    named = {column: cells[place] for place, column in enumerate(rules.columns) if column}
    reading = _Reading(named, rules)
    if rules.width and len(cells) > rules.width:
        reading.fault(Fault.TOO_MANY_CELLS)
    person = _person(reading)
    visit = _visit(reading)
    return ReadRow(person=person, visit=visit, problems=tuple(dict.fromkeys(reading.problems)))


def _person(reading: _Reading) -> Person:
    given, family = _names(reading)
    if max(len(given), len(family)) > LONGEST_NAME:
        reading.fault(Fault.NAME_TOO_LONG)
    person = Person(
        external_id=reading.of(Column.PATIENT_ID)[:200],
        given_name=given,
        family_name=family,
        language=reading.take(Column.LANGUAGE, read_language, reading.rules.language),
        phone=_address(reading, Column.PHONE, normalise_phone, Fault.BAD_PHONE),
        email=_address(reading, Column.EMAIL, normalise_email, Fault.BAD_EMAIL),
    )
    if person.phone and (reading.rules.home_phones or is_landline(person.phone)):
        reading.fault(Fault.LANDLINE)
    return _with_consent(reading, person)


def _names(reading: _Reading) -> tuple[str, str]:
    given, family = reading.of(Column.GIVEN_NAME), reading.of(Column.FAMILY_NAME)
    if given or not (full := reading.of(Column.FULL_NAME)):
        return (given, family) if given else (family, "")
    last, comma, first = full.partition(",")
    if comma and first.strip():
        return first.strip(), last.strip()
    first, _, last = full.rpartition(" ")
    return (first.strip(), last) if first.strip() else (last, "")


def _address(reading: _Reading, column: Column, normalise: Callable[[str], str], fault: Fault) -> str:
    text = reading.of(column).removeprefix("'")
    if not text:
        return ""
    try:
        return normalise(text)
    except InvalidAddress as error:
        reading.fault(fault, str(error))
        return ""


def is_landline(e164: str) -> bool:
    """Whether a number is a landline for sure. In North America no number says so: there it never is."""
    kind = phonenumbers.number_type(phonenumbers.parse(e164))
    return bool(kind == phonenumbers.PhoneNumberType.FIXED_LINE)


def _with_consent(reading: _Reading, person: Person) -> Person:
    """Who agreed, and how and when: in the words of the file. A yes without proof is an error, no guess."""
    if not reading.rules.needs_consent:
        return person
    by_text = reading.take(Column.CONSENT_SMS, read_yes, False)
    by_mail = reading.take(Column.CONSENT_EMAIL, read_yes, False)
    given_on = reading.take(Column.CONSENT_DATE, lambda text: read_date(text, reading.rules.order), None)
    how = reading.of(Column.CONSENT_EVIDENCE)
    if not (by_text or by_mail):
        return person
    if not how:
        reading.fault(Fault.NO_EVIDENCE)
    if len(how) > LONGEST_EVIDENCE:
        reading.fault(Fault.EVIDENCE_TOO_LONG)
    if not reading.of(Column.CONSENT_DATE):
        reading.fault(Fault.NO_CONSENT_DATE)
    elif given_on and given_on > reading.rules.today:
        reading.fault(Fault.CONSENT_IN_FUTURE, given_on.isoformat())
    if (by_text and not reading.of(Column.PHONE)) or (by_mail and not reading.of(Column.EMAIL)):
        reading.fault(Fault.AGREED_WITHOUT_ADDRESS)
    words = f"{how} ({given_on.isoformat()})" if given_on else how
    return replace(person, consent_sms=by_text, consent_email=by_mail, evidence=words)


def _visit(reading: _Reading) -> ImportedVisit | None:
    if not reading.of(Column.VISIT_DATE):
        return None
    on_date, at_time = _start(reading)
    status = reading.take(Column.VISIT_STATUS, read_status, Status.BOOKED)
    if on_date is None or at_time is None:
        return None
    if odd := about_clocks(on_date, at_time, reading.rules.zone):
        reading.problems.append(odd)
    return ImportedVisit(
        external_id=reading.of(Column.VISIT_ID)[:200],
        on_date=on_date,
        at_time=at_time,
        kind=reading.take(Column.VISIT_KIND, read_kind, VisitKind.SESSION),
        status=status,
    )


def _start(reading: _Reading) -> tuple[date | None, time | None]:
    rules = reading.rules
    nothing: tuple[date | None, time | None] = None, None
    start = reading.take(Column.VISIT_DATE, lambda text: read_start(text, rules.order, rules.zone), nothing)
    on_date, with_date = start
    at_time = reading.take(Column.VISIT_TIME, read_time, with_date)
    if on_date and at_time is None and not reading.of(Column.VISIT_TIME):
        reading.fault(Fault.NO_TIME)
    return on_date, at_time


def faults_of_newcomer(person: Person, *, brings_consent: bool) -> tuple[Problem, ...]:
    """What a row lacks for a patient to be made of it; nothing of this matters for one who is known."""
    lacks = {
        Fault.NO_CONSENT_COLUMN: not brings_consent,
        Fault.NO_NAME: not person.given_name,
        Fault.NO_ADDRESS: not (person.phone or person.email),
        Fault.NO_LANGUAGE: not person.language,
    }
    return tuple(Problem(fault) for fault, is_so in lacks.items() if is_so)


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same but for case, accents and signs."""
    return bool(fold(one)) and sorted(fold(one).split()) == sorted(fold(other).split())
