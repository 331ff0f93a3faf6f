"""What all benchmarks hand back, as small as they can be, and the page that they are written into."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench import tables
from bench.catalogue import BENCHMARKS
from bench.cost import as_ucs2
from tests.bench.conftest import LEFT_OUT

pytestmark = pytest.mark.load


def test_each_benchmark_ran_and_none_found_its_own_work_wrong(whole: dict[str, Any]) -> None:
    assert set(whole["benchmarks"]) == set(BENCHMARKS) - set(LEFT_OUT)
    wrong = {name: one["complaints"] for name, one in whole["benchmarks"].items() if one["complaints"]}
    assert wrong == {}


def test_equal_courses_are_planned_alike_and_copied_whole(whole: dict[str, Any]) -> None:
    rows = {row[0]: int(row[1]) for row in whole["benchmarks"]["plan"]["sheets"][0]["rows"]}
    planned, moved, planned_alone, moved_alone, copied = rows.values()
    assert list(rows)[-1] == "limit: COPY"
    assert planned + planned_alone == copied
    # Three of four patients together, one alone; two are moved, one of them alone: as many messages each.
    assert planned == 3 * planned_alone
    assert moved > 0
    assert moved_alone > 0


def test_claims_are_timed_at_both_loads(whole: dict[str, Any]) -> None:
    assert set(whole["benchmarks"]["claim-growth"]["figures"]) == {"600 usual", "600 backlog"}


def test_every_page_of_a_filled_clinic_opens(whole: dict[str, Any]) -> None:
    pages = whole["benchmarks"]["pages"]
    assert pages["sizes"]["messages"] == 60 * 42
    names = {row[0] for row in pages["sheets"][0]["rows"]}
    assert {"home", "patient", "alerts", "call list", "readiness", "a patient's form"} <= names
    assert all(page["queries"] > 0 for page in pages["figures"].values())


def test_a_course_costs_no_more_with_its_variants(whole: dict[str, Any]) -> None:
    figures = whole["benchmarks"]["cost"]["figures"]
    assert len(figures) == 14
    assert all(0 < one["segments"] <= one["without_variants"] for one in figures.values())
    assert figures["es"]["segments"] < figures["es"]["without_variants"]


@pytest.mark.parametrize(("letters", "segments"), [(70, 1), (71, 2), (134, 2), (135, 3)])
def test_one_letter_outside_the_alphabet_makes_so_many_segments(letters: int, segments: int) -> None:
    assert as_ucs2("a" * letters, single=70, part=67) == segments


def test_the_page_gets_new_figures_and_keeps_the_rest(whole: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n", encoding="utf-8")
    tables.write(whole, page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "\nold\n" not in text
    counts = Counter(line for line in text.splitlines() if line.startswith("### "))
    assert counts == Counter(["### Aims", *(f"### `{name}`" for name in whole["benchmarks"])])
    assert "| `pages` | the slowest page, p95 | under 200 ms |" in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= 120


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for figures"):
        tables.write({"benchmarks": {}, "failed": {}}, page)
    assert page.read_text(encoding="utf-8") == "nothing here\n"


def test_what_could_not_run_is_said(whole: dict[str, Any]) -> None:
    text = tables.markdown({**whole, "benchmarks": {}, "failed": {"plan": "no room"}})
    assert "### `plan`\n\nDid not run: no room" in text
