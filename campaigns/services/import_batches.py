"""Some rows of an import at a time: what they would change (rolled back), and the change itself.

Both are the same act, so that a dry run cannot promise anything else than what is done.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, Exists, OuterRef

from campaigns.domain.errors import CampaignsError
from campaigns.domain.import_events import read_event
from campaigns.domain.import_rows import Rules, read
from campaigns.domain.import_terms import Doing, Fault, ImportedVisit, Problem, ReadRow
from campaigns.domain.lifecycle import State
from campaigns.domain.visits import VisitState
from campaigns.models import (
    ContactPoint,
    Course,
    Import,
    ImportedKey,
    ImportRow,
    Message,
    Suppression,
    Visit,
)
from campaigns.queries import clock
from campaigns.services import courses, import_files, visits
from campaigns.services.enroll import Application, NewVisit
from campaigns.services.enroll_many import Added, add_each, agreed_to, put_on_record
from campaigns.services.import_look import problems_of, stand
from campaigns.services.import_people import hold, source_key
from campaigns.services.plan import Changes, replan_many

log = logging.getLogger(__name__)

TOGETHER = 50
"""Rows that one transaction begins with; all rows of the same people come with them."""
_SETTLED = {
    Doing.COMPLETE: VisitState.COMPLETED,
    Doing.NO_SHOW: VisitState.NO_SHOW,
    Doing.CANCEL: VisitState.CANCELLED,
}


class ChangedSince(CampaignsError):
    """What this row is about has changed since the check."""


@dataclass(slots=True)
class Batch:
    """Some rows of an import, with all that belong to the same people. `counts` are by row."""

    of: Import
    rows: list[ImportRow]
    by: str
    now: datetime
    read: dict[int, ReadRow] = field(default_factory=dict)
    counts: dict[int, dict[str, int]] = field(default_factory=dict)
    added: list[Added] = field(default_factory=list)


def next_rows(of: Import, *, looked_ahead: bool) -> list[ImportRow]:
    """The next rows to take: `TOGETHER` of them and what belongs to the same people. `looked_ahead` says
    whether those are wanted whose effects are known, or those whose are not."""
    ready = of.lines.filter(state=ImportRow.State.READY)
    wanted = ready if looked_ahead else ready.filter(effects__isnull=True)
    first = list(wanted.order_by("number")[:TOGETHER])
    people = {row.person for row in first if row.person}
    held = {row.pk for row in first}
    others = ready.filter(person__in=people).exclude(pk__in=held) if people else ready.none()
    return sorted([*first, *others], key=lambda row: row.number)


def batch(of: Import, rows: list[ImportRow], *, by: str) -> Batch:
    """These rows, read again from their cells."""
    zone = ZoneInfo(of.clinic.time_zone)
    rules = import_files.rules_of(of)
    found = Batch(of=of, rows=rows, by=by, now=clock.now())
    found.read = {row.number: _read(of, row, rules, zone) for row in rows}
    return found


def _read(of: Import, row: ImportRow, rules: Rules, zone: ZoneInfo) -> ReadRow:
    cells = import_files.cells(row)
    return read_event(cells, zone) if of.kind == Import.Kind.CALENDAR else read(cells, rules)


def rehearse(of: Import, rows: list[ImportRow], *, by: str) -> None:
    """Write down beside each row what it would change. What cannot be done is wrong from now on."""
    trial = batch(of, rows, by=by)
    wrong = _together(trial, is_trial=True)
    for row in rows:
        row.effects = trial.counts.get(row.number, {})
        _judge(row, wrong.get(row.number))
    ImportRow.objects.bulk_update(rows, ["effects", "state", "doing", "problems"])


def carry_out(of: Import, rows: list[ImportRow], *, by: str) -> None:
    """Do what these rows say, and write down that it was done, in the caller's transaction."""
    act = batch(of, rows, by=by)
    wrong = _together(act, is_trial=False)
    for row in rows:
        row.effects = act.counts.get(row.number, row.effects)
        if row.number not in wrong:
            row.state = ImportRow.State.DONE
        _judge(row, wrong.get(row.number))
    ImportRow.objects.bulk_update(rows, ["effects", "state", "doing", "problems", "patient", "visit"])
    remember(of, [row for row in rows if row.state == ImportRow.State.DONE])
    _put_on_record(act)


def _put_on_record(act: Batch) -> None:
    if act.added:
        put_on_record(act.added, by=act.by, now=act.now, because=str(act.of.pk))


def _judge(row: ImportRow, problem: Problem | None) -> None:
    if problem is None:
        return
    row.state, row.doing, row.effects = ImportRow.State.WRONG, "", None
    found = [*problems_of(row), problem]
    row.problems = json.dumps([(one.fault.value, one.said) for one in found])


def _together(work: Batch, *, is_trial: bool) -> dict[int, Problem]:
    """Do all of it at once; where something is wrong, person by person, so that one stops no other. What was
    wrong, by row."""
    try:
        with transaction.atomic():
            _do(work, work.rows)
            transaction.set_rollback(is_trial)
        return {}
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # Whose fault it is shows when each is taken alone.
        work.counts, work.added = {}, []
    wrong: dict[int, Problem] = {}
    for rows in by_person(work.rows):
        problem = _alone(work, rows, is_trial=is_trial)
        wrong |= {row.number: problem for row in rows if problem}
    return wrong


def _alone(work: Batch, rows: Sequence[ImportRow], *, is_trial: bool) -> Problem | None:
    kept = len(work.added)
    try:
        with transaction.atomic():
            _do(work, rows)
            transaction.set_rollback(is_trial)
    except (OperationalError, InterfaceError):
        raise
    except ChangedSince:
        problem = Problem(Fault.CHANGED_SINCE)
    except CampaignsError as error:
        problem = Problem(Fault.REFUSED, str(error))
    except Exception as error:
        detail = {"import": str(work.of.pk), "row": rows[0].number, "why": type(error).__name__}
        log.error("a row cannot be imported", extra=detail)
        problem = Problem(Fault.FAILED)
    else:
        return None
    del work.added[kept:]
    for row in rows:
        work.counts.pop(row.number, None)
    return problem


def by_person(rows: Iterable[ImportRow]) -> list[list[ImportRow]]:
    """The rows of each person; one that names nobody stands alone."""
    found: dict[str, list[ImportRow]] = defaultdict(list)
    for row in rows:
        found[row.person or str(row.number)].append(row)
    return list(found.values())


def _do(work: Batch, rows: Sequence[ImportRow]) -> None:
    groups = by_person(rows)
    new = [group for group in groups if any(row.doing == Doing.NEW_PATIENT for row in group)]
    _check_new(work.of, new)
    hold({row.patient_id for row in rows if row.patient_id})
    if new:
        _make_patients(work, new)
    for group in groups:
        if group not in new:
            for row in group:
                _change_visit(work, row)


# --- new patients


def _check_new(of: Import, groups: Sequence[Sequence[ImportRow]]) -> None:
    """Somebody else may have brought the same person meanwhile."""
    people = [group[0].person for group in groups]
    rows = ImportedKey.objects.filter(clinic=of.clinic, source=source_key(of), key__in=people)
    if rows.filter(kind=ImportedKey.Kind.PATIENT).exists():
        raise ChangedSince


def _make_patients(work: Batch, groups: Sequence[Sequence[ImportRow]]) -> None:
    applications = [_application(work, group) for group in groups]
    added = add_each(work.of.clinic, applications, by=work.by, now=work.now)
    ids = [one.patient.pk for one in added]
    replan_many(ids, work.now)
    counted = _counted(added)
    for group, one in zip(groups, added, strict=True):
        booked = iter(one.visits)
        for row in group:
            row.patient = one.patient
            row.visit = next(booked) if work.read[row.number].visit else None
            work.counts[row.number] = {}
        maker = next(row for row in group if row.doing == Doing.NEW_PATIENT)
        work.counts[maker.number] = counted.get(one.patient.pk, {})
    work.added += added


def _application(work: Batch, group: Sequence[ImportRow]) -> Application:
    maker = next(row for row in group if row.doing == Doing.NEW_PATIENT)
    person = work.read[maker.number].person
    said = [work.read[row.number].visit for row in group]
    return Application(
        given_name=person.given_name,
        family_name=person.family_name,
        language=person.language,
        phone=person.phone,
        email=person.email,
        consent_sms=person.consent_sms,
        consent_email=person.consent_email,
        consent_evidence=person.evidence,
        visits=[_new_visit(visit) for visit in said if visit],
        sequences=work.of.sequences,
    )


def _new_visit(said: ImportedVisit) -> NewVisit:
    return NewVisit(kind=said.kind, on_date=said.on_date, at_time=said.at_time)


def _counted(added: Sequence[Added]) -> dict[UUID, dict[str, int]]:
    """What was planned for each new patient, and what would not go: also what the gates will stop, because
    the patient has not agreed to that channel or the address has opted out."""
    open_to = _open_channels(added)
    rows = Message.objects.filter(patient__in=[one.patient for one in added])
    rows = rows.filter(state__in=[State.PLANNED, State.SKIPPED])
    found: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    by_channel = rows.values_list("patient", "channel", "state").annotate(Count("pk"))
    for patient, channel, state, count in by_channel.order_by():
        goes = state == State.PLANNED and (patient, channel) in open_to
        found[patient]["planned" if goes else "skipped"] += count
    return {patient: dict(counts) for patient, counts in found.items()}


def _open_channels(added: Sequence[Added]) -> set[tuple[UUID, str]]:
    stopped = ContactPoint.objects.filter(patient__in=[one.patient for one in added])
    stops = Suppression.objects.filter(
        lifted_at=None, channel=OuterRef("channel"), address_index=OuterRef("address_index")
    )
    closed = set(stopped.filter(Exists(stops)).values_list("patient", "channel"))
    return {(one.patient.pk, channel.value) for one in added for channel in agreed_to(one)} - closed


# --- visits of those who are known


def _change_visit(work: Batch, row: ImportRow) -> None:
    said = work.read[row.number].visit
    if said is None or row.patient_id is None:
        raise ChangedSince
    if row.doing == Doing.NEW_VISIT:
        changes = _book(work, row, row.patient_id, said)
    else:
        changes = _change(work, row, said)
    names = ("planned", "retimed", "cancelled", "corrections", "skipped")
    work.counts[row.number] = {name: count for name in names if (count := getattr(changes, name))}


def _book(work: Batch, row: ImportRow, patient: UUID, said: ImportedVisit) -> Changes:
    """Into the course that is under way, or into a new one."""
    course = Course.objects.filter(patient=patient, state=Course.State.OPEN).order_by("-created_at").first()
    if course is None:
        opened, changes = courses.open_course(patient, [_new_visit(said)], work.of.sequences, by=work.by)
        row.visit = opened.visits.get()
    else:
        row.visit, changes = courses.book(course.pk, _new_visit(said), by=work.by)
    return changes


def _change(work: Batch, row: ImportRow, said: ImportedVisit) -> Changes:
    if row.visit_id is None:
        raise ChangedSince
    held = Visit.objects.select_for_update(no_key=True).get(pk=row.visit_id)
    if json.loads(row.before) != stand(held):
        raise ChangedSince
    if row.doing == Doing.MOVE:
        return visits.move(row.visit_id, said.on_date, said.at_time, by=work.by)
    return visits.settle(row.visit_id, _SETTLED[Doing(row.doing)], by=work.by)


# --- what the source calls them


def remember(of: Import, rows: Sequence[ImportRow]) -> None:
    """Keep whom and which visit the source means by these rows, so that the next file finds them. What was
    known before keeps the import that it came from."""
    source = source_key(of)
    known = {"clinic": of.clinic, "source": source, "by": of}
    with_patient = [(row, row.patient_id) for row in rows if row.patient_id]
    people = {row.person: patient for row, patient in with_patient if row.person}
    keys = [
        ImportedKey(kind=ImportedKey.Kind.PATIENT, key=key, patient_id=patient, **known)
        for key, patient in people.items()
    ]
    ImportedKey.objects.bulk_create(keys, ignore_conflicts=True, batch_size=1000)
    of_visits = {
        row.visit_key: ImportedKey(
            kind=ImportedKey.Kind.VISIT,
            key=row.visit_key,
            patient_id=patient,
            visit_id=row.visit_id,
            sequence=row.sequence,
            **known,
        )
        for row, patient in with_patient
        if row.visit_key and row.visit_id
    }
    ImportedKey.objects.bulk_create(
        of_visits.values(),
        update_conflicts=True,
        unique_fields=["clinic", "source", "kind", "key"],
        update_fields=["sequence"],
        batch_size=1000,
    )
