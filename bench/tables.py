"""The tables of docs/performance.md, from what `campaigns bench all --json` prints: `python -m bench.tables
FILE`.

What stands between the two markers is written anew; all else in the page stays.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from campaigns.local.processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_WIDTH = 120


def write(document: Mapping[str, Any], page: Path = PAGE) -> None:
    """Put the tables of a whole run into the page. Raises ValueError where the markers are not there."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for figures: {BEGIN} ... {END}")
    page.write_text(f"{before}{BEGIN}\n\n{markdown(document)}\n{END}{after}", encoding="utf-8")


def markdown(document: Mapping[str, Any]) -> str:
    """All tables: first the aims, then each benchmark's own."""
    found = document["benchmarks"]
    lines = [*_head(document), "", "### Aims", "", *_aims(found)]
    for name, one in found.items():
        lines += ["", f"### `{name}`", "", *_benchmark(one)]
    for name, why in document["failed"].items():
        lines += ["", f"### `{name}`", "", f"Did not run: {why}"]
    return "\n".join([*lines, ""])


def _head(document: Mapping[str, Any]) -> Iterator[str]:
    facts = ", ".join(f"{name} {value}" for name, value in document["machine"].items())
    seconds = document["took_seconds"]
    yield from _wrapped(
        f"One run of `campaigns bench all`, sizes {document['scale']}, seed {document['seed']}, "
        f"{seconds / 60:.0f} minutes. {facts}."
    )


def _wrapped(text: str) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + len(word) >= _WIDTH:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line


def _aims(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [f"`{name}`", aim["what"], aim["wanted"], aim["measured"], _word(aim["met"])]
        for name, one in found.items()
        for aim in one["aims"]
    ]
    yield from _table(["benchmark", "what", "aim", "measured", ""], rows)


def _word(met: bool | None) -> str:
    return {True: "met", False: "**not met**", None: "not measured"}[met]


def _benchmark(one: Mapping[str, Any]) -> Iterator[str]:
    sizes = ", ".join(f"{name.replace('_', ' ')} {value:,g}" for name, value in one["sizes"].items())
    load = one["machine"]["load before"]
    yield from _wrapped(". ".join(part for part in (sizes, f"Load before: {load}") if part) + ".")
    for sheet in one["sheets"]:
        yield ""
        yield f"{sheet['title']}:"
        yield ""
        yield from _table(sheet["heads"], sheet["rows"])
    for line in [*one.get("notes", ()), *(f"**Wrong:** {wrong}" for wrong in one["complaints"])]:
        yield ""
        yield from _wrapped(line)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    first = list(heads)
    yield f"| {' | '.join(first)} |"
    yield f"| {' | '.join('---' for _ in first)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
