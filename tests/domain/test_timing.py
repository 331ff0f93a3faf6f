"""Wall clocks and calendars: both clock changes, the year a province stopped, leap days, gaps and folds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.domain.steps import Shift
from campaigns.domain.timing import Hours, add_days, end_of_quiet, parts_of_day, to_instant, waking
from tests.domain.planning import PARIS, TORONTO, VANCOUVER, at, utc

SYDNEY = ZoneInfo("Australia/Sydney")
SATURDAY, SUNDAY, MONDAY = date(2026, 11, 28), date(2026, 11, 29), date(2026, 11, 30)


@pytest.mark.parametrize(
    ("day", "clock", "zone", "instant"),
    [
        (
            "2026-12-01",
            "09:00",
            VANCOUVER,
            "2026-12-01 16:00",
        ),  # British Columbia: -7 all year since March 2026
        ("2026-03-07", "09:00", VANCOUVER, "2026-03-07 17:00"),  # the last day at -8
        ("2026-03-08", "09:00", VANCOUVER, "2026-03-08 16:00"),
        ("2027-01-15", "09:00", VANCOUVER, "2027-01-15 16:00"),
        ("2027-01-15", "09:00", ZoneInfo("America/Los_Angeles"), "2027-01-15 17:00"),
        ("2027-03-13", "10:00", TORONTO, "2027-03-13 15:00"),
        ("2027-03-14", "10:00", TORONTO, "2027-03-14 14:00"),
        ("2026-10-24", "10:00", PARIS, "2026-10-24 08:00"),
        ("2026-10-25", "10:00", PARIS, "2026-10-25 09:00"),
        ("2028-02-29", "10:00", TORONTO, "2028-02-29 15:00"),
        ("2027-03-14", "02:30", TORONTO, "2027-03-14 07:30"),  # a gap: 02:30 is not there, 03:30 is meant
        ("2026-11-01", "01:30", TORONTO, "2026-11-01 05:30"),  # a fold: 01:30 comes twice, the first is meant
        ("2027-03-28", "02:15", PARIS, "2027-03-28 01:15"),
        ("2026-10-25", "02:15", PARIS, "2026-10-25 00:15"),
    ],
)
def test_a_wall_time_is_one_instant(day: str, clock: str, zone: ZoneInfo, instant: str) -> None:
    assert to_instant(date.fromisoformat(day), time.fromisoformat(clock), zone) == utc(instant)


def test_the_second_showing_of_a_time_counts_as_the_first() -> None:
    second = time(1, 20, fold=1)
    assert to_instant(date(2026, 11, 1), second, TORONTO) == utc("2026-11-01 05:20")


@pytest.mark.parametrize(
    ("start", "days", "zone", "hours"),
    [
        ("2027-03-15 10:00", -2, TORONTO, -47),
        ("2026-11-02 10:00", -2, TORONTO, -49),
        ("2027-03-29 10:00", -2, PARIS, -47),
        ("2026-10-26 10:00", -2, PARIS, -49),
        ("2026-10-05 10:00", -2, SYDNEY, -47),
        ("2026-03-09 10:00", -2, VANCOUVER, -47),  # the last change there
        ("2026-11-02 10:00", -2, VANCOUVER, -48),  # and none in the autumn after
        ("2028-03-01 10:00", -1, VANCOUVER, -24),  # the day before is 29 February
        ("2027-03-01 10:00", -1, VANCOUVER, -24),
        ("2027-03-15 10:00", 0, TORONTO, 0),
    ],
)
def test_days_are_counted_on_the_calendar(start: str, days: int, zone: ZoneInfo, hours: int) -> None:
    begins = at(start, zone)
    found = add_days(begins, days, zone)
    assert found - begins == timedelta(hours=hours)
    assert found.astimezone(zone).time() == begins.astimezone(zone).time()


def test_the_day_before_the_first_of_march_is_the_leap_day() -> None:
    assert add_days(at("2028-03-01 10:00"), -1, VANCOUVER).astimezone(VANCOUVER).date() == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("quiet", "parts"),
    [
        (("21:00", "07:30"), [("07:30", "20:55")]),
        (("00:00", "08:00"), [("08:00", "23:59:59")]),
        (("12:00", "14:00"), [("00:00", "11:55"), ("14:00", "23:59:59")]),
        (("22:00", "00:00"), [("00:00", "21:55")]),
        (("08:00", "08:00"), [("00:00", "23:59:59")]),
        (("00:03", "00:01"), []),
    ],
)
def test_what_is_left_of_a_day_beside_quiet_hours(
    quiet: tuple[str, str], parts: list[tuple[str, str]]
) -> None:
    found = waking(time.fromisoformat(quiet[0]), time.fromisoformat(quiet[1]))
    assert found == tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in parts)


@pytest.mark.parametrize(
    ("clock", "end"),
    [
        ("20:59", None),
        ("21:00", "2026-12-02 07:30"),
        ("02:00", "2026-12-01 07:30"),
        ("07:29", "2026-12-01 07:30"),
        ("07:30", None),
    ],
)
def test_the_first_minute_of_the_night_is_quiet_and_the_last_is_over(clock: str, end: str | None) -> None:
    found = end_of_quiet(at(f"2026-12-01 {clock}"), VANCOUVER, time(21), time(7, 30))
    assert found == (at(end) if end else None)


def test_a_siesta_is_quiet_too_and_equal_ends_are_not() -> None:
    noon = at("2026-12-01 12:30")
    assert end_of_quiet(noon, VANCOUVER, time(12), time(14)) == at("2026-12-01 14:00")
    assert end_of_quiet(noon, VANCOUVER, time(12), time(12)) is None


def test_the_end_of_quiet_hours_never_lies_behind_where_the_clocks_show_an_hour_twice() -> None:
    first = at("2026-11-01 01:10", TORONTO)
    for now in (first, first + timedelta(hours=1)):
        assert end_of_quiet(now, TORONTO, time(21), time(1, 30)) == now + timedelta(minutes=20)


def hours(
    opens: str = "09:00", closes: str = "18:30", days: frozenset[int] | None = frozenset(range(6))
) -> Hours:
    parts = parts_of_day(time.fromisoformat(opens), time.fromisoformat(closes), time(21), time(7, 30))
    return Hours(VANCOUVER, parts, days, frozenset({MONDAY}))


def test_a_window_loses_its_quiet_part() -> None:
    assert parts_of_day(time(6), time(22), time(21), time(7, 30)) == ((time(7, 30), time(20, 55)),)
    assert parts_of_day(time(22), time(23), time(21), time(7, 30)) == ()


@pytest.mark.parametrize(
    ("shift", "found"), [(Shift.EARLIER, date(2026, 11, 28)), (Shift.LATER, date(2026, 12, 1))]
)
def test_a_closed_day_moves_past_sundays_and_holidays(shift: Shift, found: date) -> None:
    assert hours().near(SUNDAY, shift) == found
    assert hours().near(SATURDAY, shift) == SATURDAY


def test_a_clinic_that_never_opens_has_no_day() -> None:
    assert hours(days=frozenset()).near(SUNDAY, Shift.LATER) is None


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("2026-11-28 08:00", "2026-11-28 09:00"),
        ("2026-11-28 12:00", "2026-11-28 12:00"),
        ("2026-11-28 18:30", "2026-11-28 18:30"),
        ("2026-11-28 18:31", "2026-12-01 09:00"),
        ("2026-11-29 12:00", "2026-12-01 09:00"),
    ],
)
def test_the_next_opening(moment: str, found: str) -> None:
    assert hours().next_open(at(moment), at("2026-12-24 10:00")) == at(found)


def test_there_is_no_opening_at_or_after_the_end() -> None:
    assert hours().next_open(at("2026-11-29 12:00"), at("2026-12-01 09:00")) is None
    assert hours().next_open(at("2026-11-29 12:00"), at("2026-12-01 09:01")) == at("2026-12-01 09:00")


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("2026-12-01 05:00", "2026-12-01 07:30"),
        ("2026-12-01 11:00", "2026-12-01 11:00"),
        ("2026-12-01 15:00", "2026-12-01 12:00"),
    ],
)
def test_bounds_pull_an_instant_into_its_own_day(moment: str, found: str) -> None:
    assert hours("07:30", "12:00").same_day(at(moment)) == at(found)


def test_bounds_find_nothing_on_a_closed_day_or_in_the_night() -> None:
    assert hours("07:30", "12:00").same_day(at("2026-11-29 08:00")) is None
    assert hours("22:00", "23:00").same_day(at("2026-12-01 22:30")) is None


def test_instants_come_out_in_utc() -> None:
    assert to_instant(date(2026, 12, 1), time(9), VANCOUVER).tzinfo is UTC
    assert add_days(datetime(2026, 12, 1, 17, tzinfo=UTC), 1, VANCOUVER).tzinfo is UTC
