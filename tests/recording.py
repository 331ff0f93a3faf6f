"""A pytest plugin that writes down what this code says to the database, for a later release to go by.

    CAMPAIGNS_STATEMENTS=FILE pytest -p tests.recording tests/services tests/web ...

One example of each shape that the product itself issues, its values as the tests had them, long ones cut.
`tests/test_side_by_side.py` reads the files.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.house.sources import ROOT

PRODUCT = str(ROOT / "campaigns") + os.sep
_LITERAL = re.compile(r"'((?:[^']|'')*)'(::jsonb)?")
_LONGEST = 40
_LISTS = re.compile(r"(%s)(?:, %s)+")
_ROWS = re.compile(r"(\((?:%s(?:, )?)+\))(?:, \((?:%s(?:, )?)+\))+")
_CURSOR = re.compile(r"^DECLARE .*? CURSOR (?:WITH HOLD )?FOR ")
_REMARK = re.compile(r"--[^\n]*")
_seen: dict[str, str] = {}


def _is_ours() -> bool:
    """Whether the product asks, and not a test by itself."""
    frame = sys._getframe(2)
    while frame is not None and not frame.f_code.co_filename.startswith(str(ROOT)):
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None and frame.f_code.co_filename.startswith(PRODUCT)


def _cut(literal: re.Match[str]) -> str:
    """A long value as a short one of its kind: an object or a list is empty, a text is one letter."""
    if literal[2]:
        return "'{}'::jsonb"
    if len(literal[1]) <= _LONGEST:
        return literal[0]
    return "'{}'" if literal[1].startswith("{") else "'x'"


def _record(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    result = execute(sql, params, many, context)
    shape = _ROWS.sub(r"\1", _LISTS.sub(r"\1", " ".join(_REMARK.sub("", str(sql)).split())))
    kind = shape.split(" ", 1)[0].upper()
    if kind in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"} and shape not in _seen and _is_ours():
        said = connection.ops.last_executed_query(context["cursor"], sql, params)
        if said:
            flat = _CURSOR.sub("", " ".join(_REMARK.sub("", said).split()))
            _seen[shape] = _LITERAL.sub(_cut, flat)
    return result


@pytest.fixture(autouse=True)
def recorded() -> Iterator[None]:
    """Overhear one test."""
    with connection.execute_wrapper(_record):
        yield


def pytest_sessionfinish() -> None:
    """Write what was heard."""
    if path := os.environ.get("CAMPAIGNS_STATEMENTS"):
        Path(path).write_text("\n".join(sorted(_seen.values())) + "\n", encoding="utf-8")
