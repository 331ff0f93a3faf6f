"""A sequence as a picture in time: where on one axis each step stands, days before to the left of day 0.

Near day 0 days lie further apart than far from it: most of what a sequence does happens there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Many
from dataclasses import dataclass
from math import sqrt

from campaigns.domain.overrides import hours_of
from campaigns.domain.steps import Anchor, ChannelRule, Days, Gap, Sequence, Span, Step
from campaigns.services.step_settings import Followed
from campaigns.web.step_words import ANCHORS

LEFT, RIGHT, TOP, ROW = 36.0, 256.0, 34.0, 26.0
WIDTH = 360
MINUTES_A_DAY = 24 * 60
CLOSEST = 15.0
"""Two figures on the axis that are closer than this would run into one another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One step: its number, its place, and where the file has it if that is elsewhere."""

    number: int
    x: float
    y: float
    was: float | None
    channels: tuple[str, ...]
    is_choice: bool
    """Only the first of its channels that works is used."""
    hours: str
    """By a clock of 24 hours, which needs no words."""
    off: bool
    estimated: bool
    """It goes after an answer or by the gap between visits: nobody knows the day before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All of it, in the units of the drawing. `ticks` are (x, days)."""

    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, int], ...]
    zero: float
    anchor: str
    width: int
    height: float
    bottom: float


def picture(sequence: Sequence, steps: Many[Followed], settings: dict[str, int]) -> Picture:
    """The picture of a sequence as a clinic follows it."""
    places = {one.step.key: _days(one.step, sequence, settings) for one in steps}
    before = {one.file.key: _days(one.file, sequence, settings) for one in steps}
    reach = [_bent(day) for day in (*places.values(), *before.values(), 0.0)]
    least, most = min(reach), max(reach)
    unit = (RIGHT - LEFT) / (most - least or 1.0)

    def x(day: float) -> float:
        return round(LEFT + (_bent(day) - least) * unit, 1)

    marks = tuple(
        _mark(number, one, x(places[one.step.key]), x(before[one.step.key]))
        for number, one in enumerate(steps, 1)
    )
    bottom = TOP + ROW * len(marks)
    anchors = Counter(str(ANCHORS[one.step.anchor]) for one in steps if one.step.anchor is not Anchor.ANSWER)
    return Picture(
        marks=marks,
        ticks=tuple(_ticks([(x(day), round(day)) for day in places.values()], x(0.0))),
        zero=x(0.0),
        anchor=anchors.most_common(1)[0][0] if anchors else "",
        width=WIDTH,
        height=bottom + 22,
        bottom=bottom,
    )


def _mark(number: int, one: Followed, x: float, was: float) -> Mark:
    window = hours_of(one.step)
    return Mark(
        number=number,
        x=x,
        y=TOP + ROW * (number - 0.5),
        was=was if was != x else None,
        channels=tuple(channel.value for channel in one.step.channels.names),
        is_choice=one.step.channels.rule is ChannelRule.FIRST_OF,
        hours=f"{window.opens:%H:%M} – {window.closes:%H:%M}" if window else "",
        off=one.off,
        estimated=one.step.anchor is Anchor.ANSWER or isinstance(one.step.offset, Gap),
    )


def _bent(day: float) -> float:
    return sqrt(abs(day)) * (1 if day >= 0 else -1)


def _days(step: Step, sequence: Sequence, settings: dict[str, int]) -> float:
    """Days from day 0; what follows an answer stands at the step that asks."""
    if step.anchor is Anchor.ANSWER:
        asking = next((other for other in sequence.steps if other.key == step.follows), step)
        return _days(asking, sequence, settings) if asking is not step else 0.0
    if isinstance(step.offset, Span):
        return step.offset.minutes / MINUTES_A_DAY
    if isinstance(step.offset, Days):
        return float(step.offset.resolve(settings))
    return float(step.offset.fallback_days)


def _ticks(found: list[tuple[float, int]], zero: float) -> list[tuple[float, int]]:
    """A figure for each whole day on which something goes, as far as there is room."""
    kept: list[tuple[float, int]] = []
    for x, day in sorted(set(found), key=lambda tick: (abs(tick[1]), tick[1])):
        free = all(abs(x - other) >= CLOSEST for other, _ in kept) and abs(x - zero) >= CLOSEST
        if day and free:
            kept.append((x, day))
    return sorted(kept)
