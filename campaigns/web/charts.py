"""Where the marks of a chart stand. Each chart is drawn from zero, and labelled where its marks are; the
template `web/charts.html` draws it. No colour says anything that the words beside it do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH = 360
"""Of every chart, so that its words have the size of the page's on a phone."""
_ROW = 40
_PLOT_TOP, _PLOT_HEIGHT, _LEFT = 18, 96, 30
_LABELS_APART = 52


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One lying bar: its label, what stands at its end, and its length of `WIDTH`."""

    label: str
    said: str
    y: int
    length: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One point or column: its place, what is written at it, and what is written below the axis."""

    x: float
    y: float
    said: str
    below: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One line across, with the value that it stands for."""

    y: float
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart: `form` is bars, columns or line; `title` is read where it cannot be seen."""

    form: str
    title: str
    height: int
    bars: Sequence[Bar] = ()
    marks: Sequence[Mark] = ()
    levels: Sequence[Level] = ()
    column: float = 0
    width: int = WIDTH
    bottom: int = _PLOT_TOP + _PLOT_HEIGHT
    left: int = _LEFT

    @property
    def path(self) -> str:
        """The line through the points."""
        return " ".join(f"{mark.x:g},{mark.y:g}" for mark in self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One figure of a chart: None where it is not shown, and then `said` says why."""

    label: str
    value: float | None
    said: str = field(default="")


def bars(title: str, values: Sequence[Value], top: float = 0) -> Chart:
    """Lying bars, one below the other. `top` is the value of the full width, unless the longest is longer."""
    most = max([top, *(one.value or 0 for one in values)], default=0) or 1
    drawn = [
        Bar(label=one.label, said=one.said, y=place * _ROW, length=round(WIDTH * (one.value or 0) / most, 1))
        for place, one in enumerate(values)
    ]
    return Chart(form="bars", title=title, height=len(values) * _ROW, bars=drawn)


def columns(title: str, values: Sequence[Value]) -> Chart:
    """Standing columns in the order of time. Of many only the highest and the last say it."""
    top = nice_top(max((one.value or 0 for one in values), default=0))
    apart = (WIDTH - _LEFT) / max(1, len(values))
    highest = max(range(len(values)), key=lambda place: values[place].value or 0, default=0)
    every = max(1, -(-_LABELS_APART // max(1, int(apart))))
    few = apart >= _LABELS_APART / 2
    marks = [
        Mark(
            x=round(_LEFT + apart * place, 1),
            y=_height(one.value or 0, top),
            said=one.said if few or place in {highest, len(values) - 1} else "",
            below=one.label if place % every == 0 else "",
        )
        for place, one in enumerate(values)
    ]
    return _plot("columns", title, marks, top, round(apart * 0.8, 1))


def line(title: str, values: Sequence[Value], top: float) -> Chart:
    """Points with a line through them; a value that is not shown is left out of it."""
    apart = (WIDTH - _LEFT - 24) / max(1, len(values) - 1)
    marks = [
        Mark(
            x=round(_LEFT + 8 + apart * place, 1),
            y=_height(one.value, top),
            said=one.said,
            below=one.label,
        )
        for place, one in enumerate(values)
        if one.value is not None
    ]
    return _plot("line", title, marks, top, 0)


def _plot(form: str, title: str, marks: Sequence[Mark], top: float, column: float) -> Chart:
    levels = [Level(y=_height(at, top), said=f"{at:g}") for at in (0, top / 2, top)]
    height = _PLOT_TOP + _PLOT_HEIGHT + 20
    return Chart(form=form, title=title, height=height, marks=marks, levels=levels, column=column)


def _height(value: float, top: float) -> float:
    return round(_PLOT_TOP + _PLOT_HEIGHT * (1 - value / top), 1)


def nice_top(most: float) -> float:
    """The least of 2, 4, 10, 20, 40, 100 ... that is not below `most`: half of it is a round number too."""
    top = 2.0
    while top < most:
        top *= 2.5 if f"{top:g}"[0] == "4" else 2 if f"{top:g}"[0] in "12" else 1
    return top
