"""A course as a picture: strips of four weeks with a mark for each visit and a dot for each message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from campaigns.services.enroll import NewVisit
from campaigns.services.preview import PreviewedMessage

DAYS = 28
WIDTH = 12
"""Units of a day; a strip is 336 wide, as a phone is."""
FLOOR = 62
"""Where the line of the days lies."""
STEP = 9
"""Units from one dot to the next above it."""
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dot:
    """One message: where it is, and which."""

    x: int
    y: int
    message: PreviewedMessage


@dataclass(frozen=True, slots=True)
class Mark:
    """One visit."""

    x: int
    number: int
    kind: str


@dataclass(slots=True)
class Strip:
    """Four weeks from a Monday on."""

    first: date
    marks: list[Mark] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)

    @property
    def weeks(self) -> list[tuple[int, date]]:
        """Where each week begins, and its Monday."""
        return [(place * WIDTH, self.first + place * ONE_DAY) for place in range(0, DAYS, 7)]

    def x(self, day: date) -> int:
        """The middle of a day."""
        return (day - self.first).days * WIDTH + WIDTH // 2


@dataclass(slots=True)
class Day:
    """One day of the course: its visits by number, and its messages by their place in the preview, each with
    its hour at the clinic."""

    date: date
    visits: list[tuple[int, NewVisit]] = field(default_factory=list)
    messages: list[tuple[int, time, PreviewedMessage]] = field(default_factory=list)


def days(visits: Sequence[NewVisit], preview: Iterable[PreviewedMessage], zone: ZoneInfo) -> list[Day]:
    """The course day by day, days with nothing on them left out. Days are the clinic's."""
    found: dict[date, Day] = {}
    for number, visit in numbered(visits):
        found.setdefault(visit.on_date, Day(visit.on_date)).visits.append((number, visit))
    for place, message in enumerate(preview):
        at = message.send_at.astimezone(zone)
        found.setdefault(at.date(), Day(at.date())).messages.append((place, at.time(), message))
    return [found[day] for day in sorted(found)]


def numbered(visits: Iterable[NewVisit]) -> Iterator[tuple[int, NewVisit]]:
    """Visits with the numbers that they would get."""
    return enumerate(sorted(visits, key=lambda visit: (visit.on_date, visit.at_time)), start=1)


def strips(course: Sequence[Day], going: Iterable[str]) -> list[Strip]:
    """The picture. Messages whose state is not in `going` are left out, and so are weeks with nothing."""
    found: list[Strip] = []
    states = frozenset(going)
    for one in course:
        if not found or (one.date - found[-1].first).days >= DAYS:
            found.append(Strip(one.date - one.date.weekday() * ONE_DAY))
        strip = found[-1]
        x = strip.x(one.date)
        strip.marks += [Mark(x, number, visit.kind.value) for number, visit in one.visits]
        shown = [message for _, _, message in one.messages if message.state in states]
        strip.dots += [Dot(x, FLOOR - 8 - place * STEP, message) for place, message in enumerate(shown)]
    return found
