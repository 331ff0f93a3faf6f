"""What every benchmark hands back: tables, aims met or not, what was wrong; and how that is shown.

The tables come as rows of text, so that the screen, JSON and docs/performance.md (bench/tables.py) show the
same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Aim:
    """One thing that was to be reached. `met` is None where this run cannot tell."""

    what: str
    wanted: str
    measured: str
    met: bool | None

    @property
    def word(self) -> str:
        """Met, not met, or not measured."""
        return {True: "met", False: "not met", None: "not measured"}[self.met]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. The first column is words, the others figures."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One benchmark's outcome. `figures` are the same numbers for a machine; `sizes` what it was run with."""

    benchmark: str
    seed: int
    sizes: Mapping[str, float]
    machine: Mapping[str, str]
    sheets: Sequence[Sheet]
    figures: Mapping[str, object]
    aims: Sequence[Aim] = ()
    notes: Sequence[str] = ()
    complaints: Sequence[str] = field(default=())


def as_dict(report: Report) -> dict[str, object]:
    """Everything, for a machine to read."""
    return asdict(report)


def as_json(report: Report) -> str:
    """The same as text."""
    return json.dumps(as_dict(report), indent=1, ensure_ascii=False)


def show(report: Report, console: Console) -> None:
    """The tables, for a person."""
    for sheet in report.sheets:
        show_sheet(sheet, console)
    show_aims(report.aims, console)
    for note in report.notes:
        console.print(note, highlight=False)
    sizes = {name.replace("_", " "): f"{value:g}" for name, value in report.sizes.items()}
    show_facts({**report.machine, "seed": str(report.seed), **sizes}, report.complaints, console)


def show_aims(aims: Iterable[Aim], console: Console) -> None:
    """A line each."""
    for aim in aims:
        colour = {"met": "green", "not met": "yellow"}.get(aim.word, "dim")
        line = f"[{colour}]{aim.word}[/]  {aim.what}: {aim.measured} (aim: {aim.wanted})"
        console.print(line, highlight=False)


def show_facts(facts: Mapping[str, str], complaints: Iterable[str], console: Console) -> None:
    """What the figures depend on, and what was wrong."""
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()), style="dim", highlight=False)
    for complaint in complaints:
        console.print(f"[red]wrong[/]  {complaint}", highlight=False)


def show_sheet(sheet: Sheet, console: Console) -> None:
    """One table."""
    table = Table(title=sheet.title, title_justify="left", box=None, pad_edge=False)
    for place, head in enumerate(sheet.heads):
        table.add_column(head, justify="right" if place else "left")
    for row in sheet.rows:
        table.add_row(*row)
    console.print(table)


def percentile(values: Sequence[float], percent: int) -> float:
    """By the nearest of a hundred cuts; 0 for no values."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=100)[percent - 1]


def middle(values: Sequence[float]) -> float:
    """The median; 0 for no values."""
    return median(values) if values else 0.0
