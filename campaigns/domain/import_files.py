"""A file of rows, as spreadsheets and booking programs write it, taken apart: bytes in, cells out."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from campaigns.domain.import_terms import (
    LARGEST,
    LONGEST_CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    ImportRefused,
    Refusal,
)

SEPARATORS = ",;\t|"
_LOOKED_AT = 20
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""One line with its end, whatever machine wrote it. Nothing else ends a line inside a cell."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PACKED = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How a spreadsheet of Excel or LibreOffice begins, which is no text."""
_DATA = re.compile(r"[^\s@]+@[^\s@]+\.\w+|[+(]?\d[\d\s().-]{6,}|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")
"""What stands in a row about somebody and never in one that names columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file as rows. `rows` have the number that a spreadsheet gives them; `header` is row 1."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    encoding: str
    separator: str


def decode(data: bytes) -> tuple[str, str]:
    """The text of a file and the encoding it is in: by its mark, else UTF-8, else Windows-1252, which
    older programs here write. Raises ImportRefused for what is no text."""
    if len(data) > LARGEST:
        raise ImportRefused(Refusal.TOO_LARGE, most=LARGEST // 1024 // 1024)
    if data.startswith(_PACKED):
        raise ImportRefused(Refusal.SPREADSHEET)
    for encoding in _candidates(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, "utf-8" if encoding == "utf-8-sig" else encoding
    raise ImportRefused(Refusal.NOT_TEXT)


def _candidates(data: bytes) -> Iterator[str]:
    marked = [encoding for mark, encoding in _MARKS if data.startswith(mark)]
    if marked:
        yield from marked
        return
    # Without a mark, UTF-16 shows by the zeros of its line ends and separators.
    if data[1::2].count(0) > len(data) // 4:
        yield "utf-16-le"
    elif data[0::2].count(0) > len(data) // 4:
        yield "utf-16-be"
    yield from ("utf-8", "cp1252")


def read_table(data: bytes) -> Table:
    """The rows of a file. Raises ImportRefused, which says what to mend; rows without any text are passed
    over and still counted, so that numbers are those of the spreadsheet."""
    text, encoding = decode(data)
    if not text.strip():
        raise ImportRefused(Refusal.EMPTY)
    text, separator = _separator(text)
    records = _records(text, separator)
    header = tuple(cell.strip() for cell in next(records, []))
    _check_header(header)
    rows: list[tuple[int, tuple[str, ...]]] = []
    for number, cells in enumerate(records, start=2):
        if any(cell.strip() for cell in cells):
            if len(rows) == MOST_ROWS:
                raise ImportRefused(Refusal.TOO_MANY_ROWS, most=MOST_ROWS)
            rows.append((number, _cells(cells, len(header))))
    if not rows:
        raise ImportRefused(Refusal.NO_ROWS)
    return Table(header=header, rows=tuple(rows), encoding=encoding, separator=separator)


def _cells(cells: Sequence[str], width: int) -> tuple[str, ...]:
    """As many as the header has. Empty ones beyond it are dropped, and only those."""
    found = [cell.strip() for cell in cells]
    while len(found) > width and not found[-1]:
        found.pop()
    return (*found, *[""] * (width - len(found)))


def _separator(text: str) -> tuple[str, str]:
    """The text, and the sign that divides its first rows into most columns, all of them alike."""
    first, _, rest = text.partition("\n")
    if named := re.fullmatch(r"sep=(.)\s*", first, re.IGNORECASE):
        return rest, named.group(1)
    best, most = ",", (0, 0)
    for separator in SEPARATORS:
        widths = _widths(text, separator)
        score = (min(widths[0], 2), sum(one == widths[0] for one in widths) * widths[0])
        if score > most:
            best, most = separator, score
    return text, best


def _widths(text: str, separator: str) -> list[int]:
    """How many cells the first rows have, as far as they can be read: who reads on says what is wrong."""
    widths = []
    with suppress(ImportRefused):
        for record, _ in zip(_records(text, separator), range(_LOOKED_AT), strict=False):
            widths.append(len(record))
    return widths or [0]


def _records(text: str, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(_LINE.findall(text), delimiter=separator, strict=True)
    try:
        for record in reader:
            if any(len(cell) > LONGEST_CELL for cell in record):
                # A quote that is never closed swallows the rest of the file.
                raise ImportRefused(Refusal.LONG_CELL, line=reader.line_num, most=LONGEST_CELL)
            yield record
    except csv.Error:
        raise ImportRefused(Refusal.OPEN_QUOTE, line=reader.line_num) from None


def _check_header(header: Sequence[str]) -> None:
    if len(header) > MOST_COLUMNS:
        raise ImportRefused(Refusal.TOO_MANY_COLUMNS, most=MOST_COLUMNS)
    if not any(header) or any(_DATA.fullmatch(name) for name in header):
        raise ImportRefused(Refusal.NO_HEADER)


class _Text(list[str]):
    """What `csv.writer` writes to."""

    def write(self, text: str) -> None:
        self.append(text)


_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula when it opens the file: with an apostrophe in front."""
    starts = cell.startswith(_STARTS_A_FORMULA) or cell.lstrip().startswith(_STARTS_A_FORMULA)
    return f"'{cell}" if starts else cell


def written(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a CSV file for spreadsheets: the mark at its beginning tells them that it is UTF-8."""
    text = _Text()
    csv.writer(text).writerows([safe(cell) for cell in row] for row in rows)
    return "\ufeff" + "".join(text)
