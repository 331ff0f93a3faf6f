"""The alert ladder: when each step comes, whom it tells, and that no setting or calendar silences it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from campaigns.domain.ladder import (
    LONGEST_WAIT,
    SLOWEST,
    ClinicTime,
    Duty,
    Ladder,
    Pace,
    Person,
    Rung,
    When,
    again_at,
    next_step,
    tightened,
    told,
)
from campaigns.domain.recipients import Channel

VANCOUVER, TORONTO = ZoneInfo("America/Vancouver"), ZoneInfo("America/Toronto")
NINE_TO_FIVE = {day: (time(9), time(17)) for day in range(5)}
CLINIC = ClinicTime(zone=VANCOUVER, hours=NINE_TO_FIVE, holidays=frozenset({date(2026, 11, 11)}))
BOTH, MAIL, TEXT = (Channel.EMAIL, Channel.SMS), (Channel.EMAIL,), (Channel.SMS,)
EMERGENCY, URGENT, ROUTINE = Pace.EMERGENCY, Pace.URGENT, Pace.ROUTINE


def at(words: str, zone: ZoneInfo = VANCOUVER) -> datetime:
    """A wall time such as `2026-11-06 23:10` as an instant."""
    return datetime.fromisoformat(words).replace(tzinfo=zone)


def wall(instant: datetime, zone: ZoneInfo = VANCOUVER) -> str:
    return f"{instant.astimezone(zone):%a %d %H:%M}"


FRIDAY_NIGHT = at("2026-11-06 23:10")


@pytest.mark.parametrize(
    ("pace", "since", "steps"),
    [
        # By the clock, at 23:10 on a Friday as at noon; then everybody again each half hour.
        (
            EMERGENCY,
            FRIDAY_NIGHT,
            ["Fri 06 23:10", "Fri 06 23:15", "Fri 06 23:25", "Fri 06 23:40", "Sat 07 00:10"],
        ),
        # At once, then by clinic hours: over the weekend, over Wednesday's holiday, over an evening.
        (URGENT, FRIDAY_NIGHT, ["Fri 06 23:10", "Mon 09 11:00", "Mon 09 13:00", "Mon 09 15:00"]),
        (URGENT, at("2026-11-10 16:30"), ["Tue 10 16:30", "Thu 12 10:30", "Thu 12 12:30"]),
        (URGENT, at("2026-11-05 15:00"), ["Thu 05 15:00", "Thu 05 17:00", "Fri 06 11:00"]),
        # By the end of the next clinic day, and of each after it.
        (ROUTINE, FRIDAY_NIGHT, ["Mon 09 17:00", "Tue 10 17:00", "Thu 12 17:00"]),
        (ROUTINE, at("2026-11-09 07:00"), ["Tue 10 17:00", "Thu 12 17:00"]),
    ],
)
def test_each_step_comes_at_its_time(pace: Pace, since: datetime, steps: list[str]) -> None:
    found = [next_step(pace, since, taken, CLINIC, SLOWEST) for taken in range(len(steps))]
    assert [wall(step.at) for step in found] == steps
    assert [step.number for step in found] == list(range(len(steps)))


def test_clinic_time_is_counted_across_the_night_when_the_clocks_change() -> None:
    """Toronto's clocks go back on 1 November 2026: a clinic open from 0 to 3 is open for four hours."""
    night = ClinicTime(zone=TORONTO, hours={6: (time(0), time(3)), 0: (time(9), time(17))})
    assert night.after(at("2026-11-01 00:00", TORONTO), timedelta(hours=3)) == at("2026-11-01 02:00", TORONTO)
    assert wall(night.after(at("2026-11-01 00:00", TORONTO), timedelta(hours=5)), TORONTO) == "Mon 02 10:00"
    since = at("2026-10-31 23:50", TORONTO)
    steps = [next_step(EMERGENCY, since, taken, night, SLOWEST).at - since for taken in range(4)]
    assert steps == [timedelta(minutes=minutes) for minutes in (0, 5, 15, 30)]


@pytest.mark.parametrize("hours", [{}, {0: (time(9), time(9))}])
def test_a_clinic_without_hours_is_told_all_the_same(hours: dict[int, tuple[time, time]]) -> None:
    never = ClinicTime(zone=VANCOUVER, hours=hours)
    assert next_step(URGENT, FRIDAY_NIGHT, 1, never, SLOWEST).at == FRIDAY_NIGHT + LONGEST_WAIT
    assert next_step(ROUTINE, FRIDAY_NIGHT, 0, never, SLOWEST).at <= FRIDAY_NIGHT + LONGEST_WAIT


@pytest.mark.parametrize(
    ("chosen", "minutes"),
    [
        ({}, (0, 5, 15, 30)),
        ({"next_person": 2, "everybody": 4, "incident": 10}, (0, 2, 4, 10)),
        ({"next_person": 0, "everybody": -5, "incident": 10_000}, (0, 5, 15, 30)),
        ({"everybody": 3}, (0, 5, 5, 30)),
    ],
)
def test_a_clinic_makes_the_ladder_faster_and_never_slower(
    chosen: dict[str, int], minutes: tuple[int, ...]
) -> None:
    assert tightened(chosen).emergency == minutes


@given(
    some.sampled_from(Pace),
    some.integers(0, 1_000_000).map(lambda minutes: FRIDAY_NIGHT + timedelta(minutes=minutes)),
    some.integers(0, 12),
    some.dictionaries(some.integers(0, 6), some.just((time(8, 30), time(16)))),
    some.dictionaries(
        some.sampled_from(["next_person", "everybody", "incident", "urgent"]), some.integers(-9, 999)
    ),
)
def test_there_is_always_a_next_step_and_it_is_never_far(
    pace: Pace,
    since: datetime,
    taken: int,
    hours: dict[int, tuple[time, time]],
    chosen: dict[str, int],
) -> None:
    clinic, ladder = ClinicTime(zone=TORONTO, hours=hours), tightened(chosen)
    step, following = (next_step(pace, since, number, clinic, ladder) for number in (taken, taken + 1))
    assert since <= step.at <= following.at <= step.at + LONGEST_WAIT
    # A clinic may set two of the first rungs of an emergency to the same minute.
    assert step.at < following.at or (pace is Pace.EMERGENCY and taken in (1, 2))
    assert since < again_at(pace, since, clinic, ladder) <= since + LONGEST_WAIT


A = Person(key=1, paths=BOTH, on_duty=True)
B = Person(key=2, paths=BOTH, on_duty=True)
OFF = Person(key=3, paths=BOTH, on_duty=False)
LEAD = Person(key=9, paths=TEXT, on_duty=False, is_lead=True)
ONLY_MAIL = Person(key=4, paths=MAIL, on_duty=True)
UNREACHABLE = Person(key=5, paths=(), on_duty=True)


@pytest.mark.parametrize(
    ("pace", "rung", "people", "keys"),
    [
        (EMERGENCY, Rung.ON_DUTY, [A, B, LEAD], {1: BOTH}),
        (EMERGENCY, Rung.ON_DUTY, [ONLY_MAIL, B, LEAD], {4: MAIL, 2: BOTH}),
        (EMERGENCY, Rung.ON_DUTY, [UNREACHABLE, OFF, A], {1: BOTH}),
        (EMERGENCY, Rung.ON_DUTY, [OFF, LEAD], {9: TEXT}),
        (EMERGENCY, Rung.ON_DUTY, [OFF], {3: BOTH}),
        (EMERGENCY, Rung.NEXT, [A, B, LEAD], {1: BOTH, 2: BOTH}),
        (EMERGENCY, Rung.NEXT, [A, OFF, LEAD], {1: BOTH, 9: TEXT}),
        (EMERGENCY, Rung.EVERYBODY, [A, OFF, B, LEAD], {1: BOTH, 2: BOTH, 9: TEXT}),
        (EMERGENCY, Rung.INCIDENT, [A, OFF, UNREACHABLE, LEAD], {1: BOTH, 3: BOTH, 9: TEXT}),
        (URGENT, Rung.ON_DUTY, [A, B], {1: MAIL}),
        (URGENT, Rung.ON_DUTY, [LEAD], {9: TEXT}),
        (URGENT, Rung.NEXT, [A, B, OFF], {1: BOTH, 2: BOTH}),
        (ROUTINE, Rung.ON_DUTY, [A, B], {1: MAIL}),
        (EMERGENCY, Rung.INCIDENT, [], {}),
    ],
)
def test_it_tells_whom_the_rung_says(
    pace: Pace, rung: Rung, people: list[Person], keys: dict[int, tuple[Channel, ...]]
) -> None:
    found: dict[int, tuple[Channel, ...]] = {}
    for key, channel in told(pace, rung, people):
        found[key] = (*found.get(key, ()), channel)
    assert found == keys


@pytest.mark.parametrize(
    ("duty", "clock", "covers"),
    [
        (Duty(when=When.ALWAYS), "2026-11-08 03:00", True),
        (Duty(when=When.CLINIC), "2026-11-09 09:00", True),
        (Duty(when=When.CLINIC), "2026-11-09 17:00", False),
        (Duty(when=When.CLINIC), "2026-11-11 10:00", False),
        (Duty(when=When.OUTSIDE), "2026-11-11 10:00", True),
        (Duty(when=When.OUTSIDE), "2026-11-09 10:00", False),
        (Duty(when=When.BETWEEN, starts=time(17), ends=time(22)), "2026-11-09 21:59", True),
        (Duty(when=When.BETWEEN, starts=time(17), ends=time(22)), "2026-11-09 22:00", False),
        (Duty(when=When.BETWEEN, starts=time(22), ends=time(7)), "2026-11-09 03:00", True),
        (Duty(when=When.BETWEEN, starts=time(22), ends=time(7)), "2026-11-09 07:00", False),
        (Duty(when=When.BETWEEN), "2026-11-09 07:00", False),
    ],
)
def test_duty_follows_the_clinic_s_clock(duty: Duty, clock: str, covers: bool) -> None:
    assert duty.covers(at(clock), CLINIC) is covers


def test_the_last_rung_of_an_emergency_comes_again_and_again() -> None:
    quick = Ladder(next_person=1, everybody=2, incident=3)
    steps = [next_step(EMERGENCY, FRIDAY_NIGHT, taken, CLINIC, quick) for taken in range(3, 7)]
    assert {step.rung for step in steps} == {Rung.INCIDENT}
    assert [(step.at - FRIDAY_NIGHT) // timedelta(minutes=1) for step in steps] == [3, 6, 9, 12]
