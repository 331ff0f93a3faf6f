"""Which question a reply may answer: one is open at a time on a phone, and an old one is never taken as new.

A newer question closes an older one. What answers a closed question is late: it is kept, and no rule takes it
for news. Pure: instants are aware, and facts come in as values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from campaigns.domain.replies import READINESS
from campaigns.domain.visits import VisitState

OPEN_FOR = timedelta(hours=72)
"""How long a question waits for its answer (content reference, 10.1)."""

SHORTER: Mapping[str, timedelta] = MappingProxyType({"next_day": timedelta(hours=36)})
"""The groups of questions that wait less long: how the day after was is soon out of date (10.1)."""

KEPT_FOR = timedelta(days=14)
"""How long after it was asked a closed question may still be what a late answer is about."""

LEAST_LIFE = timedelta(hours=1)
"""A safety check-in does not wait for its turn into the last hour of its life: its warnings must go."""

CALL_AFTER = timedelta(hours=24)
"""How long after it was asked again a question that nobody answered goes on the call list."""

About = tuple[UUID | None, str, UUID | None, int, str]
"""What makes two messages the same question: enrollment, group, visit, visit version, question id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question that has left. `moot_from` is when it lost its sense, if it has: the visit it is about
    begins, moved, or does not take place. `answered`: it, or the same asked again, has an answer, in time or
    not."""

    message: int
    patient: UUID
    enrollment: UUID | None
    group: str
    visit: UUID | None
    visit_version: int
    asks: str
    sent_at: datetime
    moot_from: datetime | None = None
    answered: bool = False

    @property
    def about(self) -> About:
        """The same for every message that asks the same; a question without a group stands for itself."""
        return about(self.message, self.enrollment, self.group, self.visit, self.visit_version, self.asks)

    @property
    def open_until(self) -> datetime:
        """When an answer becomes late, whatever else is asked."""
        end = self.sent_at + open_for(self.group)
        return end if self.moot_from is None else min(end, self.moot_from)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A visit as it stands, for a question about it. `version` counts its moves; `starts` is aware."""

    state: str
    version: int
    starts: datetime


def moot_from(asks: str, version: int, slot: Slot | None, sent_at: datetime) -> datetime | None:
    """Since when nobody needs the answer to a question that was asked about a visit at this version; None for
    every question but whether the patient comes ready. 0 is the version of a message that knows none."""
    if asks not in READINESS or slot is None:
        return None
    if slot.state != VisitState.BOOKED or version not in (0, slot.version):
        return sent_at
    return slot.starts


def about(
    message: int, enrollment: UUID | None, group: str, visit: UUID | None, version: int, asks: str
) -> About:
    """What a message asks about, so that the same question asked again is known as the same."""
    if enrollment is None or not group:
        return None, f"message {message}", None, 0, asks
    return enrollment, group, visit, version, asks


def open_for(group: str) -> timedelta:
    """How long a question of this group waits for its answer."""
    return SHORTER.get(group, OPEN_FOR)


def open_question(asked: Iterable[Asked], now: datetime) -> Asked | None:
    """The question that is open on one phone at `now`: the newest, if it still waits for its answer."""
    newest = max(asked, key=lambda one: (one.sent_at, one.message), default=None)
    if newest is None or newest.answered or newest.open_until <= now:
        return None
    return newest


def closed_questions(asked: Iterable[Asked], waiting: Asked | None, now: datetime) -> list[Asked]:
    """The questions of one patient to which an answer at `now` would be late: one for each, newest first.

    A question that is answered, that lost its sense, or that asks what `waiting` asks is none of them.
    """
    newest_first = sorted(asked, key=lambda one: (one.sent_at, one.message), reverse=True)
    return list(_closed(newest_first, now, {waiting.about} if waiting else set()))


def _closed(newest_first: Iterable[Asked], now: datetime, seen: set[About]) -> Iterator[Asked]:
    for one in newest_first:
        recent = one.sent_at > now - KEPT_FOR
        moot = one.moot_from is not None and one.moot_from <= now
        if one.about not in seen and recent and not (one.answered or moot):
            yield one
        seen.add(one.about)
