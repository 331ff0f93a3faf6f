"""When what a patient was told about a visit is no longer true: one correction, on each channel that told it.

A message that names a date or time is a statement; a correction that was sent is one too. What counts is what
the patient was last told on a channel. A visit that moved back to that needs no correction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.domain.facts import EnrollmentFacts, Sent
from campaigns.domain.lifecycle import Purpose, Reason
from campaigns.domain.plans import Key, NotPlanned, Planned, Standing, refuse
from campaigns.domain.recipients import Channel
from campaigns.domain.steps import Topic
from campaigns.domain.timing import END_OF_DAY, Hours, to_instant
from campaigns.domain.visits import VisitFacts, VisitState

SEQUENCE = "correction"
MOVED = "correction/moved"
CANCELLED = "correction/cancelled"
"""Template and step of a correction are the same word, which no step of a file can have."""


@dataclass(slots=True)
class Belief:
    """What a patient was last told about a visit on one channel. Wall clock at the clinic."""

    on_date: date | None = None
    at_time: time | None = None
    cancelled: bool = False

    def hear(self, sent: Sent) -> None:
        """Take in one more message."""
        self.cancelled = sent.template == CANCELLED
        stated = sent.stated or {}
        if "date" in stated:
            self.on_date = date.fromisoformat(stated["date"])
        if "time" in stated:
            self.at_time = time.fromisoformat(stated["time"])

    def starts(self, zone: ZoneInfo) -> datetime | None:
        """When the patient thinks the visit is: the end of that day when no time was told."""
        return None if self.on_date is None else to_instant(self.on_date, self.at_time or END_OF_DAY, zone)

    def fits(self, visit: VisitFacts) -> bool:
        """Whether nothing that was told is wrong now."""
        if visit.state is VisitState.CANCELLED:
            return self.cancelled
        return not self.cancelled and self.on_date == visit.on_date and self.at_time in (None, visit.at_time)

    def stated(self, visit: UUID) -> Mapping[str, str]:
        """The same in the words of a message's record, for a correction to say what is no longer so."""
        told = {"visit": str(visit)}
        if self.on_date is not None:
            told["date"] = self.on_date.isoformat()
        if self.at_time is not None:
            told["time"] = f"{self.at_time:%H:%M}"
        return told


@dataclass(frozen=True, slots=True)
class Told:
    """All that a patient was told about visits. The first enrollment that spoke of a visit owns its
    corrections: history only grows, so that this never changes."""

    beliefs: Mapping[tuple[UUID, Channel], Belief]
    owners: Mapping[UUID, UUID]


def told(history: Iterable[Sent]) -> Told:
    """Read the history, in whatever order it comes."""
    beliefs: dict[tuple[UUID, Channel], Belief] = {}
    owners: dict[UUID, UUID] = {}
    speaking = [sent for sent in history if sent.stated or sent.template == CANCELLED]
    for sent in sorted(speaking, key=lambda sent: (sent.sent_at, sent.template, sent.enrollment.int)):
        visit = UUID(sent.stated["visit"]) if sent.stated and "visit" in sent.stated else sent.visit
        if visit is not None:
            owners.setdefault(visit, sent.enrollment)
            beliefs.setdefault((visit, sent.channel), Belief()).hear(sent)
    return Told(beliefs, owners)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the corrections of one planning have in common. `hours` leave out quiet hours and nothing else."""

    zone: ZoneInfo
    hours: Hours
    channels: frozenset[Channel]
    sent: Mapping[Key, Sent]
    standing: Mapping[Key, Standing]
    now: datetime


def corrections(enrollments: Iterable[EnrollmentFacts], desk: Desk) -> list[Planned | NotPlanned]:
    """The corrections owed for the visits of active enrollments, each once a visit, version and channel."""
    told_so_far = told(desk.sent.values())
    visits = {visit.id: visit for enrollment in enrollments for visit in enrollment.course.visits}
    found = []
    for (visit_id, channel), belief in told_so_far.beliefs.items():
        visit = visits.get(visit_id)
        if visit is not None and visit.state in (VisitState.BOOKED, VisitState.CANCELLED):
            correction = _correct(visit, channel, belief, told_so_far.owners[visit_id], desk)
            if correction is not None:
                found.append(correction)
    return found


def _correct(
    visit: VisitFacts, channel: Channel, belief: Belief, owner: UUID, desk: Desk
) -> Planned | NotPlanned | None:
    believed = belief.starts(desk.zone)
    if believed is None or belief.fits(visit):
        return None
    off = visit.state is VisitState.CANCELLED
    key = Key(owner, CANCELLED if off else MOVED, visit.id, visit.version, channel)
    row = desk.standing.get(key)
    over = believed <= desk.now
    if key in desk.sent or (row is None and over):
        return None
    expires = believed if off else to_instant(visit.on_date, visit.at_time, desk.zone)
    message = _message(key, row.send_at if row else desk.now, expires, belief)
    if row is not None and row.reason is not None and over:
        return refuse(message, row.reason)
    return _timed(message, row, desk)


def _timed(message: Planned, row: Standing | None, desk: Desk) -> Planned | NotPlanned:
    """At once, or when quiet hours end; a row that waits already keeps its time."""
    if message.expires_at <= desk.now:
        return refuse(message, Reason.EXPIRED)
    if message.channel not in desk.channels:
        return refuse(message, Reason.NO_ADDRESS)
    if row is not None and row.reason is None and row.expires_at == message.expires_at:
        return message
    at = desk.hours.next_open(desk.now, message.expires_at)
    return replace(message, send_at=at) if at else refuse(message, Reason.QUIET_HOURS_NO_WINDOW)


def _message(key: Key, send_at: datetime, expires_at: datetime, belief: Belief) -> Planned:
    return Planned(
        enrollment=key.enrollment,
        sequence=SEQUENCE,
        step=key.step,
        template=key.step,
        visit=key.visit,
        visit_version=key.visit_version,
        channel=key.channel,
        send_at=send_at,
        expires_at=expires_at,
        purpose=Purpose.CORRECTION,
        topic=Topic.REMINDERS,
        exempt=True,
        stated=belief.stated(key.visit) if key.visit else None,
    )
