"""Statements that are kept in files of SQL, cut at the lines that begin with `-- name:`."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def statements(file: str) -> dict[str, str]:
    """The statements of a file beside this one, by name."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    parts = text.split("-- name: ")[1:]
    return {
        name.strip(): body.strip().rstrip(";") for name, _, body in (one.partition("\n") for one in parts)
    }
