"""Pictures of blocks: what they are, how they are kept in one PNG a language, and how two are compared.

A block is 32 by 8 pixels of a page: letters become grey, while headings, boxes, buttons and sides remain.
Two pictures are aligned row by row first, because another release of a font makes a page longer or shorter
here and there. What is left over is told as one of three figures, each with the most that passes.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import sub

COLUMNS = 12
ROW = 8
"""Pixels of the page that one row of blocks is high."""

MOST_MISSING = 5
MOST_COLOUR = 0.024
MOST_INK = 0.45
MOST_SIDES = 0.2
"""What passes: rows in one piece without a counterpart; the mean difference in colour of a few rows; more or
less ink; ink elsewhere between left and right. Found by trying: see test_pictures.py for what must show."""
FEW = 10
GAP = 0.035
"""What leaving a row out costs, beside pairing it with one that differs."""

Row = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Picture:
    """Rows of `COLUMNS` blocks, three bytes each."""

    blocks: bytes

    @property
    def height(self) -> int:
        """How many rows."""
        return len(self.blocks) // (3 * COLUMNS)

    @cached_property
    def ink(self) -> list[float]:
        """How much darker each column is than the lightest block of its row, over the whole height."""
        greys = [_features(self.row(number))[0] for number in range(self.height)]
        return [sum(max(grey) - grey[column] for grey in greys) for column in range(COLUMNS)]

    @cached_property
    def rows(self) -> list[Row]:
        """Each row as grey and as colour, each smoothed over its neighbours: lines of text shift."""
        plain = [_features(self.row(number)) for number in range(self.height)]
        return [_mean(plain[max(number - 1, 0) : number + 2]) for number in range(self.height)]

    def row(self, number: int) -> bytes:
        """The bytes of one row; white below the end."""
        found = self.blocks[number * 3 * COLUMNS : (number + 1) * 3 * COLUMNS]
        return found or b"\xff" * (3 * COLUMNS)


def _features(row: bytes) -> Row:
    """Grey, and how red and how blue: text is nearly grey, so its wrapping hardly touches the colours."""
    cells = [row[at : at + 3] for at in range(0, len(row), 3)]
    grey = tuple((r + g + b) / 765 for r, g, b in cells)
    return grey, tuple(part / 255 for r, g, b in cells for part in (r - g, b - g))


def _mean(rows: list[Row]) -> Row:
    grey, colour = (
        tuple(sum(values) / len(rows) for values in zip(*kind, strict=True))
        for kind in zip(*rows, strict=True)
    )
    return grey, colour


def _apart(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return math.fsum(map(abs, map(sub, one, other))) / len(one)


@dataclass(frozen=True, slots=True)
class Difference:
    """How two pictures differ, in the four figures."""

    missing: int
    colour: float
    ink: float
    sides: float

    @property
    def shows(self) -> bool:
        """Whether a person would see it."""
        return (
            self.missing > MOST_MISSING
            or self.colour > MOST_COLOUR
            or self.ink > MOST_INK
            or self.sides > MOST_SIDES
        )

    def __str__(self) -> str:
        return (
            f"{self.missing * ROW} pixels in one piece without a counterpart ({MOST_MISSING * ROW} pass), "
            f"colour {self.colour:.3f} ({MOST_COLOUR}), ink {self.ink:.0%} ({MOST_INK:.0%}), "
            f"left and right {self.sides:.0%} ({MOST_SIDES:.0%})"
        )


def compare(reference: Picture, now: Picture) -> Difference:
    """What changed from one picture to the other."""
    if reference.blocks == now.blocks:
        return Difference(0, 0.0, 0.0, 0.0)
    pairs = _align(reference.rows, now.rows)
    replaced = _replaced([*pairs, (reference.height, now.height)])
    colour = [_apart(reference.rows[i][1], now.rows[j][1]) for i, j in replaced]
    before, after = (max(sum(picture.ink), 0.001) for picture in (reference, now))
    shares = zip(reference.ink, now.ink, strict=True)
    return Difference(
        missing=_longest_gap(pairs, reference.height, now.height),
        colour=max((sum(colour[at : at + FEW]) / FEW for at in range(len(colour))), default=0.0),
        ink=abs(after - before) / before,
        sides=sum(abs(one / before - other / after) for one, other in shares),
    )


def _replaced(pairs: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The pairs, and between them row by row what stands in both pictures but is too unlike for a pair."""
    for (i, j), (below, after) in pairwise([(-1, -1), *pairs]):
        yield from zip(range(i + 1, below), range(j + 1, after), strict=False)
        if (below, after) != pairs[-1]:
            yield below, after


def _longest_gap(pairs: list[tuple[int, int]], first: int, second: int) -> int:
    """The most rows in one piece that only one of the two has."""
    ends = [(-1, -1), *pairs, (first, second)]
    return max(abs((b[0] - a[0]) - (b[1] - a[1])) for a, b in pairwise(ends))


def _align(first: list[Row], second: list[Row]) -> list[tuple[int, int]]:
    """Which row stands for which: the cheapest way down both, within a band around the diagonal."""
    height, width = len(first), len(second)
    reach = abs(height - width) + 8 + max(height, width) // 10
    costs: list[dict[int, tuple[float, int]]] = [{j: (j * GAP, 2) for j in range(min(reach, width) + 1)}]
    for i in range(1, height + 1):
        costs.append(_line(first[i - 1], second, i, reach, costs[-1]))
    return list(_back(costs, height, width))[::-1]


def _line(
    row: Row, second: list[Row], i: int, reach: int, above: dict[int, tuple[float, int]]
) -> dict[int, tuple[float, int]]:
    """The cheapest ways to each row of the second picture, with the step that led there: 0 pair, 1, 2 gap."""
    line: dict[int, tuple[float, int]] = {}
    far = (float("inf"), 0)
    for j in range(max(0, i - reach), min(len(second), i + reach) + 1):
        ways = [(above.get(j, far)[0] + GAP, 1), (line.get(j - 1, far)[0] + GAP, 2)]
        if j:
            other = second[j - 1]
            apart = _apart(row[0], other[0]) + _apart(row[1], other[1])
            ways.append((above.get(j - 1, far)[0] + apart, 0))
        line[j] = min(ways)
    return line


def _back(costs: list[dict[int, tuple[float, int]]], i: int, j: int) -> Iterator[tuple[int, int]]:
    while i and j:
        step = costs[i][j][1]
        if step == 0:
            yield i - 1, j - 1
        i, j = i - (step != 2), j - (step != 1)


# --- one PNG a language: the pictures side by side, their names and heights in a text chunk


def to_png(pictures: Mapping[str, Picture]) -> bytes:
    """All pictures of a language as one image."""
    height = max(picture.height for picture in pictures.values())
    lines = [
        b"\0" + b"".join(picture.row(number) for picture in pictures.values()) for number in range(height)
    ]
    header = struct.pack(">IIBBBBB", COLUMNS * len(pictures), height, 8, 2, 0, 0, 0)
    names = json.dumps({name: picture.height for name, picture in pictures.items()})
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", header),
            (b"tEXt", b"pictures\0" + names.encode("ascii")),
            (b"IDAT", zlib.compress(b"".join(lines), 9)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def from_png(image: bytes) -> dict[str, Picture]:
    """The pictures again; reads only what `to_png` writes."""
    chunks = dict(_chunks(image))
    heights: dict[str, int] = json.loads(chunks[b"tEXt"].partition(b"\0")[2])
    data, stride = zlib.decompress(chunks[b"IDAT"]), 1 + 3 * COLUMNS * len(heights)
    found = {}
    for place, (name, height) in enumerate(heights.items()):
        start = 1 + 3 * COLUMNS * place
        starts = (start + stride * number for number in range(height))
        found[name] = Picture(b"".join(data[at : at + 3 * COLUMNS] for at in starts))
    return found


def _chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(image):
        (length,) = struct.unpack(">I", image[at : at + 4])
        yield image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        at += 12 + length
