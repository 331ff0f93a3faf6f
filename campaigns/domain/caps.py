"""At most so many texts a day and a week: visits come first, education and nudges give way.

Only SMS count, on the calendar days of the recipient; a week is any seven days in a row. What has been sent
and what is exempt (visit-day and safety texts, corrections) counts and is never moved. The rest moves to the
next day with room while its words stay true, and keeps the day it was given: a slot that another text gives
up moves nothing forward, it only serves a text that had found no day at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

from campaigns.domain.plans import Planned, order
from campaigns.domain.timing import MIDNIGHT, ONE_DAY, Hours, to_instant

WEEK = 7


class Turn(IntEnum):
    """Who chooses first among texts of one rank: one with a promised time, then one seen for the first time.
    A text that had found no day chooses after all others of every rank, so that it moves nobody."""

    PROMISED = 0
    NEW = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """A text that wants to go. `fixed` ones keep their time whatever the caps say."""

    planned: Planned
    hours: Hours
    fixed: bool
    turn: Turn = Turn.NEW

    @property
    def place(self) -> tuple[object, ...]:
        """Its place in the order of choosing."""
        last = self.turn is Turn.REFUSED
        return (last, self.planned.priority, self.turn, order(self.planned))


class Ledger:
    """Texts counted by local day."""

    def __init__(self, zone: ZoneInfo, per_day: int, per_week: int, sent: Iterable[datetime] = ()) -> None:
        self.zone = zone
        self.per_day = per_day
        self.per_week = per_week
        self.days: Counter[int] = Counter()
        for at in sent:
            self.add(at)

    def add(self, at: datetime) -> None:
        """Count a text."""
        self.days[at.astimezone(self.zone).toordinal()] += 1

    def has_room(self, at: datetime) -> bool:
        """Whether one more text on that day keeps the day and every seven days around it within the caps."""
        day = at.astimezone(self.zone).toordinal()
        if self.days[day] >= self.per_day:
            return False
        around = [self.days[d] for d in range(day - WEEK + 1, day + WEEK)]
        return all(sum(around[start : start + WEEK]) < self.per_week for start in range(WEEK))


def spread(wishes: Iterable[Wish], ledger: Ledger) -> tuple[list[Planned], list[Planned]]:
    """Give each text its day. Returns those that go, some later than they wished, and those without a day.

    Those that give way least choose first; the order they were given in does not matter.
    """
    placed, refused = [], []
    waiting = []
    for wish in wishes:
        if wish.fixed:
            ledger.add(wish.planned.send_at)
            placed.append(wish.planned)
        else:
            waiting.append(wish)
    for wish in sorted(waiting, key=lambda wish: wish.place):
        at = _first_room(wish, ledger)
        if at is None:
            refused.append(wish.planned)
            continue
        ledger.add(at)
        placed.append(wish.planned if at == wish.planned.send_at else replace(wish.planned, send_at=at))
    return placed, refused


def _first_room(wish: Wish, ledger: Ledger) -> datetime | None:
    at: datetime | None = wish.planned.send_at
    while at is not None and not ledger.has_room(at):
        tomorrow = at.astimezone(ledger.zone).date() + ONE_DAY
        at = wish.hours.next_open(to_instant(tomorrow, MIDNIGHT, ledger.zone), wish.planned.expires_at)
    return at
