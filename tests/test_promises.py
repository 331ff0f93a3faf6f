"""docs/promises.md has one row for every promise and fault: with tests that exist, or with what lacks."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.sources import ROOT, source, sources

WANTED = {
    "Promises": ([f"I{number}" for number in range(1, 26)], 3),
    "Faults": ([f"F{number}" for number in range(1, 46)], 4),
    "Front desk": ([f"D{number}" for number in range(1, 13)], 3),
}
"""Section -> the numbers that have a row, and how many cells a row has."""
WHOLE, NONE = "shown: ", "not shown yet: "
VERDICTS = (WHOLE, "shown in part: ", NONE)
"""How the last cell of a row begins. Only the whole needs no words on what lacks, only nothing no tests."""

Row = tuple[str, ...]


def rows(page: str, title: str) -> list[Row]:
    """The cells of every row under a heading of the second level, without the head of its table."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    lines = dict(zip(parts[1::2], parts[2::2], strict=True))[title].splitlines()
    found = [cells(line) for line in lines if line.startswith("|")]
    return found[2:]


def cells(line: str) -> Row:
    """What stands between the bars of one line of a table."""
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def numbers(table: list[Row]) -> list[str]:
    """The first cells, which are bold."""
    return [row[0].strip("*") for row in table]


def named(cell: str) -> list[str]:
    """What the cell names from the tests: files, and tests in them."""
    return re.findall(r"`(tests/[^`]*)`", cell)


def ids_in(path: str, tree: ast.Module) -> set[str]:
    """The node ids of a file, without parameters."""
    found = set()
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        place = f"{path}::{node.name}" if isinstance(node, ast.ClassDef) else path
        found |= {f"{place}::{one.name}" for one in inside if isinstance(one, ast.FunctionDef)}
    return {name for name in found if name.rpartition("::")[2].startswith("test_")}


def faults(row: Row, known: set[str]) -> list[str]:
    """What is wrong with one row."""
    last, tests = row[-1], named(row[-1])
    lacks = re.sub(r"`tests/[^`]*`", "", last).partition(":")[2].strip(" ,")
    wrong = {
        "an empty cell": not all(row),
        "does not say whether it is shown": not last.startswith(VERDICTS),
        "says what lacks without a need, or not although it must": bool(lacks) is last.startswith(WHOLE),
        "has tests without a need, or none although it must": bool(tests) is last.startswith(NONE),
        "a test twice": len(tests) > len(set(tests)),
        **{f"there is no {name}": name not in known for name in tests},
    }
    return [f"{row[0]}: {what}" for what, is_so in wrong.items() if is_so]


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs/promises.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Every test that there is."""
    found = [one for one in sources() if one.path.startswith("tests/")]
    return {name for one in found for name in ids_in(one.path, one.tree)}


@pytest.mark.parametrize("title", WANTED)
def test_every_number_has_one_row_and_no_row_is_empty(page: str, title: str) -> None:
    table, (wanted, width) = rows(page, title), WANTED[title]
    assert numbers(table) == wanted
    assert {len(row) for row in table} == {width}


@pytest.mark.parametrize("title", WANTED)
def test_every_row_names_tests_that_exist_or_says_that_there_is_none(
    page: str, known: set[str], title: str
) -> None:
    assert [fault for row in rows(page, title) for fault in faults(row, known)] == []


# --- the readers of these tests see what they should

KNOWN = {"tests/test_a.py::test_b"}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("**I1**", "x", "shown: `tests/test_a.py::test_b`"), ""),
        (("**I1**", "x", "shown in part: half of it. `tests/test_a.py::test_b`"), ""),
        (("**I1**", "x", "not shown yet: nobody looked."), ""),
        (("**I1**", "", "shown: `tests/test_a.py::test_b`"), "an empty cell"),
        (("**I1**", "x", ""), "an empty cell"),
        (("**I1**", "x", "shown: `tests/test_a.py::test_c`"), "there is no tests/test_a.py::test_c"),
        (("**I1**", "x", "shown: `tests/test_a.py`"), "there is no tests/test_a.py"),
        (("**I1**", "x", "shown: `tests/test_a.py::test_b[1]`"), "there is no tests/test_a.py::test_b[1]"),
        (
            ("**I1**", "x", "shown: `tests/test_a.py::test_b`, `tests/test_a.py::test_b`"),
            "a test twice",
        ),
        (("**I1**", "x", "`tests/test_a.py::test_b`"), "does not say whether it is shown"),
        (("**I1**", "x", "shown: surely."), "has tests without a need, or none although it must"),
        (("**I1**", "x", "shown in part: half of it."), "has tests without a need, or none although it must"),
        (
            ("**I1**", "x", "not shown yet: `tests/test_a.py::test_b`"),
            "has tests without a need, or none although it must",
        ),
        (
            ("**I1**", "x", "shown in part: `tests/test_a.py::test_b`"),
            "says what lacks without a need, or not although it must",
        ),
        (
            ("**I1**", "x", "shown: half of it. `tests/test_a.py::test_b`"),
            "says what lacks without a need, or not although it must",
        ),
    ],
)
def test_a_fault_of_a_row_is_seen(row: Row, fault: str) -> None:
    found = faults(row, KNOWN)
    assert f"**I1**: {fault}" in found if fault else found == []


def test_a_table_is_read_under_its_own_heading() -> None:
    text = "# P\n\n## A\n\n| | x |\n| --- | --- |\n| **I1** | y |\n\n## B\n\n| | z |\n| --- | --- |\n"
    assert (rows(text, "A"), rows(text, "B")) == ([("**I1**", "y")], [])
    assert numbers(rows(text, "A")) == ["I1"]
    assert cells("| **I1** | | z |") == ("**I1**", "", "z")


def test_tests_are_found_by_themselves_and_in_classes_and_helpers_are_not() -> None:
    text = "def test_a(): ...\ndef b(): ...\nclass TestC:\n    def test_d(self): ...\n    def e(self): ...\n"
    found = ids_in("tests/test_x.py", source("tests/test_x.py", text).tree)
    assert found == {"tests/test_x.py::test_a", "tests/test_x.py::TestC::test_d"}
