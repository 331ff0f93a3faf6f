"""Medians, ratios, and the two ways in which they are shown."""

from __future__ import annotations

import io
import json

from rich.console import Console

from bench import figures
from bench.figures import LIMIT, NAIVE, OURS, Result, Run


def run(contender: str, seconds: float, *complaints: str) -> Run:
    return Run(
        contender=contender, messages=100, seconds=seconds, cpu={"sender": 0.01}, complaints=complaints
    )


def result(*runs: Run) -> Result:
    return Result(benchmark="b", messages=100, warm=10, seed=7, machine={"cores": "2"}, runs=runs)


THREE = result(
    run(OURS, 1.0), run(NAIVE, 10.0), run(LIMIT, 0.5), run(OURS, 2.0), run(NAIVE, 20.0), run(OURS, 4.0)
)


def test_ratios_are_of_medians() -> None:
    assert THREE.ratios() == {NAIVE: 50 / 7.5, LIMIT: 0.25}


def test_there_is_no_ratio_where_only_a_peer_ran() -> None:
    assert result(run(NAIVE, 1.0)).ratios() == {}


def test_cpu_is_in_microseconds_a_message() -> None:
    assert THREE.cpu_us(OURS) == {"sender": 100.0}


def test_the_json_holds_every_run_and_the_summary() -> None:
    shown = json.loads(figures.as_json(THREE))
    assert shown["a_second"][OURS] == {"median": 50.0, "min": 25.0, "max": 100.0, "cpu_us": {"sender": 100.0}}
    assert shown["ratios"] == {"campaigns/naive": 6.67, "campaigns/limit": 0.25}
    assert len(shown["runs"]) == 6
    assert shown["seed"] == 7


def test_the_table_names_what_was_wrong_and_with_whom() -> None:
    page = io.StringIO()
    figures.show(result(run(OURS, 1.0), run(NAIVE, 2.0, "1 left planned")), Console(file=page, width=120))
    assert "naive: 1 left planned" in page.getvalue()
    assert "campaigns / naive: 2.00" in page.getvalue()
