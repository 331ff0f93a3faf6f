"""The planner: what one patient is owed, when each message goes, and why the others do not.

`plan` is a pure function of facts. Preview, dry run, timeline and the real planner call it and nothing else.
Days are counted on the clinic's calendar, hours of the day are the recipient's, hours and minutes are
absolute (see `timing`). The order of the enrollments and of the history does not matter, nor does that of the
edits before, but for texts that share full caps (see `caps`); planning again with what a plan left standing
changes nothing. The rules are told in `docs/sequences.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from campaigns.domain.caps import Ledger, Turn, Wish, spread
from campaigns.domain.corrections import Desk, corrections
from campaigns.domain.facts import ClinicFacts, EnrollmentFacts, PatientFacts, Sent
from campaigns.domain.lifecycle import Reason
from campaigns.domain.owed import CLOSED, Owed, answered_at, owed_by
from campaigns.domain.placing import Calendar, Times
from campaigns.domain.plans import (
    Difference,
    Key,
    NotPlanned,
    Occurrence,
    Plan,
    Planned,
    Standing,
    difference,
    order,
    refuse,
)
from campaigns.domain.recipients import Channel
from campaigns.domain.steps import Anchor, ChannelRule, LateRule
from campaigns.domain.visits import (
    CourseFacts,
    CourseState,
    VisitFacts,
    VisitKind,
    VisitState,
    check_aware,
)

__all__ = [
    "REVIVABLE",
    "ClinicFacts",
    "CourseFacts",
    "CourseState",
    "Difference",
    "EnrollmentFacts",
    "Key",
    "NotPlanned",
    "PatientFacts",
    "Plan",
    "Planned",
    "Sent",
    "Standing",
    "VisitFacts",
    "VisitKind",
    "VisitState",
    "difference",
    "plan",
]

REVIVABLE = frozenset(
    {
        Reason.EXPIRED,
        Reason.NO_ADDRESS,
        Reason.BAD_ADDRESS,
        Reason.LANDLINE,
        Reason.PATIENT_PAUSED,
        Reason.VISIT_CANCELLED,
        Reason.VISIT_MOVED,
        Reason.VISIT_DONE,
        Reason.VISIT_MISSED,
        Reason.COURSE_CLOSED,
        Reason.ENROLLMENT_STOPPED,
        Reason.QUIET_HOURS_NO_WINDOW,
        Reason.CAP_REACHED,
        Reason.SUPERSEDED,
        Reason.ANSWERED,
        Reason.NOT_NEEDED,
        Reason.QUESTION_OPEN,
        Reason.STEP_OFF,
    }
)
"""Reasons on record that other facts may take back while a message is still useful. Any other is final:
consent, a provider or a person gave it."""


def plan(
    enrollments: Iterable[EnrollmentFacts],
    clinic: ClinicFacts,
    patient: PatientFacts,
    history: Iterable[Sent],
    now: datetime,
    standing: Mapping[Key, Standing] | None = None,
) -> Plan:
    """Plan all enrollments of one patient together, at `now` (aware).

    `history` is all that has left, or may have left, for this patient; `standing` are the rows that have not,
    planned as well as skipped and cancelled, by their key. Raises `ValueError` for a naive `now`, and
    `InvalidSequence` when a step names a setting that the clinic lacks.
    """
    check_aware("now", now)
    planning = _Planning(clinic, patient, history, now.astimezone(UTC), standing or {})
    everyone = {enrollment.id: enrollment for enrollment in enrollments}
    active = [enrollment for enrollment in everyone.values() if enrollment.active]
    for enrollment in active:
        for owed in owed_by(enrollment, clinic.zone):
            planning.take(owed)
    planning.replace_by_late_templates(active)
    planning.take_corrections(active)
    planned, not_planned = planning.settle()
    return Plan(
        planned=planned,
        not_planned=not_planned,
        gone=_gone(planning, everyone, planned, not_planned) if planning.standing else {},
    )


def _gone(
    planning: _Planning,
    enrollments: Mapping[UUID, EnrollmentFacts],
    planned: Iterable[Planned],
    not_planned: Iterable[NotPlanned],
) -> dict[Key, Reason]:
    """Why rows that wait are owed no more."""
    going = {message.key for message in planned}
    seen = going | {message.key for message in not_planned}
    taken = going | set(planning.sent)
    return {
        Key(*key): _why_gone(Key(*key), enrollments, planning.patient, taken)
        for key, row in planning.standing.items()
        if row.reason is None and key not in seen and key not in planning.sent
    }


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is decided about one occurrence; `kept` when a row that waits already keeps its time."""

    send_at: datetime
    expires_at: datetime
    template: str
    reason: Reason | None = None
    kept: bool = False


class _Planning:
    """One run of the planner for one patient: the facts, and what has been decided so far."""

    def __init__(
        self,
        clinic: ClinicFacts,
        patient: PatientFacts,
        history: Iterable[Sent],
        now: datetime,
        standing: Mapping[Key, Standing],
    ) -> None:
        self.clinic = clinic
        self.patient = patient
        self.zone = patient.zone or clinic.zone
        self.now = now
        self.calendar = Calendar(clinic, self.zone)
        self.standing = standing
        self.sent = {Key(s.enrollment, s.step, s.visit, s.visit_version, s.channel): s for s in history}
        self.wishes: list[Wish] = []
        self.refused: list[NotPlanned] = []

    # Which messages a step owes

    def take(self, owed: Owed) -> None:
        """Decide about one owed step on each of its channels."""
        times = self.calendar.times(owed)
        if _before_enrollment(owed, times):
            return
        for key, address in self._keys(owed, times):
            if self.sent and key in self.sent:
                continue
            verdict = self._decide(owed, times, key)
            if verdict.reason is None and not address:
                verdict = _refused(verdict, Reason.NO_ADDRESS)
            self._note(owed, key, verdict)

    def _keys(self, owed: Owed, times: Times) -> list[tuple[Key, bool]]:
        """The occurrences of an owed step, and whether the patient has an address for each."""
        step = owed.step
        keys = _keys_of(owed)
        if max(times.expires, times.late_expires) <= self.now:
            # Its time is over: what was on record then is what was owed, whatever addresses there are now.
            recorded = [key for key in keys if key in self.standing or key in self.sent]
            if recorded:
                return [(key, True) for key in recorded]
        failed = self._failed(keys)
        usable = [key for key in keys if key.channel in self.patient.channels and key not in failed]
        gone_out = bool(self.sent) and any(key in self.sent and key not in failed for key in keys)
        if step.channels.rule is ChannelRule.FIRST_OF:
            wanted = [key for key in usable if not self.patient.refuses(key.channel, step.topic)]
            usable = [] if gone_out else (wanted or usable)[:1]
        if usable or gone_out:
            return [(key, True) for key in usable]
        return [(keys[0], False)]

    def _failed(self, keys: Iterable[Key]) -> set[Key]:
        """Those that left and could not arrive."""
        # To ask an empty dictionary takes as long as a full one: the ids in a key are hashed for it.
        return {key for key in keys if key in self.sent and self.sent[key].failed} if self.sent else set()

    def _note(self, owed: Owed, key: Key, verdict: _Verdict) -> None:
        step = owed.step
        message = Planned(
            enrollment=key.enrollment,
            sequence=owed.enrollment.sequence.key,
            step=key.step,
            template=verdict.template,
            visit=key.visit,
            visit_version=key.visit_version,
            channel=key.channel,
            send_at=verdict.send_at,
            expires_at=verdict.expires_at,
            topic=step.topic,
            group=step.group,
            asks=step.asks,
            priority=step.priority,
            exempt=step.exempt_from_cap,
        )
        if verdict.reason is not None:
            self.refused.append(refuse(message, verdict.reason))
            return
        overdue = verdict.kept and verdict.send_at <= self.now
        fixed = step.exempt_from_cap or overdue
        self.wishes.append(Wish(message, self.calendar.hours(step), fixed, self._turn(message, key)))

    def _turn(self, message: Planned, key: Key) -> Turn:
        row = self.standing.get(key) if self.standing else None
        if row is None or (row.reason is None and row.send_at != message.send_at):
            return Turn.NEW
        if row.reason is None:
            return Turn.PROMISED
        return Turn.REFUSED if row.reason is Reason.CAP_REACHED else Turn.NEW

    # What becomes of one occurrence

    def _decide(self, owed: Owed, times: Times, key: Key) -> _Verdict:
        row = self.standing.get(key) if self.standing else None
        template = owed.enrollment.sequence.template(owed.step)
        own = _Verdict(times.at or times.due, times.expires, template)
        if row is not None:
            late = row.template != template
            # The same end means the same facts: the row is not about an older date.
            same = row.expires_at == (times.late_expires if late else times.expires)
            on_record = _Verdict(row.send_at, row.expires_at, row.template, row.reason, kept=True)
            over = same and row.expires_at <= self.now
            if row.reason is not None and (over or row.reason not in REVIVABLE):
                return on_record
            if same:
                again = self._pointless(owed, on_record) or self._again(owed, times, own, on_record)
                return on_record if row.promised and self._moved_by_caps(owed, key, row, again) else again
        return self._pointless(owed, own) or self._anew(owed, times, own)

    def _pointless(self, owed: Owed, verdict: _Verdict) -> _Verdict | None:
        """Refuse what the clinic, the visit, the course or an answer made pointless and had not expired."""
        if owed.closed is not None:
            expired = owed.closed_at is not None and verdict.expires_at <= owed.closed_at
            return _refused(verdict, Reason.EXPIRED if expired else owed.closed)
        answered = self._answered(owed)
        if answered is not None:
            return _refused(verdict, Reason.EXPIRED if verdict.expires_at <= answered else Reason.ANSWERED)
        if owed.step.key in owed.enrollment.sequence.off and verdict.expires_at > self.now:
            return _refused(verdict, Reason.STEP_OFF)
        return None

    def _answered(self, owed: Owed) -> datetime | None:
        """When its question was answered, here or at another step of its group that asks the same."""
        step = owed.step
        if not owed.enrollment.answers or not (step.asks or step.only_if.unanswered):
            return None
        asking = {step.key, step.only_if.unanswered}
        if step.group:
            same = owed.enrollment.sequence.steps
            asking.update(other.key for other in same if (other.group, other.asks) == (step.group, step.asks))
        times = (answered_at(owed, other, self._left_at(owed, other)) for other in asking)
        return min((at for at in times if at is not None), default=None)

    def _left_at(self, owed: Owed, step: str) -> datetime | None:
        """When the current message of a step left, on whichever channel."""
        for channel in Channel:
            sent = self.sent.get(Key(owed.enrollment.id, step, owed.visit_id, owed.visit_version, channel))
            if sent is not None:
                return sent.sent_at
        return None

    def _again(self, owed: Owed, times: Times, own: _Verdict, on_record: _Verdict) -> _Verdict:
        """A row about the same facts: it keeps a time that has come, and follows the facts before that."""
        if times.at is None or times.at >= self.now:
            return self._anew(owed, times, own)
        if on_record.reason is Reason.CAP_REACHED:
            return on_record
        if on_record.reason is None:
            return _refused(on_record, Reason.EXPIRED) if on_record.expires_at <= self.now else on_record
        if owed.step.late.rule is LateRule.SKIP:
            return on_record
        revived = self._anew(owed, times, own)
        return revived if revived.reason is None else on_record

    def _moved_by_caps(self, owed: Owed, key: Key, row: Standing, verdict: _Verdict) -> bool:
        """Whether a row stands where only the caps can have put it: at the opening of a later day than its
        own. It keeps that day when room appears before it, so that a promised time does not jump about."""
        if verdict.reason is not None or row.reason is not None or row.send_at <= verdict.send_at:
            return False
        if key.channel is not Channel.SMS or owed.step.exempt_from_cap:
            return False
        hours, day = self.calendar.hours(owed.step), row.send_at.astimezone(self.zone).date()
        later = day > verdict.send_at.astimezone(self.zone).date()
        return later and hours.open_day(day) and hours.first_on(day) == row.send_at

    def _anew(self, owed: Owed, times: Times, own: _Verdict) -> _Verdict:
        """First seen now, or seen with other facts."""
        if times.at is None:
            over = own.expires_at <= self.now
            return _refused(own, Reason.EXPIRED if over else Reason.QUIET_HOURS_NO_WINDOW)
        if times.at >= self.now:
            return own
        # What could not arrive on another channel is not a late booking: it is said here as it was there.
        late = LateRule.SEND_NOW if self._failed(_keys_of(owed)) else owed.step.late.rule
        if late is LateRule.TEMPLATE:
            own = _Verdict(own.send_at, times.late_expires, owed.step.late.template)
        if late is LateRule.SKIP or own.expires_at <= self.now:
            return _refused(own, Reason.EXPIRED)
        at = self.calendar.hours(owed.step).next_open(self.now, own.expires_at)
        if at is None:
            return _refused(own, Reason.QUIET_HOURS_NO_WINDOW)
        return _Verdict(at, own.expires_at, own.template)

    # What the messages do to one another

    def replace_by_late_templates(self, enrollments: Iterable[EnrollmentFacts]) -> None:
        """Drop the steps whose words a late template has said, or is going to say."""
        replaced = self._replaced(enrollments)
        if not replaced:
            return
        wishes, refused = self.wishes, self.refused
        self.wishes, self.refused = [], []
        for wish in wishes:
            if _about(wish.planned) in replaced:
                self.refused.append(refuse(wish.planned, Reason.SUPERSEDED))
            else:
                self.wishes.append(wish)
        for message in refused:
            unrecorded = message.reason is Reason.EXPIRED and message.key not in self.standing
            again = unrecorded and _about(message) in replaced
            self.refused.append(replace(message, reason=Reason.SUPERSEDED) if again else message)

    def _replaced(self, enrollments: Iterable[EnrollmentFacts]) -> set[_About]:
        late = {
            (enrollment.id, step.late.template): step.late.replaces
            for enrollment in enrollments
            for step in enrollment.sequence.steps
            if step.late.replaces
        }
        said: Iterable[Planned | Sent] = (*(wish.planned for wish in self.wishes), *self.sent.values())
        return {
            (message.enrollment, step, message.visit)
            for message in (said if late else ())
            for step in late.get((message.enrollment, message.template), ())
        }

    def take_corrections(self, enrollments: Iterable[EnrollmentFacts]) -> None:
        """Add what must be put right about visits the patient was told of."""
        hours = self.calendar.waking_hours()
        desk = Desk(
            zone=self.clinic.zone,
            hours=hours,
            channels=self.patient.channels,
            sent=self.sent,
            standing=self.standing,
            now=self.now,
        )
        for correction in corrections(enrollments, desk):
            if isinstance(correction, NotPlanned):
                self.refused.append(correction)
            else:
                self.wishes.append(Wish(correction, hours, fixed=True))

    def settle(self) -> tuple[tuple[Planned, ...], tuple[NotPlanned, ...]]:
        """Hold the texts to the caps and put everything in order."""
        texts = (s.sent_at for s in self.sent.values() if s.channel is Channel.SMS)
        ledger = Ledger(self.zone, self.clinic.sms_per_day, self.clinic.sms_per_week, texts)
        capped = [wish for wish in self.wishes if wish.planned.channel is Channel.SMS]
        free = [wish.planned for wish in self.wishes if wish.planned.channel is not Channel.SMS]
        placed, without_day = spread(capped, ledger)
        refused = (*self.refused, *(refuse(message, Reason.CAP_REACHED) for message in without_day))
        return tuple(sorted([*free, *placed], key=order)), tuple(sorted(refused, key=order))


def _keys_of(owed: Owed) -> list[Key]:
    """The occurrences of an owed step, one a channel, in the order in which they are tried."""
    return [
        Key(owed.enrollment.id, owed.step.key, owed.visit_id, owed.visit_version, channel)
        for channel in owed.step.channels.names
    ]


_About = tuple[UUID, str, UUID | None]


def _about(message: Occurrence) -> _About:
    return message.enrollment, message.step, message.visit


def _refused(verdict: _Verdict, reason: Reason) -> _Verdict:
    return _Verdict(verdict.send_at, verdict.expires_at, verdict.template, reason)


def _before_enrollment(owed: Owed, times: Times) -> bool:
    """Whether this fell due, or became pointless, before the patient was enrolled: then it was never owed."""
    enrolled = owed.enrollment.enrolled_at
    if owed.closed_at is not None and owed.closed_at <= enrolled:
        return True
    past = owed.step.anchor is not Anchor.ENROLLMENT and owed.anchor <= enrolled
    return past and (times.at or times.due) < enrolled


def _why_gone(
    key: Key, enrollments: Mapping[UUID, EnrollmentFacts], patient: PatientFacts, taken: Iterable[Key]
) -> Reason:
    """Why nothing owes a row any more that was planned, in the most telling word there is. `taken` are the
    messages that go or went: one of them may stand in for the row on another channel."""
    enrollment = enrollments.get(key.enrollment)
    if enrollment is None or not enrollment.active:
        return Reason.ENROLLMENT_STOPPED
    visit = next((v for v in enrollment.course.visits if v.id == key.visit), None)
    if visit is not None and key.visit_version not in (0, visit.version):
        return Reason.VISIT_MOVED
    if key.channel not in patient.channels:
        return Reason.NO_ADDRESS
    if key[:-1] in {other[:-1] for other in taken}:
        return Reason.SUPERSEDED
    step = next((step for step in enrollment.sequence.steps if step.key == key.step), None)
    before = step is None or step.anchor in _BEFORE_DONE
    if visit is not None and (before or visit.state is not VisitState.COMPLETED):
        return CLOSED.get(visit.state, Reason.NOT_NEEDED)
    closed = step is not None and step.only_if.course_open and enrollment.course.state is not CourseState.OPEN
    return Reason.COURSE_CLOSED if closed else Reason.NOT_NEEDED


_BEFORE_DONE = frozenset({Anchor.VISIT_START, Anchor.VISIT_MISSED})
