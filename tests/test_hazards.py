"""docs/hazards.md has every hazard once, with controls, what is left, and tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.house.sources import ROOT, sources
from tests.test_promises import Row, ids_in, named, numbers, rows

WANTED = [f"H{number}" for number in range(1, 24)]
WIDTH, MATRIX, TESTS = 8, 4, 6
"""Cells of a row; which of them is severity and likelihood, and which names the tests."""


def faults(row: Row, known: set[str]) -> list[str]:
    """What is wrong with one row."""
    tests = named(row[TESTS]) if len(row) == WIDTH else []
    wrong = {
        "not as wide as the table": len(row) != WIDTH,
        "an empty cell": not all(row),
        "no severity and likelihood of 1 to 5": not re.fullmatch(r"[1-5] x [1-5]", row[MATRIX]),
        "no test": not tests,
        "something beside tests": bool(re.sub(r"`tests/[^`]*`|[, ]", "", row[TESTS])) if tests else False,
        "a test twice": len(tests) > len(set(tests)),
        **{f"there is no {name}": name not in known for name in tests},
    }
    return [f"{row[0]}: {what}" for what, is_so in wrong.items() if is_so]


def test_every_hazard_has_one_row_with_tests_that_exist() -> None:
    table = rows((ROOT / "docs/hazards.md").read_text(encoding="utf-8"), "Hazards")
    assert numbers(table) == WANTED
    found = [one for one in sources() if one.path.startswith("tests/")]
    # None of them is skipped: tests/test_architecture.py refuses every mark that does it.
    known = {name for one in found for name in ids_in(one.path, one.tree)}
    assert [fault for row in table for fault in faults(row, known)] == []


KNOWN = {"tests/test_a.py::test_b"}
WHOLE = ("**H1**", "hazard", "cause", "effect", "4 x 2", "controls", "`tests/test_a.py::test_b`", "left")


@pytest.mark.parametrize(
    ("cell", "says", "fault"),
    [
        (0, "**H1**", ""),
        (7, "", "an empty cell"),
        (4, "4", "no severity and likelihood of 1 to 5"),
        (4, "6 x 1", "no severity and likelihood of 1 to 5"),
        (6, "surely", "no test"),
        (6, "`tests/test_a.py::test_c`", "there is no tests/test_a.py::test_c"),
        (6, "`tests/test_a.py`", "there is no tests/test_a.py"),
        (6, "`tests/test_a.py::test_b`, `tests/test_a.py::test_b`", "a test twice"),
        (6, "`tests/test_a.py::test_b` and more", "something beside tests"),
    ],
)
def test_a_fault_of_a_hazard_is_seen(cell: int, says: str, fault: str) -> None:
    row = (*WHOLE[:cell], says, *WHOLE[cell + 1 :])
    found = faults(row, KNOWN)
    assert f"**H1**: {fault}" in found if fault else found == []
