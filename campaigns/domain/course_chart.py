"""Answers of 0 to 10 plotted against a course: where each point, visit and shaded stretch stands.

Pure geometry, in the picture's own units: day 0 is the first visit, 10 is at the top. A question that nobody
answered breaks the line, so that no line is drawn through what is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

WIDTH, HEIGHT = 480, 230
LEFT, RIGHT, TOP, BOTTOM = 28, 12, 26, 40
HIGHEST = 10
MOST_TICKS = 6
STEPS = (1, 2, 7, 14, 28, 56, 84, 182, 364)
"""How many days may lie between two labels of the axis."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, on a day counted from the first visit; None where no answer came."""

    day: int
    value: int | None


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit on its day. `flares`: what was done there may leave the patient sore for a while."""

    number: int
    day: int
    booked: bool = False
    flares: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """One answer in the picture."""

    x: float
    y: float
    value: int


@dataclass(frozen=True, slots=True)
class Line:
    """One question across the course: each run of answers without a gap, and where no answer came."""

    runs: tuple[tuple[Point, ...], ...]
    gaps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Upright:
    """A visit in the picture."""

    x: float
    number: int
    booked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The whole picture. `flares` are the shaded stretches (x and width), `days` the labels of the axis."""

    lines: Mapping[str, Line]
    visits: tuple[Upright, ...]
    flares: tuple[tuple[float, float], ...]
    days: tuple[tuple[float, int], ...]

    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM

    @property
    def levels(self) -> tuple[tuple[float, int], ...]:
        """The grid: height and the answer that stands there."""
        return tuple((_y(value), value) for value in (0, 5, HIGHEST))


def draw(questions: Mapping[str, Sequence[Asked]], visits: Sequence[Stop], flare_days: int) -> Drawing | None:
    """The picture of a course; None where nothing was asked. `flare_days` is how long soreness is usual."""
    asked = [one.day for found in questions.values() for one in found]
    if not asked:
        return None
    first = min([*asked, *(visit.day for visit in visits)])
    last = max([*asked, *(visit.day for visit in visits), first + 7])
    scale = (WIDTH - LEFT - RIGHT) / (last - first)

    def across(day: float) -> float:
        return round(LEFT + (min(day, last) - first) * scale, 1)

    return Drawing(
        lines={name: _line(found, [across(one.day) for one in found]) for name, found in questions.items()},
        visits=tuple(Upright(across(visit.day), visit.number, visit.booked) for visit in visits),
        flares=tuple(
            (across(visit.day), round(across(visit.day + flare_days) - across(visit.day), 1))
            for visit in visits
            if visit.flares
        ),
        days=tuple((across(day), day) for day in _ticks(first, last)),
    )


def _line(found: Sequence[Asked], xs: Sequence[float]) -> Line:
    in_order = sorted(zip(xs, found, strict=True), key=lambda pair: pair[1].day)
    runs = [
        tuple(Point(x, _y(one.value or 0), one.value or 0) for x, one in run)
        for known, run in groupby(in_order, key=lambda pair: pair[1].value is not None)
        if known
    ]
    return Line(tuple(runs), tuple(x for x, one in in_order if one.value is None))


def _y(value: int) -> float:
    return round(HEIGHT - BOTTOM - value * (HEIGHT - BOTTOM - TOP) / HIGHEST, 1)


def _ticks(first: int, last: int) -> Iterable[int]:
    """Days with a label, counted from day 0."""
    step = next((step for step in STEPS if (last - first) / step < MOST_TICKS), STEPS[-1])
    begin = -(-first // step) * step
    return range(begin, last + 1, step)
