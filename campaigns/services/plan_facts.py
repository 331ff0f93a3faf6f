"""What the planner is told about patients, read for many of them at once. Read by services/plan alone.

What is the same for all patients of a clinic is worked out once a batch: its facts, and the timing of every
sequence under them.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.domain import schedule
from campaigns.domain.facts import ClinicFacts, EnrollmentFacts, PatientFacts, Sent
from campaigns.domain.lifecycle import ONE_WAY_ONLY, UNSENT, Reason, State
from campaigns.domain.overrides import effective
from campaigns.domain.plans import Key, Plan, Standing
from campaigns.domain.recipients import Channel
from campaigns.domain.sequences import Sequence
from campaigns.domain.visits import CourseFacts, CourseState, VisitFacts, VisitKind, VisitState
from campaigns.models import Clinic, Consent, ContactPoint, Enrollment, Patient
from campaigns.queries import clock, planning, sequence_files, steps, zones
from campaigns.queries.planning import AnswerRow, EnrollmentRow, MessageRow, ReachRow, VisitRow
from campaigns.queries.steps import NO_OVERRIDES, Overrides

log = logging.getLogger(__name__)

NEVER_READ = frozenset({State.REJECTED, State.UNDELIVERED})

_CHANNELS = {channel.value: channel for channel in Channel}
_STATES = {state.value: state for state in State}
_UNSENT = frozenset(state.value for state in UNSENT)
_NOT_GONE = frozenset(state.value for state in planning.NOT_GONE)

Row = TypeVar("Row")
Owner = TypeVar("Owner", UUID, int)


class Rules:
    """One clinic as the planner sees it: its facts, and the sequences with what it changed about them."""

    def __init__(self, clinic: Clinic, overrides: Overrides = NO_OVERRIDES) -> None:
        self.clinic = clinic
        self.facts = clinic_facts(clinic)
        self._overrides = overrides
        self._sequences: dict[str, Sequence] = {}
        self._timings: dict[str, str] = {}

    def sequence(self, key: str) -> Sequence:
        """The sequence as this clinic follows it. Raises `UnknownSequence`."""
        found = self._sequences.get(key)
        if found is None:
            own = self._overrides.get(key, ())
            found = effective(sequence_files.load(key), own, self.facts.settings)
            self._sequences[key] = found
        return found

    def timing(self, sequence: str) -> str:
        """SHA-256 of everything but the course that decides when a message of this sequence goes."""
        found = self._timings.get(sequence)
        if found is None:
            found = self._timings[sequence] = self._timing(sequence)
        return found

    def _timing(self, sequence: str) -> str:
        facts = self.facts
        rules = [str(getattr(facts, name)) for name in ("zone", "window", "quiet_from", "quiet_to")]
        rules += [str(sorted(part)) for part in (facts.send_days, facts.holidays, facts.settings.items())]
        rules += [str(facts.sms_per_day), str(facts.sms_per_week), _rules_of(self.sequence(sequence))]
        # Off and on again is not as if nothing had been: a gate may have skipped something in between.
        changes = sum(one.version for one in self._overrides.get(sequence, ()))
        rules += [str(changes)] if changes else []
        # A zone is known by its name; new data may move the instants of every zone, the patients' own too.
        rules.append(clock.zone_data())
        return hashlib.sha256("\x1f".join(rules).encode()).hexdigest()


@lru_cache(maxsize=1 << 10)
def _rules_of(sequence: Sequence) -> str:
    """Its digest, taken once: planning asks for it again and again."""
    return sequence.timing_digest


def clinic_facts(clinic: Clinic) -> ClinicFacts:
    """What the planner needs to know about a clinic."""
    return ClinicFacts(
        zone=ZoneInfo(clinic.time_zone),
        window=(clinic.send_from, clinic.send_to),
        send_days=frozenset(clinic.send_days or range(6)),
        holidays=frozenset(date.fromisoformat(day) for day in clinic.holidays),
        quiet_from=clinic.quiet_from,
        quiet_to=clinic.quiet_to,
        sms_per_day=clinic.sms_per_day,
        sms_per_week=clinic.sms_per_week,
        settings=clinic.settings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One patient, and the rows that planning goes by. `visits` are by their course, `answers` by message."""

    patient: Patient
    rules: Rules
    enrollments: list[EnrollmentRow]
    visits: Mapping[UUID, list[VisitRow]]
    reach: list[ReachRow]
    messages: list[MessageRow]
    answers: Mapping[int, list[AnswerRow]]
    keys: dict[int, Key] = field(default_factory=dict)
    """The identity of the occurrence that each message stands for."""

    @property
    def timings(self) -> dict[UUID, str]:
        """The timing of each enrollment by which it has not been planned yet."""
        return {e.id: now for e in self.enrollments if e.digest != (now := self.rules.timing(e.sequence))}


def rules_of(clinics: Iterable[Clinic]) -> dict[UUID, Rules]:
    """These clinics as the planner sees them. One query."""
    known = {clinic.pk: clinic for clinic in clinics}
    overrides = steps.overrides(known)
    return {pk: Rules(clinic, overrides.get(pk, NO_OVERRIDES)) for pk, clinic in known.items()}


def read(ids: Iterable[UUID], as_if: Mapping[UUID, Rules] | None = None) -> list[Person]:
    """Lock these patients, then what has not gone of their messages, and read what planning goes by. As many
    queries for a hundred patients as for one; `as_if` stands for the rules of their clinics in a dry run.
    Raises `Patient.DoesNotExist` where one is missing."""
    wanted = set(ids)
    patients = planning.lock_patients(wanted)
    if len(patients) != len(wanted):
        raise Patient.DoesNotExist("Nobody is left to plan for.")
    everyone = [patient.pk for patient in patients]
    rules = rules_of(planning.clinics(p.clinic_id for p in patients).values()) if as_if is None else as_if
    enrollments = _by(planning.enrollments(everyone), lambda row: row.patient_id)
    courses = {row.course_id for rows in enrollments.values() for row in rows}
    visits = _by(planning.visits(courses), lambda row: row.course_id)
    reach = _by(planning.reach(everyone), lambda row: row.patient_id)
    locked = planning.lock_messages(everyone)
    answers = _by(planning.answers([row.id for row in locked if row.asks]), lambda row: row.message_id)
    messages = _by(locked, lambda row: row.patient_id)
    return [
        Person(
            patient=patient,
            rules=rules[patient.clinic_id],
            enrollments=enrollments.get(patient.pk, []),
            visits=visits,
            reach=reach.get(patient.pk, []),
            messages=messages.get(patient.pk, []),
            answers=answers,
            keys={row.id: key_of(row) for row in messages.get(patient.pk, [])},
        )
        for patient in patients
    ]


def _by(rows: Iterable[Row], owner: Callable[[Row], Owner]) -> dict[Owner, list[Row]]:
    found: dict[Owner, list[Row]] = defaultdict(list)
    for row in rows:
        found[owner(row)].append(row)
    return found


def key_of(row: MessageRow) -> Key:
    """The identity of the occurrence that a row stands for."""
    return Key(row.enrollment_id, row.step, row.visit_id, row.visit_version, _CHANNELS[row.channel])


def plan_for(person: Person, now: datetime) -> Plan:
    """The plan of one patient at `now`."""
    return schedule.plan(
        enrollments=enrollment_facts(person),
        clinic=person.rules.facts,
        patient=patient_facts(person),
        history=[_sent(row, person) for row in person.messages if row.state not in _NOT_GONE],
        standing=_standing(person),
        now=now,
    )


def patient_facts(person: Person) -> PatientFacts:
    """The clock that counts, the addresses that work, and what was agreed to and is no more."""
    has: set[Channel] = set()
    stopped: set[Channel] = set()
    granted: set[Channel] = set()
    withdrawn: set[tuple[Channel, str]] = set()
    for row in person.reach:
        channel = _CHANNELS[row.channel]
        if row.what == planning.STOPPED:
            stopped.add(channel)
        elif row.what == planning.SAID and row.word == Consent.Action.GRANTED:
            granted.add(channel)
        elif row.what == planning.SAID:
            withdrawn.add((channel, row.topic))
        elif _works(channel, row.word):
            has.add(channel)
    return PatientFacts(
        zone=_zone_of(person.patient),
        channels=frozenset(has),
        # Nothing was agreed to there, or was and is no more, or the address has opted out.
        refused=frozenset({*Channel} - (granted - stopped)),
        refused_topics=frozenset(withdrawn),
    )


def _works(channel: Channel, state: str) -> bool:
    """Whether an address in this state can be written to on its channel."""
    landline = state == ContactPoint.State.LANDLINE and channel is Channel.SMS
    return state != ContactPoint.State.BAD and not landline


def _zone_of(patient: Patient) -> ZoneInfo | None:
    """The patient's own zone. One that does not exist is named, and the clinic's counts, as at the claim."""
    zone = zones.known(patient.time_zone)
    if zone is None and patient.time_zone:
        log.error("the time zone of a patient does not exist", extra={"patient": str(patient.pk)})
    return zone


def _standing(person: Person) -> dict[Key, Standing]:
    """The rows that have not gone. Of an enrollment whose timing has changed since, no time is promised."""
    changed = person.timings
    return {
        person.keys[row.id]: Standing(
            row.send_at,
            row.expires_at,
            row.template,
            None if row.state in _UNSENT else Reason(row.reason),
            row.enrollment_id not in changed,
        )
        for row in person.messages
        if row.state in _NOT_GONE
    }


def _sent(row: MessageRow, person: Person) -> Sent:
    unread = _STATES[row.state] in NEVER_READ
    return Sent(
        enrollment=row.enrollment_id,
        step=row.step,
        template=row.template,
        visit=row.visit_id,
        visit_version=row.visit_version,
        channel=_CHANNELS[row.channel],
        sent_at=row.sent_at or row.send_at,
        stated=None if unread else row.stated,
        failed=person.rules.clinic.other_channel and unread and row.reason in ONE_WAY_ONLY,
    )


def enrollment_facts(person: Person) -> list[EnrollmentFacts]:
    """The enrollments with their courses, visits and answers."""
    first, late = _answers(person)
    courses = {
        row.course_id: _course(row, person.visits.get(row.course_id, [])) for row in person.enrollments
    }
    return [
        EnrollmentFacts(
            id=row.id,
            sequence=person.rules.sequence(row.sequence),
            course=courses[row.course_id],
            enrolled_at=row.enrolled_at,
            active=row.state == Enrollment.State.ACTIVE,
            answers=first.get(row.id, {}),
            late=frozenset(late.get(row.id, ())),
        )
        for row in person.enrollments
    ]


_Asked = tuple[str, UUID | None]


def _answers(person: Person) -> tuple[dict[UUID, dict[_Asked, datetime]], dict[UUID, set[_Asked]]]:
    """By enrollment: when each question was first answered, and which answers came too late."""
    given = [
        (answer, row) for row in person.messages if row.asks for answer in person.answers.get(row.id, ())
    ]
    first: dict[UUID, dict[_Asked, datetime]] = {}
    late: dict[UUID, set[_Asked]] = {}
    for answer, row in sorted(given, key=lambda pair: pair[0].answered_at):
        asked = (row.step, row.visit_id)
        first.setdefault(row.enrollment_id, {}).setdefault(asked, answer.answered_at)
        if answer.late:
            late.setdefault(row.enrollment_id, set()).add(asked)
    return first, late


def _course(row: EnrollmentRow, visits: Iterable[VisitRow]) -> CourseFacts:
    return CourseFacts(
        state=CourseState(row.course_state),
        completed_at=row.completed_at,
        visits=tuple(_visit(visit) for visit in visits),
    )


def _visit(row: VisitRow) -> VisitFacts:
    return VisitFacts(
        id=row.id,
        number=row.number,
        kind=VisitKind(row.kind),
        on_date=row.on_date,
        at_time=row.at_time,
        state=VisitState(row.state),
        version=row.version,
        settled_at=row.settled_at,
    )
