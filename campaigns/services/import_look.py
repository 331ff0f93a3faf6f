"""The first half of a dry run: read every row, find whom and what it is about, decide what it would do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.domain.import_columns import brings_consent, has_visits
from campaigns.domain.import_events import read_event
from campaigns.domain.import_rows import faults_of_newcomer, read
from campaigns.domain.import_terms import Doing, Fault, ImportedVisit, Person, Problem, Status
from campaigns.domain.recipients import Channel
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import VisitState
from campaigns.models import ContactPoint, Import, ImportRow, Patient, Visit
from campaigns.queries import clock
from campaigns.services import import_files
from campaigns.services.import_people import (
    Group,
    Known,
    Line,
    Names,
    grouped,
    know,
    know_visits,
    person_key,
    settle,
    settle_event,
    visit_key,
)
from campaigns.services.visits import FARTHEST

_DOING = {Status.COMPLETED: Doing.COMPLETE, Status.NO_SHOW: Doing.NO_SHOW, Status.CANCELLED: Doing.CANCEL}
_STATE = {
    Status.COMPLETED: VisitState.COMPLETED,
    Status.NO_SHOW: VisitState.NO_SHOW,
    Status.CANCELLED: VisitState.CANCELLED,
}
AT_ONCE = 500
"""Rows that one statement writes."""


@dataclass(slots=True)
class Look:
    """One look at a file: the import, what is known, the clock, and what is shared by its rows."""

    of: Import
    known: Known
    now: datetime
    zone: ZoneInfo
    is_calendar: bool
    makes_patients: bool
    is_about_visits: bool
    phones: Counter[str]


def look(of: Import) -> None:
    """Read every row that was not looked at and write down what it would do. Call inside a transaction that
    holds the import."""
    lines = _lines(of)
    columns = import_files.columns(of)
    looking = Look(
        of=of,
        known=know(of, lines),
        now=clock.now(),
        zone=ZoneInfo(of.clinic.time_zone),
        is_calendar=of.kind == Import.Kind.CALENDAR,
        makes_patients=brings_consent(columns),
        is_about_visits=has_visits(columns),
        phones=Counter(phone for phone, _ in {(line.read.person.phone, line.row.person) for line in lines}),
    )
    groups = [Group([line]) for line in lines] if looking.is_calendar else grouped(lines)
    matched = _settle(groups, looking)
    know_visits(looking.known, groups)
    _mark_repeats(lines, is_calendar=looking.is_calendar)
    for group in groups:
        _decide(group, looking)
    for place, name in matched.items():
        _add(groups[place].lines[0], Problem(Fault.MATCHED, name))
    _write([line.row for line in lines])


def _lines(of: Import) -> list[Line]:
    zone = ZoneInfo(of.clinic.time_zone)
    is_calendar = of.kind == Import.Kind.CALENDAR
    rules = import_files.rules_of(of)
    lines = []
    for row in of.lines.select_related("patient").order_by("number"):
        cells = import_files.cells(row)
        found = read_event(cells, zone) if is_calendar else read(cells, rules)
        row.person = "" if is_calendar else person_key(found.person)
        row.visit_key = visit_key(found.visit, row.person) if found.visit else ""
        row.sequence = found.visit.sequence if found.visit else 0
        row.state, row.doing, row.visit, row.effects, row.before = ImportRow.State.NEW, "", None, None, ""
        _note(row, found.problems)
        lines.append(Line(row, found))
    return lines


def _settle(groups: Sequence[Group], looking: Look) -> dict[int, str]:
    """Whose the rows are; the events that were matched by what stands in them: place -> name."""
    names, matched = Names(looking.of), {}
    for place, group in enumerate(groups):
        if not looking.is_calendar:
            settle(group, looking.known)
        elif name := settle_event(group, looking.known, names):
            matched[place] = name
    return matched


def _note(row: ImportRow, problems: Sequence[Problem]) -> None:
    row.problems = json.dumps([(one.fault.value, one.said) for one in problems]) if problems else ""


def problems_of(row: ImportRow) -> list[Problem]:
    """What was found about a row."""
    listed = json.loads(row.problems) if row.problems else []
    return [Problem(Fault(fault), said) for fault, said in listed]


def _add(line: Line, *problems: Problem) -> None:
    found = list(dict.fromkeys([*problems_of(line.row), *problems]))
    _note(line.row, found)
    if any(problem.is_error for problem in found):
        line.row.state, line.row.doing = ImportRow.State.WRONG, ""


# --- what the rows of one person would do


def _decide(group: Group, looking: Look) -> None:
    for line in group.lines:
        line.row.patient = group.patient or group.candidate
        if line.read.is_wrong:
            line.row.state = ImportRow.State.WRONG
    if looking.is_calendar and group.asks and not _is_ahead(group.lines[0], looking):
        group.asks = False
    if group.lines[0].row.choice == ImportRow.Choice.LEAVE_OUT:
        _all(group, ImportRow.State.LEFT_OUT)
    elif group.asks and any(not line.read.is_wrong for line in group.lines):
        _all(group, ImportRow.State.ASKED)
    elif group.patient is not None:
        _decide_known(group, group.patient, looking)
    else:
        _decide_new(group, looking)


def _is_ahead(line: Line, looking: Look) -> bool:
    """Whether there is something to ask about: what is over or called off, and never known here, is not."""
    said = line.visit
    if said is None or said.status is not Status.BOOKED:
        return False
    return to_instant(said.on_date, said.at_time, looking.zone) > looking.now


def _all(group: Group, state: str) -> None:
    for line in group.lines:
        if line.row.state == ImportRow.State.NEW:
            line.row.state = state


def _open(group: Group) -> Iterator[Line]:
    return (line for line in group.lines if line.row.state == ImportRow.State.NEW)


def _decide_known(group: Group, patient: Patient, looking: Look) -> None:
    if patient.status not in Patient.IN_CARE or patient.forgotten_at:
        for line in group.lines:
            _add(line, Problem(Fault.NOT_IN_CARE))
        return
    for line in list(_open(group)):
        if not looking.is_calendar:
            _compare(line, patient, looking.known)
        if line.visit is None:
            line.row.state, line.row.doing = ImportRow.State.NOTHING, Doing.NOTHING
        else:
            _decide_visit(line, line.visit, patient, looking)


def _compare(line: Line, patient: Patient, known: Known) -> None:
    """What the file says of somebody whom we know changes nothing about them: it is only shown."""
    person = line.read.person
    ours = {point.channel: point.address_index for point in known.points.get(patient.pk, [])}
    told = {Channel.SMS.value: person.phone, Channel.EMAIL.value: person.email}
    differing = [c for c, address in told.items() if address and ours.get(c) != known.index(address)]
    if person.language and person.language != patient.language:
        differing.append("language")
    if differing:
        _add(line, Problem(Fault.DIFFERS, " ".join(differing)))


def _decide_visit(line: Line, said: ImportedVisit, patient: Patient, looking: Look) -> None:
    row, key = line.row, looking.known.visit_keys.get(line.row.visit_key)
    if key is not None and key.patient_id != patient.pk:
        _add(line, Problem(Fault.OF_ANOTHER_PATIENT))
        return
    if key is not None and looking.is_calendar and said.sequence < key.sequence:
        row.state, row.doing = ImportRow.State.NOTHING, Doing.NOTHING
        _add(line, Problem(Fault.OLDER))
        return
    visit = key.visit if key is not None else _at(said, looking.known.visits.get(patient.pk, []))
    if visit is None:
        _decide_new_visit(line, said, looking)
    else:
        row.visit = visit
        row.before = json.dumps(stand(visit))
        _decide_known_visit(line, said, visit, looking)


def _at(said: ImportedVisit, visits: Sequence[Visit]) -> Visit | None:
    """A visit that was written down by hand for the same time is this one."""
    return next((v for v in visits if (v.on_date, v.at_time) == (said.on_date, said.at_time)), None)


def stand(visit: Visit) -> list[str | int]:
    """How a visit stands, to see whether it has changed since and to go back to."""
    return [visit.on_date.isoformat(), visit.at_time.isoformat(), visit.state, visit.version]


def _decide_new_visit(line: Line, said: ImportedVisit, looking: Look) -> None:
    if said.status is not Status.BOOKED:
        line.row.state, line.row.doing = ImportRow.State.NOTHING, Doing.NOTHING
        _add(line, Problem(Fault.OVER_BEFORE))
        return
    line.row.state, line.row.doing = ImportRow.State.READY, Doing.NEW_VISIT
    _check_ahead(line, said, looking)


def _check_ahead(line: Line, said: ImportedVisit, looking: Look) -> None:
    starts = to_instant(said.on_date, said.at_time, looking.zone)
    if starts <= looking.now:
        _add(line, Problem(Fault.PASSED))
    elif starts > looking.now + FARTHEST:
        _add(line, Problem(Fault.TOO_FAR))


def _decide_known_visit(line: Line, said: ImportedVisit, visit: Visit, looking: Look) -> None:
    row = line.row
    row.state, row.doing = ImportRow.State.NOTHING, Doing.NOTHING
    is_same_time = (visit.on_date, visit.at_time) == (said.on_date, said.at_time)
    if said.status is Status.BOOKED:
        if is_same_time and visit.state != VisitState.CANCELLED:
            return
        if visit.state in {VisitState.COMPLETED, VisitState.NO_SHOW}:
            _add(line, Problem(Fault.IS_OVER))
            return
        row.state, row.doing = ImportRow.State.READY, Doing.MOVE
        _check_ahead(line, said, looking)
    elif visit.state != _STATE[said.status]:
        _decide_settling(line, said, visit, looking)


def _decide_settling(line: Line, said: ImportedVisit, visit: Visit, looking: Look) -> None:
    may_be = visit.state == VisitState.BOOKED or (
        visit.state == VisitState.NO_SHOW and said.status is Status.COMPLETED
    )
    starts = to_instant(said.on_date, said.at_time, looking.zone)
    if not may_be:
        _add(line, Problem(Fault.IS_OVER))
    elif said.status is not Status.CANCELLED and starts > looking.now + timedelta(hours=12):
        _add(line, Problem(Fault.NOT_YET))
    else:
        line.row.state, line.row.doing = ImportRow.State.READY, _DOING[said.status]


# --- somebody new


def _decide_new(group: Group, looking: Look) -> None:
    if looking.is_calendar:
        # Events make no patients. One that was called off and never known here is nothing to ask about.
        for line in _open(group):
            line.row.state, line.row.doing = ImportRow.State.NOTHING, Doing.NOTHING
        return
    for line in list(_open(group)):
        faults = faults_of_newcomer(line.read.person, brings_consent=looking.makes_patients)
        _add(line, *faults, *_about_addresses(line.read.person, looking))
    first = next(_open(group), None)
    if first is None:
        return
    for line in list(_open(group)):
        if _differs(first.read.person, line.read.person):
            _add(line, Problem(Fault.SAYS_TWO_THINGS, str(first.row.number)))
        elif line.visit is None:
            line.row.state, line.row.doing = ImportRow.State.NOTHING, Doing.NOTHING
        else:
            _decide_new_visit(line, line.visit, looking)
    _make(group, first, looking)


def _differs(one: Person, other: Person) -> bool:
    """Whether two rows say different things of one person, so that nobody knows which is right."""
    said = ((p.phone, p.email, p.language, p.consent_sms, p.consent_email) for p in (one, other))
    return next(said) != next(said)


def _make(group: Group, first: Line, looking: Look) -> None:
    """Of the rows with something ahead the first makes the patient. Who has nothing ahead is not written to:
    a file of last year's visits would else greet everybody who ever came."""
    ready = [line for line in group.lines if line.row.state == ImportRow.State.READY]
    if ready:
        ready[0].row.doing = Doing.NEW_PATIENT
    elif not looking.is_about_visits:
        first.row.state, first.row.doing = ImportRow.State.READY, Doing.NEW_PATIENT
    elif any(line.row.state == ImportRow.State.NOTHING for line in group.lines):
        _add(first, Problem(Fault.NO_VISIT_AHEAD))


def _about_addresses(person: Person, looking: Look) -> Iterator[Problem]:
    known = looking.known
    others = {point.patient_id for point in known.owners.get(known.index(person.phone), [])}
    if person.phone and (others or looking.phones[person.phone] > 1):
        yield Problem(Fault.SHARED_PHONE)
    if person.email and known.owners.get(known.index(person.email)):
        yield Problem(Fault.SHARED_EMAIL)
    for channel, address in ((Channel.SMS, person.phone), (Channel.EMAIL, person.email)):
        if address and (known.index(address), channel.value) in known.stopped:
            yield Problem(Fault.OPTED_OUT, channel.value)
    points = known.owners.get(known.index(person.phone), []) if person.phone else []
    if any(point.state == ContactPoint.State.LANDLINE for point in points):
        yield Problem(Fault.LANDLINE)
    if not (person.consent_sms or person.consent_email):
        yield Problem(Fault.NO_CONSENT)


def _mark_repeats(lines: Sequence[Line], *, is_calendar: bool) -> None:
    """One visit twice in a file: the same again changes nothing, and another thing is an error. Of a calendar
    the newest counts: one that was called off and booked again comes with both."""
    first: dict[str, Line] = {}
    newest_first = sorted(lines, key=lambda line: -line.row.sequence) if is_calendar else lines
    for line in newest_first:
        if not line.row.visit_key or line.read.is_wrong:
            continue
        before = first.setdefault(line.row.visit_key, line)
        if before is line:
            continue
        if before.visit == line.visit or line.row.sequence < before.row.sequence:
            line.row.state, line.row.doing = ImportRow.State.NOTHING, Doing.NOTHING
        else:
            _add(line, Problem(Fault.TWICE_IN_FILE, str(before.row.number)))


def _write(rows: Sequence[ImportRow]) -> None:
    fields = ["problems", "before", "person", "visit_key", "sequence", "state", "doing", "effects"]
    ImportRow.objects.bulk_create(
        rows,
        batch_size=AT_ONCE,
        update_conflicts=True,
        unique_fields=["of", "number"],
        update_fields=[*fields, "patient", "visit"],
    )
