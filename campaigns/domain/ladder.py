"""The alert ladder: who is told of an alert that nobody has taken, by which channels, and when.

An emergency climbs by the clock, day and night. What is urgent counts the clinic's own hours, what is routine
its days. A ladder has no end: its last rung comes again until a named person has the alert in hand. A clinic
may make it faster, never slower and never silent. The defaults follow the design rules for alerts (5, 15 and
30 minutes; 2 clinic hours; the next clinic day) and are to be signed by a clinician.

Instants are UTC; hours and days are those on the clinic's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from campaigns.domain.recipients import Channel
from campaigns.domain.timing import ONE_DAY, to_instant

MINUTE = timedelta(minutes=1)
LONGEST_WAIT = timedelta(days=7)
"""No step waits longer than this, whatever the clinic's calendar says: hours that were never filled in, or a
closure of weeks, must not switch the ladder off."""

FEWEST_PATHS = 2
"""Ways by which the first step of an emergency goes out, beside the open page: one may be down."""


class Pace(StrEnum):
    """How an alert climbs: by the clock, by clinic hours, by clinic days."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE = "routine"


class Rung(StrEnum):
    """Who is told: who is on duty; the next one too; everybody on duty and the lead; everybody there is."""

    ON_DUTY = "on_duty"
    NEXT = "next"
    EVERYBODY = "everybody"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The steps of one clinic. Minutes after the alert for emergencies; minutes of clinic time between two
    steps of what is urgent."""

    next_person: int = 5
    everybody: int = 15
    incident: int = 30
    urgent: int = 120

    @property
    def emergency(self) -> tuple[int, ...]:
        """Minutes from the alert to each step."""
        return (0, self.next_person, self.everybody, self.incident)


SLOWEST = Ladder()
"""The default, and the slowest that a clinic may choose."""


def tightened(chosen: Mapping[str, int]) -> Ladder:
    """The ladder of a clinic: what it chose where that is faster than the default, in rising order.

    What is missing, below one minute or slower counts as the default: no setting turns a step off.
    """

    def minutes(name: str) -> int:
        default: int = getattr(SLOWEST, name)
        value = chosen.get(name, default)
        return value if 1 <= value <= default else default

    first = minutes("next_person")
    second = max(first, minutes("everybody"))
    return Ladder(
        next_person=first,
        everybody=second,
        incident=max(second, minutes("incident")),
        urgent=minutes("urgent"),
    )


# --- the clinic's time


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicTime:
    """When somebody is at the clinic: from and to by weekday (Monday is 0), and the days it is closed."""

    zone: ZoneInfo
    hours: Mapping[int, tuple[time, time]]
    holidays: frozenset[date] = frozenset()

    def is_open(self, at: datetime) -> bool:
        """Whether it is open; the minute of closing is not."""
        return any(opens <= at < closes for opens, closes in self._spans(at, at))

    def after(self, since: datetime, length: timedelta) -> datetime:
        """The instant at which so much clinic time has passed, at most `LONGEST_WAIT` later."""
        left = length
        for opens, closes in self._spans(since, since + LONGEST_WAIT):
            begins = max(opens, since)
            if closes - begins >= left:
                return min(begins + left, since + LONGEST_WAIT)
            left -= max(timedelta(0), closes - begins)
        return since + LONGEST_WAIT

    def end_of_next_day(self, since: datetime) -> datetime:
        """The end of the first clinic day after that of `since`, at most `LONGEST_WAIT` later."""
        today = since.astimezone(self.zone).date()
        latest = since + LONGEST_WAIT
        ends = (closes for opens, closes in self._spans(since, latest) if self._day(opens) > today)
        return min(next(ends, latest), latest)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def _spans(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open times of every day from that of one instant to that of another."""
        day = self._day(since)
        while day <= self._day(until):
            if day.weekday() in self.hours and day not in self.holidays:
                opens, closes = self.hours[day.weekday()]
                yield to_instant(day, opens, self.zone), to_instant(day, closes, self.zone)
            day += ONE_DAY


# --- the steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: its number in this climb (from 0), when it is due, whom it tells."""

    number: int
    at: datetime
    rung: Rung


def next_step(pace: Pace, since: datetime, taken: int, clinic: ClinicTime, ladder: Ladder) -> Step:
    """The step after `taken` steps of a climb that began at `since`. There is always one."""
    match pace:
        case Pace.EMERGENCY:
            return _emergency(since, taken, ladder)
        case Pace.URGENT:
            return _urgent(since, taken, clinic, ladder)
        case Pace.ROUTINE:
            return _routine(since, taken, clinic)


def _emergency(since: datetime, taken: int, ladder: Ladder) -> Step:
    """By the clock. After the last step everybody is told again, as often as that step took to come."""
    steps = ladder.emergency
    again = max(0, taken - len(steps) + 1)
    minutes = steps[min(taken, len(steps) - 1)] + again * ladder.incident
    return Step(number=taken, at=since + minutes * MINUTE, rung=list(Rung)[min(taken, len(Rung) - 1)])


def _urgent(since: datetime, taken: int, clinic: ClinicTime, ladder: Ladder) -> Step:
    """At once, then after so much clinic time each."""
    at = since
    for _ in range(taken):
        at = clinic.after(at, ladder.urgent * MINUTE)
    return Step(number=taken, at=at, rung=(Rung.ON_DUTY, Rung.NEXT, Rung.EVERYBODY)[min(taken, 2)])


def _routine(since: datetime, taken: int, clinic: ClinicTime) -> Step:
    """It may wait until the end of the next clinic day; then it is told at the end of each."""
    at = since
    for _ in range(taken + 1):
        at = clinic.end_of_next_day(at)
    return Step(number=taken, at=at, rung=Rung.EVERYBODY if taken else Rung.ON_DUTY)


def again_at(pace: Pace, now: datetime, clinic: ClinicTime, ladder: Ladder) -> datetime:
    """When a patient who did not pick up is due again: as long as the ladder takes to reach everybody, the
    next round of what is urgent, the end of the next clinic day."""
    match pace:
        case Pace.EMERGENCY:
            return now + ladder.everybody * MINUTE
        case Pace.URGENT:
            return clinic.after(now, ladder.urgent * MINUTE)
        case Pace.ROUTINE:
            return clinic.end_of_next_day(now)


# --- the people


class When(StrEnum):
    """When a person on the list is on duty."""

    ALWAYS = "always"
    CLINIC = "clinic"
    OUTSIDE = "outside"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """The hours of one person. `starts` and `ends` count for `BETWEEN` only, and may span midnight."""

    when: When
    starts: time | None = None
    ends: time | None = None

    def covers(self, at: datetime, clinic: ClinicTime) -> bool:
        """Whether the person is on duty."""
        match self.when:
            case When.ALWAYS:
                return True
            case When.CLINIC:
                return clinic.is_open(at)
            case When.OUTSIDE:
                return not clinic.is_open(at)
            case When.BETWEEN:
                return self._is_between(at.astimezone(clinic.zone).time())

    def _is_between(self, clock: time) -> bool:
        if self.starts is None or self.ends is None:
            return False
        if self.starts <= self.ends:
            return self.starts <= clock < self.ends
        return clock >= self.starts or clock < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody on the list, in the order of the ladder. `paths` are the channels that reach them."""

    key: int
    paths: tuple[Channel, ...]
    on_duty: bool
    is_lead: bool = False


Telling = tuple[int, Channel]
"""A person and a channel."""


def told(pace: Pace, rung: Rung, people: Sequence[Person]) -> tuple[Telling, ...]:
    """Whom a step tells, by what. Where nobody is on duty, the lead; without one, the first on the list."""
    chosen = {person.key for person in _chosen(pace, rung, people)}
    mail_only = pace is not Pace.EMERGENCY and rung is Rung.ON_DUTY
    return tuple(
        (person.key, path) for person in people if person.key in chosen for path in _paths(person, mail_only)
    )


def _paths(person: Person, mail_only: bool) -> Iterable[Channel]:
    """What can wait a little begins with mail; who has none gets it by text."""
    return (Channel.EMAIL,) if mail_only and Channel.EMAIL in person.paths else person.paths


def _chosen(pace: Pace, rung: Rung, people: Sequence[Person]) -> Sequence[Person]:
    reached = [person for person in people if person.paths]
    if rung is Rung.INCIDENT:
        return reached
    stand_in = [person for person in reached if person.is_lead] or reached[:1]
    on_duty = [person for person in reached if person.on_duty] or stand_in
    if rung is Rung.EVERYBODY:
        return [*on_duty, *(person for person in reached if person.is_lead)]
    least = FEWEST_PATHS if pace is Pace.EMERGENCY else 1
    first = _enough(on_duty, least)
    if rung is Rung.ON_DUTY:
        return on_duty[:first]
    # The next person is told as well as, not instead of, the first; the lead where nobody is next.
    return [*on_duty[:first], *(on_duty[first : first + 1] or stand_in)]


def _enough(people: Sequence[Person], least: int) -> int:
    """How many people, in order, have so many paths together; all where there are not as many."""
    paths = 0
    for place, person in enumerate(people, start=1):
        paths += len(person.paths)
        if paths >= least:
            return place
    return len(people)
