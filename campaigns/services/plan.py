"""Keep the messages of a patient equal to the plan: an idempotent difference, in the caller's transaction.

All of one patient's enrollments are planned together, under a lock on the patient, so that caps and
corrections do not depend on who edited what first.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import InterfaceError, OperationalError, transaction

from campaigns.domain import schedule
from campaigns.domain.facts import ClinicFacts, EnrollmentFacts, PatientFacts, Sent
from campaigns.domain.lifecycle import ONE_WAY_ONLY, PLANNED_PRIORITY, UNSENT, Purpose, Reason, State
from campaigns.domain.plans import Key, NotPlanned, Plan, Planned, Standing
from campaigns.domain.recipients import Channel
from campaigns.domain.sequences import Sequence
from campaigns.domain.visits import CourseFacts, CourseState, VisitFacts, VisitKind, VisitState
from campaigns.models import (
    Answer,
    Clinic,
    Consent,
    Course,
    Enrollment,
    Message,
    Patient,
    Suppression,
    Visit,
)
from campaigns.queries import clock, sequence_files, zones
from campaigns.services.duties import Duty, fulfils

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Changes:
    """What one planning did, counted."""

    planned: int = 0
    retimed: int = 0
    cancelled: int = 0
    skipped: int = 0
    corrections: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        """Count one message that will not go."""
        self.skipped += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1


def replan_patient(patient_id: UUID | str) -> Changes:
    """Plan one patient again, in a transaction of its own."""
    with transaction.atomic():
        return replan(UUID(str(patient_id)), clock.now())


@fulfils(Duty.PLANNING)
def replan_changed(limit: int = 500) -> int:
    """Plan again the patients of up to `limit` enrollments whose timing has changed: that of the sequence
    file, the clinic's hours, days and settings, or the zone data. How many. Other words change no time.

    A patient or a clinic whose row cannot be planned by is named in the log and stops no other.
    """
    patients: set[UUID] = set()
    for clinic in Clinic.objects.order_by("created_at"):
        with _alone("clinic", clinic.pk):
            current = [timing(sequence.key, clinic) for sequence in sequence_files.load_all().values()]
            active = Enrollment.objects.filter(state=Enrollment.State.ACTIVE, course__patient__clinic=clinic)
            stale = active.exclude(digest__in=current).values_list("course__patient_id", flat=True)
            # In another order each time: some that can never be planned must not fill every pass.
            patients.update(stale.order_by("?")[: max(0, limit - len(patients))])
    done = 0
    for patient_id in patients:
        with _alone("patient", patient_id):
            replan_patient(patient_id)
            done += 1
    return done


@contextmanager
def _alone(what: str, which: UUID) -> Iterator[None]:
    """What is wrong with one row ends here; a database that is away stops all."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.error("%s cannot be planned", what, extra={what: str(which), "why": type(error).__name__})


def timing(sequence: str, clinic: Clinic) -> str:
    """SHA-256 of everything but the course that decides when a message of this sequence goes."""
    facts = clinic_facts(clinic)
    rules = [str(getattr(facts, name)) for name in ("zone", "window", "quiet_from", "quiet_to")]
    rules += [str(sorted(part)) for part in (facts.send_days, facts.holidays, facts.settings.items())]
    rules += [str(facts.sms_per_day), str(facts.sms_per_week), _rules_of(sequence_files.load(sequence))]
    # A zone is known by its name; new data may move the instants of every zone, the patients' own too.
    rules.append(clock.zone_data())
    return hashlib.sha256("\x1f".join(rules).encode()).hexdigest()


@cache
def _rules_of(sequence: Sequence) -> str:
    """Its digest, taken once: planning asks for it again and again."""
    return sequence.timing_digest


def replan(patient_id: UUID, now: datetime) -> Changes:
    """Make the unsent messages of this patient what the plan says at `now`. Call inside a transaction.

    Locks the patient, then the messages. Without the key, so that rows that only refer to the patient can be
    written meanwhile: a claim holds messages and adds such rows.
    """
    patient = (
        Patient.objects.select_for_update(of=("self",), no_key=True)
        .select_related("clinic")
        .get(pk=patient_id)
    )
    enrollments = list(Enrollment.objects.filter(course__patient=patient).select_related("course"))
    messages = list(
        Message.objects.select_for_update()
        .filter(enrollment__in=enrollments)
        .defer("subject", "body", "html")
        .order_by("id")
    )
    plan = plan_for(patient, enrollments, messages, now)
    changes = _apply(plan, patient, messages, now)
    _note_timing(enrollments, patient.clinic)
    return changes


def _note_timing(enrollments: Iterable[Enrollment], clinic: Clinic) -> None:
    for enrollment in enrollments:
        digest = timing(enrollment.sequence, clinic)
        if enrollment.digest != digest:
            enrollment.digest = digest
            enrollment.save(update_fields=["digest"])


def plan_for(patient: Patient, enrollments: list[Enrollment], messages: list[Message], now: datetime) -> Plan:
    """The plan at `now`, from rows that the caller has read. Also what a dry run calls, with changed rows."""
    changed = {e.pk for e in enrollments if e.digest != timing(e.sequence, patient.clinic)}
    said = _said(patient)
    return schedule.plan(
        enrollments=enrollment_facts(enrollments),
        clinic=clinic_facts(patient.clinic),
        patient=PatientFacts(
            zone=_zone_of(patient),
            channels=frozenset(
                Channel(channel)
                for channel in patient.contact_points.exclude(state="bad")
                .exclude(state="landline", channel=Channel.SMS)
                .values_list("channel", flat=True)
            ),
            refused=_refused(patient, said),
            refused_topics=_refused_topics(said),
        ),
        history=[
            _sent(message, patient.clinic) for message in messages if State(message.state) not in NOT_GONE
        ],
        standing=standing_rows(messages, changed),
        now=now,
    )


def _zone_of(patient: Patient) -> ZoneInfo | None:
    """The patient's own zone. One that does not exist is named, and the clinic's counts, as at the claim."""
    zone = zones.known(patient.time_zone)
    if zone is None and patient.time_zone:
        log.error("the time zone of a patient does not exist", extra={"patient": str(patient.pk)})
    return zone


def _refused(patient: Patient, said: list[tuple[str, str, str]]) -> frozenset[Channel]:
    """The channels on which nothing was agreed to, or was and is no more, or whose address has opted out."""
    granted = {channel for channel, _, action in said if action == Consent.Action.GRANTED}
    stopped = Suppression.objects.filter(
        lifted_at=None, address_index__in=patient.contact_points.values("address_index")
    )
    return frozenset({*Channel} - ({Channel(one) for one in granted} - {Channel(s.channel) for s in stopped}))


def _refused_topics(said: list[tuple[str, str, str]]) -> frozenset[tuple[Channel, str]]:
    """What was agreed to on a channel and is no more."""
    return frozenset((Channel(on), topic) for on, topic, action in said if action == Consent.Action.WITHDRAWN)


def _said(patient: Patient) -> list[tuple[str, str, str]]:
    """The newest word on every topic: (channel, topic, action)."""
    newest = Consent.objects.filter(patient=patient).order_by("channel", "topic", "-id")
    return list(newest.distinct("channel", "topic").values_list("channel", "topic", "action"))


NOT_GONE = UNSENT | {State.SKIPPED, State.CANCELLED}
NEVER_READ = frozenset({State.REJECTED, State.UNDELIVERED})


def standing_rows(messages: Iterable[Message], changed: Container[UUID] = ()) -> dict[Key, Standing]:
    """The rows that have not gone, as the planner knows them. `changed` are the enrollments whose timing has
    changed since these rows were planned."""
    return {
        key_of(message): Standing(
            message.send_at,
            message.expires_at,
            message.template,
            None if State(message.state) in UNSENT else Reason(message.reason),
            promised=message.enrollment_id not in changed,
        )
        for message in messages
        if State(message.state) in NOT_GONE
    }


def key_of(message: Message) -> Key:
    """The identity of the occurrence that a row stands for."""
    if message.enrollment_id is None:
        raise ValueError("only messages of a sequence are planned")
    return Key(
        message.enrollment_id, message.step, message.visit_id, message.visit_version, Channel(message.channel)
    )


def _sent(message: Message, clinic: Clinic) -> Sent:
    if message.enrollment_id is None:
        raise ValueError("only messages of a sequence are planned")
    return Sent(
        enrollment=message.enrollment_id,
        step=message.step,
        template=message.template,
        visit=message.visit_id,
        visit_version=message.visit_version,
        channel=Channel(message.channel),
        sent_at=message.sent_at or message.send_at,
        stated=None if State(message.state) in NEVER_READ else message.stated,
        failed=clinic.other_channel and State(message.state) in NEVER_READ and message.reason in ONE_WAY_ONLY,
    )


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


def enrollment_facts(enrollments: list[Enrollment]) -> list[EnrollmentFacts]:
    """The enrollments with their courses, visits and answers, read in two queries."""
    courses = {enrollment.course_id: enrollment.course for enrollment in enrollments}
    visits: dict[UUID, list[VisitFacts]] = {course: [] for course in courses}
    for visit in Visit.objects.filter(course__in=courses).order_by("number"):
        visits[visit.course_id].append(visit_facts(visit))
    answers: dict[UUID, dict[tuple[str, UUID | None], datetime]] = {}
    answered = Answer.objects.filter(message__enrollment__in=enrollments).order_by("answered_at")
    late: dict[UUID, set[tuple[str, UUID | None]]] = {}
    for owner, step, visit_id, at, was_late in answered.values_list(
        "message__enrollment_id", "message__step", "message__visit_id", "answered_at", "late"
    ):
        if owner is not None:
            answers.setdefault(owner, {}).setdefault((step, visit_id), at)
            if was_late:
                late.setdefault(owner, set()).add((step, visit_id))
    return [
        EnrollmentFacts(
            id=enrollment.id,
            sequence=sequence_files.load(enrollment.sequence),
            course=course_facts(enrollment.course, visits[enrollment.course_id]),
            enrolled_at=enrollment.enrolled_at,
            active=enrollment.state == Enrollment.State.ACTIVE,
            answers=answers.get(enrollment.id, {}),
            late=frozenset(late.get(enrollment.id, ())),
        )
        for enrollment in enrollments
    ]


def course_facts(course: Course, visits: list[VisitFacts]) -> CourseFacts:
    """What the planner needs to know about a course."""
    return CourseFacts(
        state=CourseState(course.state), completed_at=course.completed_at, visits=tuple(visits)
    )


def visit_facts(visit: Visit) -> VisitFacts:
    """What the planner needs to know about a visit."""
    return VisitFacts(
        id=visit.id,
        number=visit.number,
        kind=VisitKind(visit.kind),
        on_date=visit.on_date,
        at_time=visit.at_time,
        state=VisitState(visit.state),
        version=visit.version,
        settled_at=visit.settled_at,
    )


def _apply(plan: Plan, patient: Patient, messages: list[Message], now: datetime) -> Changes:
    """Write the difference. Rows that have gone are history and stay as they are."""
    changes = Changes()
    gone = {key_of(message) for message in messages if State(message.state) not in NOT_GONE}
    rows = {key_of(message): message for message in messages if State(message.state) in NOT_GONE}
    target: dict[Key, Planned | NotPlanned] = {row.key: row for row in plan.planned}
    target |= {row.key: row for row in plan.not_planned}
    new = [occurrence for key, occurrence in target.items() if key not in rows and key not in gone]
    Message.objects.bulk_create(_new_message(occurrence, patient, changes, now) for occurrence in new)
    for key, message in rows.items():
        _follow(message, target.get(key), plan.gone.get(key), changes, now)
    return changes


def _new_message(
    occurrence: Planned | NotPlanned, patient: Patient, changes: Changes, now: datetime
) -> Message:
    message = Message(
        clinic_id=patient.clinic_id,
        patient=patient,
        enrollment_id=occurrence.enrollment,
        sequence=occurrence.sequence,
        step=occurrence.step,
        visit_id=occurrence.visit,
        visit_version=occurrence.visit_version,
        channel=occurrence.channel,
        purpose=occurrence.purpose,
        topic=occurrence.topic,
        group=occurrence.group,
        asks=occurrence.asks,
        capped=not occurrence.exempt,
        stated=dict(occurrence.stated) if occurrence.stated else None,
        created_at=now,
    )
    if isinstance(occurrence, Planned):
        changes.planned += 1
        changes.corrections += occurrence.purpose is Purpose.CORRECTION
        _plan_row(message, occurrence)
    else:
        changes.skip(occurrence.reason)
        _stop_row(message, occurrence, State.SKIPPED, occurrence.reason, now)
    return message


def _plan_row(message: Message, occurrence: Planned) -> None:
    message.state, message.reason, message.settled_at = State.PLANNED, "", None
    message.template = occurrence.template
    message.send_at = message.due_at = occurrence.send_at
    message.expires_at = occurrence.expires_at
    message.priority = PLANNED_PRIORITY + occurrence.priority
    message.capped = not occurrence.exempt


def _stop_row(
    message: Message, occurrence: NotPlanned | None, state: State, reason: Reason, now: datetime
) -> None:
    message.state, message.reason, message.settled_at = state, reason, now
    if occurrence is not None:
        message.template = occurrence.template
        message.send_at = message.due_at = occurrence.send_at
        message.expires_at = occurrence.expires_at


WRITTEN = [
    "state",
    "reason",
    "template",
    "send_at",
    "due_at",
    "expires_at",
    "priority",
    "capped",
    "settled_at",
]


def _follow(
    message: Message,
    occurrence: Planned | NotPlanned | None,
    gone: Reason | None,
    changes: Changes,
    now: datetime,
) -> None:
    """Bring one row that has not gone in line with the plan."""
    waits = State(message.state) in UNSENT
    if isinstance(occurrence, Planned):
        if waits and (message.send_at, message.expires_at, message.template) == (
            occurrence.send_at,
            occurrence.expires_at,
            occurrence.template,
        ):
            return
        changes.retimed += 1
        _plan_row(message, occurrence)
    elif waits:
        changes.cancelled += 1
        reason = occurrence.reason if occurrence else gone or Reason.NOT_NEEDED
        _stop_row(message, occurrence, State.CANCELLED, reason, now)
    elif occurrence is not None and occurrence.reason != message.reason:
        changes.skip(occurrence.reason)
        _stop_row(message, occurrence, State(message.state), occurrence.reason, now)
    else:
        return
    message.save(update_fields=WRITTEN)
