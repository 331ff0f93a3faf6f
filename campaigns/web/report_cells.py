"""What a report is made of: cells that the page writes and the file holds, and when a figure is not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from campaigns.queries.reports import Sum
from campaigns.web import report_words as say
from campaigns.web.charts import Chart, Value


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what the page writes, and the bare figure for the file."""

    text: str
    raw: object
    is_number: bool = True
    link: str = ""
    month: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report: `key` names its file; `folded` is a table that is long and says the same in more detail."""

    key: str
    title: str
    note: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    charts: Sequence[Chart] = ()
    folded: bool = False

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"report-{self.key}"


def words_cell(text: str, link: str = "") -> Cell:
    """Words, and where they lead."""
    return Cell(text, text, is_number=False, link=link)


def count(n: int) -> Cell:
    """How many."""
    return Cell(say.number(n), n)


def rate(hits: int, n: int, few: bool) -> Cell:
    """A share in percent, where it speaks of enough people."""
    if few or not n:
        return no_figure(n)
    return Cell(say.percent(hits / n), round(100 * hits / n, 1))


def no_figure(n: int) -> Cell:
    """What stands where a figure would speak of single people, or of nobody."""
    text = say.too_few() if n else "\u2013"
    return Cell(text, text if n else "")


def month_cell(first: str) -> Cell:
    """A month, by its first day."""
    return Cell(say.month(date.fromisoformat(first)), first[:7], is_number=False, month=first[:7])


def share(label: str, one: Sum, written: Cell) -> Value:
    """A rate as a bar: what is not shown has no length."""
    return Value(label=label, value=None if one.few else one.hits / (one.n or 1), said=written.text)
