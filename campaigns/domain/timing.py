"""Wall clocks, calendar days, and the hours in which a message may go.

Days are counted on the calendar of a place; hours and minutes are absolute. A wall time that the clocks jump
over moves forward by the length of the jump; one that they show twice means the first. Instants that come out
are UTC. Dates are those of the clinic; hours of the day are the recipient's, whose zone may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from campaigns.domain.steps import Shift

Part = tuple[time, time]
"""A part of a day on a wall clock, both ends included."""

ONE_DAY = timedelta(days=1)
MIDNIGHT = time(0)
END_OF_DAY = time(23, 59, 59)
LONGEST_CLOSURE = 60
"""Days to look for an open one before giving up; no clinic stays closed longer and keeps its patients."""

BEFORE_QUIET = timedelta(minutes=5)
"""A message is never planned closer than this to the start of quiet hours, so that it can leave in time."""


@lru_cache(maxsize=1 << 16)
def to_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant at which the clocks in `zone` show `at` on `day`."""
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)


def add_days(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The UTC instant that many calendar days on, at the same wall-clock time in `zone`."""
    if not days:
        return at
    wall = at.astimezone(zone)
    return to_instant(wall.date() + days * ONE_DAY, wall.time(), zone)


@lru_cache(maxsize=1 << 12)
def waking(quiet_from: time, quiet_to: time) -> tuple[Part, ...]:
    """The parts of a day outside quiet hours, as wall times, both ends included."""
    if quiet_from == quiet_to:
        return ((MIDNIGHT, END_OF_DAY),)
    spans_midnight = quiet_from > quiet_to
    last = _a_little_before(quiet_from)
    first = [] if last is None else [(quiet_to if spans_midnight else MIDNIGHT, last)]
    return _spans(*first, *([] if spans_midnight else [(quiet_to, END_OF_DAY)]))


def end_of_quiet(at: datetime, zone: ZoneInfo, quiet_from: time, quiet_to: time) -> datetime | None:
    """The UTC instant at which the quiet hours around `at` end, or None outside them; the end is outside.

    Between two hours that the clocks show twice, the end is the one of the same round.
    """
    wall = at.astimezone(zone)
    clock, day = wall.time(), wall.date()
    if quiet_from <= quiet_to:
        quiet = quiet_from <= clock < quiet_to
    else:
        quiet = clock >= quiet_from or clock < quiet_to
        day += ONE_DAY if clock >= quiet_from else timedelta(0)
    return datetime.combine(day, quiet_to.replace(fold=wall.fold), zone).astimezone(UTC) if quiet else None


@dataclass(frozen=True, slots=True)
class Hours:
    """When a step may go: parts of a day on the clock of `zone`, and the days (`weekdays` None: any)."""

    zone: ZoneInfo
    parts: tuple[Part, ...]
    weekdays: frozenset[int] | None
    holidays: frozenset[date]

    def open_day(self, day: date) -> bool:
        """Whether anything may go on that day."""
        return self.weekdays is None or (day.weekday() in self.weekdays and day not in self.holidays)

    def near(self, day: date, shift: Shift) -> date | None:
        """The day itself if it is open, else the next open one in the direction of `shift`."""
        move = ONE_DAY if shift is Shift.LATER else -ONE_DAY
        for _ in range(LONGEST_CLOSURE):
            if self.open_day(day):
                return day
            day += move
        return None

    def first_on(self, day: date) -> datetime | None:
        """The first instant of a day at which a message may go."""
        return to_instant(day, self.parts[0][0], self.zone) if self.parts else None

    def next_open(self, at: datetime, before: datetime) -> datetime | None:
        """The first instant from `at` on at which a message may go, if there is one earlier than `before`."""
        day, last = at.astimezone(self.zone).date(), before.astimezone(self.zone).date()
        while day <= last:
            found = self._from(day, at) if self.open_day(day) else None
            if found is not None:
                return found if found < before else None
            day += ONE_DAY
        return None

    def same_day(self, at: datetime) -> datetime | None:
        """`at` if it is open, else the next open instant of its own day, or the last when none follows."""
        day = at.astimezone(self.zone).date()
        if not self.parts or not self.open_day(day):
            return None
        return self._from(day, at) or to_instant(day, self.parts[-1][1], self.zone)

    def _from(self, day: date, at: datetime) -> datetime | None:
        for opens, closes in self.parts:
            if at <= to_instant(day, closes, self.zone):
                return max(at, to_instant(day, opens, self.zone))
        return None


@lru_cache(maxsize=1 << 12)
def parts_of_day(opens: time, closes: time, quiet_from: time, quiet_to: time) -> tuple[Part, ...]:
    """A window of the day with quiet hours taken out of it; nothing when they cover it all."""
    return _spans(*((max(opens, a), min(closes, b)) for a, b in waking(quiet_from, quiet_to)))


def _spans(*spans: Part) -> tuple[Part, ...]:
    return tuple(span for span in spans if span[0] <= span[1])


def _a_little_before(at: time) -> time | None:
    """`BEFORE_QUIET` before the clock shows `at`, on the same day; None where that is the day before."""
    minutes = at.hour * 60 + at.minute - BEFORE_QUIET // timedelta(minutes=1)
    return time(minutes // 60, minutes % 60) if minutes >= 0 else None
