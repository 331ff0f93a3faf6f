"""Whom the rows of a file are about, and which visits of theirs we have: read once for the whole file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from campaigns.domain.import_cells import fold
from campaigns.domain.import_rows import same_name
from campaigns.domain.import_terms import ImportedVisit, Person, ReadRow
from campaigns.models import (
    ContactPoint,
    Course,
    Import,
    ImportedKey,
    ImportRow,
    Message,
    Patient,
    Suppression,
    Visit,
)
from campaigns.models.encryption import blind_index

LONGEST_NAME_IN_EVENT = 4
"""Words of a name, as it may stand in the title of an event."""

Item = TypeVar("Item")
Key = TypeVar("Key")


@dataclass(slots=True)
class Line:
    """One row with what was read of it."""

    row: ImportRow
    read: ReadRow

    @property
    def visit(self) -> ImportedVisit | None:
        """What it says of a visit."""
        return self.read.visit


@dataclass(slots=True)
class Group:
    """The rows about one person. `patient` is who is known for sure, `candidate` who may be meant: then
    somebody is asked."""

    lines: list[Line]
    patient: Patient | None = None
    candidate: Patient | None = None
    asks: bool = False

    @property
    def key(self) -> str:
        """The keyed hash of the person, as the source calls them."""
        return self.lines[0].row.person


@dataclass(slots=True)
class Known:
    """What the database knows of those in a file. Addresses are by their keyed hash."""

    keys: dict[str, ImportedKey] = field(default_factory=dict)
    visit_keys: dict[str, ImportedKey] = field(default_factory=dict)
    owners: dict[str, list[ContactPoint]] = field(default_factory=dict)
    stopped: set[tuple[str, str]] = field(default_factory=set)
    points: dict[UUID, list[ContactPoint]] = field(default_factory=dict)
    visits: dict[UUID, list[Visit]] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)

    def index(self, address: str) -> str:
        """The keyed hash of an address, worked out once."""
        found = self.indexes.get(address)
        if found is None:
            found = self.indexes[address] = blind_index(address)
        return found

    def named(self, person: Person) -> list[Patient]:
        """The patients with this number or address and this name."""
        found = {
            point.patient_id: point.patient
            for address in (person.phone, person.email)
            if address
            for point in self.owners.get(self.index(address), [])
            if same_name(point.patient.full_name, person.full_name)
        }
        return list(found.values())

    def with_address(self, address: str) -> list[Patient]:
        """The patients with this number or address."""
        points = self.owners.get(self.index(address), []) if address else []
        return list({point.patient_id: point.patient for point in points}.values())


def person_key(person: Person) -> str:
    """By which rows are one person's: the source's own number, else address and name together."""
    if person.external_id:
        return blind_index(f"id\x1f{person.external_id}")
    address = person.phone or person.email
    return blind_index(f"person\x1f{address}\x1f{fold(person.full_name)}") if address else ""


def visit_key(visit: ImportedVisit, person: str) -> str:
    """What a source calls a visit: its own number, else whose it is and when."""
    if visit.external_id:
        return blind_index(f"visit\x1f{visit.external_id}")
    return blind_index(f"visit\x1f{person}\x1f{visit.on_date}\x1f{visit.at_time}")


def know(of: Import, lines: Sequence[Line]) -> Known:
    """All that the database knows of the people and visits in a file. As many queries for ten thousand rows
    as for one."""
    known = Known()
    known.keys = _keys(of, ImportedKey.Kind.PATIENT, {line.row.person for line in lines})
    known.visit_keys = _keys(of, ImportedKey.Kind.VISIT, {line.row.visit_key for line in lines})
    people = [line.read.person for line in lines]
    wanted = {known.index(a) for person in people for a in (person.phone, person.email) if a}
    points = ContactPoint.objects.filter(address_index__in=wanted, patient__clinic=of.clinic)
    known.owners = _by(points.select_related("patient"), lambda point: point.address_index)
    stopped = Suppression.objects.filter(address_index__in=wanted, lifted_at=None)
    known.stopped = set(stopped.values_list("address_index", "channel"))
    return known


def know_visits(known: Known, groups: Iterable[Group]) -> None:
    """The visits and addresses of those who are known, once it is clear who they are."""
    patients = {group.patient.pk for group in groups if group.patient}
    visits = Visit.objects.filter(course__patient__in=patients).select_related("course")
    known.visits = _by(visits.order_by("on_date", "at_time"), lambda visit: visit.course.patient_id)
    points = ContactPoint.objects.filter(patient__in=patients)
    known.points = _by(points, lambda point: point.patient_id)


def _keys(of: Import, kind: str, keys: set[str]) -> dict[str, ImportedKey]:
    rows = ImportedKey.objects.filter(clinic=of.clinic, source=source_key(of), kind=kind, key__in=keys - {""})
    return {row.key: row for row in rows.select_related("patient", "visit__course")}


def source_key(of: Import) -> str:
    """The name of a source as keys have it: the same however it is typed."""
    return fold(of.source)[:40] or of.source.casefold()


def _by(rows: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    found: dict[Key, list[Item]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def grouped(lines: Sequence[Line]) -> list[Group]:
    """The rows by person, in the order of the file. A row that names nobody stands alone."""
    found: dict[str, Group] = {}
    for line in lines:
        key = line.row.person or f"row {line.row.number}"
        found.setdefault(key, Group([])).lines.append(line)
    return list(found.values())


def settle(group: Group, known: Known) -> None:
    """Who the rows of a table are about: by the source's number, else by what somebody has answered, else
    somebody with the same address and name is only asked about."""
    row = group.lines[0].row
    key = known.keys.get(group.key)
    if key is not None:
        group.patient = key.patient
    elif row.choice == ImportRow.Choice.SAME:
        group.patient = row.patient
    elif not row.choice:
        named = known.named(group.lines[0].read.person)
        group.candidate = named[0] if named else None
        group.asks = bool(named)


class Names:
    """The patients of a clinic by name, for titles of events. Names are sealed: all of them are opened, once
    and only where an address did not tell."""

    def __init__(self, of: Import) -> None:
        self._clinic = of.clinic
        self._found: dict[str, list[Patient]] | None = None

    def in_title(self, title: str) -> list[Patient]:
        """The patients whose whole name stands in a title."""
        if self._found is None:
            everybody = Patient.objects.filter(clinic=self._clinic, forgotten_at=None)
            self._found = {}
            for patient in everybody.iterator(chunk_size=2000):
                self._found.setdefault(_sorted(patient.full_name), []).append(patient)
        words = fold(title).split()
        found: dict[UUID, Patient] = {}
        for size in range(2, LONGEST_NAME_IN_EVENT + 1):
            for start in range(len(words) - size + 1):
                for patient in self._found.get(" ".join(sorted(words[start : start + size])), []):
                    found[patient.pk] = patient
        return list(found.values())


def _sorted(name: str) -> str:
    return " ".join(sorted(fold(name).split()))


def settle_event(group: Group, known: Known, names: Names) -> str:
    """Whose an event is: as it was said before, else by the address, number or name in it where that fits one
    patient alone; by what it was matched. Else somebody chooses."""
    line = group.lines[0]
    key = known.visit_keys.get(line.row.visit_key)
    if key is not None:
        group.patient = key.patient
        return ""
    if line.row.choice == ImportRow.Choice.SAME and line.row.patient:
        group.patient = line.row.patient
        return ""
    person = line.read.person
    for fitting in (known.with_address(person.email), known.with_address(person.phone)):
        if len(fitting) == 1:
            group.patient = fitting[0]
            return fitting[0].full_name
    by_name = names.in_title(person.given_name)
    if len(by_name) == 1:
        group.patient = by_name[0]
        return by_name[0].full_name
    group.asks = not line.row.choice
    return ""


def hold(patients: Collection[UUID]) -> None:
    """Lock several patients with all that a plan of theirs changes, before any of it is put on record: what
    hangs on the course first, then the patients, then what has not gone, as `forget` does. Call inside a
    transaction."""
    courses = Course.objects.select_for_update(no_key=True).filter(patient__in=patients)
    list(courses.order_by("pk").values_list("pk"))
    visits = Visit.objects.select_for_update(no_key=True).filter(course__patient__in=patients)
    list(visits.order_by("pk").values_list("pk"))
    held = Patient.objects.select_for_update(no_key=True).filter(pk__in=patients)
    list(held.order_by("pk").values_list("pk"))
    messages = Message.objects.select_for_update(no_key=True).filter(patient__in=patients)
    list(messages.order_by("pk").values_list("pk"))
    points = ContactPoint.objects.select_for_update().filter(patient__in=patients)
    list(points.order_by("pk").values_list("pk"))
