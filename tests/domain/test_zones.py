"""Every time zone there is, at every change of its clocks from 2024 to 2030.

Many zones are links or differ only in years long past, so that what is the same is looked at once.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import product
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from campaigns.domain.timing import Hours, add_days, end_of_quiet, parts_of_day, to_instant

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
LOOK = timedelta(days=6)
"""Shorter than any time between two changes: Morocco went back for Ramadan, five weeks a year."""
MINUTE, QUARTER, HOUR, DAY = (timedelta(minutes=m) for m in (1, 15, 60, 24 * 60))


class Change(NamedTuple):
    """The first instant of new clocks, and both offsets."""

    at: datetime
    before: timedelta
    after: timedelta

    def instant(self, wall: datetime) -> datetime:
        """What a wall time near the change means, worked out without zone data: the clock before the change
        counts until both are past it, so that a gap moves forward and of two showings the first is meant."""
        past = wall >= self.at.replace(tzinfo=None) + max(self.before, self.after)
        return wall.replace(tzinfo=UTC) - (self.after if past else self.before)

    def shown(self, instant: datetime) -> datetime:
        """What the clocks show at an instant near the change."""
        offset = self.before if instant < self.at else self.after
        return (instant + offset).replace(tzinfo=None)


def offset(zone: ZoneInfo, at: datetime) -> timedelta:
    """How far the clocks are ahead of UTC."""
    return at.astimezone(zone).utcoffset() or timedelta(0)


def changes(zone: ZoneInfo) -> Iterator[Change]:
    """Every change of the clocks, to the second."""
    at, now = FIRST, offset(zone, FIRST)
    while at < LAST:
        following = at + LOOK
        then = offset(zone, following)
        if then != now:
            yield Change(_moment(zone, at, following, now), now, then)
        at, now = following, then


def _moment(zone: ZoneInfo, low: datetime, high: datetime, before: timedelta) -> datetime:
    """The first second at which the offset is not `before` any more."""
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // timedelta(seconds=2) * timedelta(seconds=1)
        low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
    return high


@cache
def tables() -> dict[tuple[timedelta, tuple[Change, ...]], list[str]]:
    """Offset at the start and all changes -> the zones that have them."""
    found: dict[tuple[timedelta, tuple[Change, ...]], list[str]] = {}
    for name in sorted(zoneinfo.available_timezones()):
        zone = ZoneInfo(name)
        found.setdefault((offset(zone, FIRST), tuple(changes(zone))), []).append(name)
    return found


def every_change() -> Iterator[tuple[ZoneInfo, Change]]:
    """Every change of every table, in the first zone that has it."""
    for (_, found), names in tables().items():
        for change in found:
            yield ZoneInfo(names[0]), change


def test_all_zones_are_looked_at() -> None:
    names = [name for names in tables().values() for name in names]
    assert set(names) == zoneinfo.available_timezones()
    assert len(names) > 590
    assert sum(1 for _ in every_change()) > 300
    assert {change.after - change.before for _, change in every_change()} > {HOUR, -HOUR, HOUR / 2}


def test_a_wall_time_comes_back_and_a_gap_moves_forward_by_its_length() -> None:
    wrong = []
    for zone, change in every_change():
        start = change.at.replace(tzinfo=None) + change.before
        for step in range(-16, 17):
            wall = start + step * QUARTER
            got = to_instant(wall.date(), wall.time(), zone)
            if got != change.instant(wall) or got.astimezone(zone).replace(tzinfo=None) != change.shown(got):
                wrong.append((zone.key, wall, got))
            in_gap = timedelta(0) <= wall - start < change.after - change.before
            forward = change.after - change.before if in_gap else timedelta(0)
            if change.shown(got) != wall + forward:
                wrong.append((zone.key, wall, got))
    assert wrong == []


CLOCKS = [time(0, 30), time(1, 30), time(2, 30), time(9), time(14), time(23, 30)]


def test_days_keep_the_hour_of_the_wall_clock() -> None:
    wrong = []
    for zone, change in every_change():
        day = change.shown(change.at).date()
        for clock, days, back in product(CLOCKS, (1, 2, -1, -3), (0, 1, 2)):
            wall = datetime.combine(day - (back if days > 0 else -back) * DAY, clock)
            start = change.instant(wall)
            shown = change.shown(start)  # later than `wall` where that is in the gap
            if add_days(start, days, zone) != change.instant(shown + days * DAY):
                wrong.append((zone.key, wall, days))
    assert wrong == []


NIGHTS = [(time(21), time(7, 30)), (time(22), time(0)), (time(12), time(14)), (time(0), time(8))]


def quiet(clock: time, night: tuple[time, time]) -> bool:
    """Whether a clock shows a quiet hour."""
    begins, ends = night
    return begins <= clock < ends if begins <= ends else clock >= begins or clock < ends


def test_nothing_goes_in_quiet_hours_on_the_days_around_a_change() -> None:
    wrong = []
    for zone, change in every_change():
        for night in NIGHTS:
            hours = Hours(zone, parts_of_day(time(0), time(23, 59, 59), *night), None, frozenset())
            for step in range(-5, 6):
                at = change.at + step * timedelta(hours=5)
                found = hours.next_open(at, at + 3 * DAY)
                assert found is not None
                if not at <= found < at + DAY or quiet(change.shown(found).time(), night):
                    wrong.append((zone.key, at, found))
    assert wrong == []


def test_quiet_hours_end_when_the_clock_says_so() -> None:
    wrong = []
    for zone, change in every_change():
        for night, step in product(
            [*NIGHTS, (time(21), time(1, 30)), (time(21), time(2, 30))], range(-12, 13)
        ):
            at = change.at + step * 20 * MINUTE
            end = end_of_quiet(at, zone, *night)
            asleep = quiet(change.shown(at).time(), night)
            over = end is None or (at < end <= at + DAY and end_of_quiet(end, zone, *night) is None)
            if (end is not None) is not asleep or not over:
                wrong.append((zone.key, at, end))
    assert wrong == []


# --- what people ask about


@pytest.mark.parametrize(
    ("name", "from_then_on", "hours"),
    [
        ("America/Vancouver", "2026-03-08 10:00", -7),  # British Columbia changed for the last time
        ("America/Edmonton", "2026-03-08 09:00", -6),  # Alberta
        ("America/Inuvik", "2026-03-08 09:00", -6),  # the Northwest Territories
        ("America/Yellowknife", "2026-03-08 09:00", -6),
        ("America/Winnipeg", "2026-03-08 08:00", -5),  # Manitoba
        ("Africa/Casablanca", "2026-09-20 01:00", 0),  # Morocco
    ],
)
def test_a_place_that_changed_its_clocks_for_the_last_time(name: str, from_then_on: str, hours: int) -> None:
    last = list(changes(ZoneInfo(name)))[-1]
    assert f"{last.at:%Y-%m-%d %H:%M}" == from_then_on
    assert last.after == hours * HOUR


@pytest.mark.parametrize(
    ("name", "day", "utc"),
    [
        ("America/Vancouver", "2026-12-01", 16),
        ("America/Creston", "2026-12-01", 16),
        ("America/Dawson_Creek", "2026-07-01", 16),
        ("America/Los_Angeles", "2026-12-01", 17),
        ("America/Edmonton", "2026-12-01", 15),
        ("America/Yellowknife", "2026-12-01", 15),
        ("America/Cambridge_Bay", "2026-12-01", 16),  # Nunavut goes on changing its clocks
        ("America/Winnipeg", "2026-12-01", 14),
        ("America/Regina", "2026-12-01", 15),
        ("America/Toronto", "2026-12-01", 14),
        ("America/St_Johns", "2026-07-01", 11),
        ("Africa/Casablanca", "2026-02-14", 8),
        ("Africa/Casablanca", "2026-03-01", 9),  # Ramadan
        ("Africa/Casablanca", "2026-04-01", 8),
    ],
)
def test_nine_o_clock_is_this_hour_of_utc(name: str, day: str, utc: int) -> None:
    at = to_instant(datetime.fromisoformat(day).date(), time(9), ZoneInfo(name))
    assert at.hour == utc
