"""Files for spreadsheets: nothing in a cell is run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""What a spreadsheet would run: such a cell gets an apostrophe in front."""


def lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV. Numbers stay numbers, a minus before them included."""
    text = io.StringIO()
    csv.writer(text).writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: object) -> str:
    """One cell."""
    if isinstance(value, (int, float)):
        return str(value)
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(STARTS_A_FORMULA) else text


def csv_file(name: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A file to save. The mark at its beginning tells spreadsheets that it is UTF-8."""
    return HttpResponse(
        "\ufeff" + lines([headers, *rows]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
