"""What benchmarks make of their figures: aims met or not, limits, memory that processes share."""

from __future__ import annotations

import io
import os

import pytest
from rich.console import Console

from bench import claim_growth, footprint, inbound, latency, machine, plan, report, scale_out
from bench.claim_growth import Size
from bench.figures import LIMIT, OURS, Run
from bench.footprint import Seen
from bench.pipeline import Options
from bench.plan import Outcome, Work
from bench.report import Aim, Report, percentile
from campaigns.domain.recipients import Channel

FACTS = {"cores": "2", "load before": "0.10 0.20 0.30"}
OPTIONS = Options(channel=Channel.SMS, messages=100, threads=64)
MIB = 2**20


def met(found: Report) -> dict[str, bool | None]:
    return {aim.what: aim.met for aim in found.aims}


def ran(rate: float, cpu: float, busy: float) -> Run:
    return Run(
        contender=OURS,
        messages=100,
        seconds=100 / rate,
        cpu=dict.fromkeys(("sender", "postgresql", "other end"), cpu / 3),
        complaints=(),
        busy=busy,
    )


@pytest.mark.parametrize(
    ("rate", "ours", "busy", "limit"),
    [
        (640.0, 0.2, 0.3, "the threads"),
        (300.0, 1.8, 0.95, "the cores: 90%"),
        (300.0, 0.4, 0.95, "shared with other work: 20%"),
        (300.0, 0.4, 0.3, "waits between batches"),
    ],
)
def test_the_limit_of_more_processes_is_named(
    rate: float, ours: float, busy: float, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    run = Run(contender=OURS, messages=1, seconds=1.0, cpu={"sender": ours}, complaints=(), busy=busy)
    assert limit in scale_out.limit_of(rate, run, processes=1, threads=64)


def test_more_processes_are_held_against_the_first() -> None:
    found = scale_out.summary(
        OPTIONS, {1: [ran(500, 0.1, 0.5)], 2: [ran(950, 0.1, 0.9)], 4: [ran(990, 0.1, 1.0)]}, FACTS
    )
    assert met(found) == {"2 processes": True, "4 processes": False}
    assert [row[2] for row in found.sheets[0].rows] == ["1.00", "0.95", "0.49"]


def test_a_steady_feed_is_held_against_its_aim() -> None:
    fed = latency.Feed(rate=475.0, threads=64, waits=[0.5] * 90 + [2.5] * 10, complaints=["1 left planned"])
    found = latency.summary(OPTIONS, {64: [ran(950, 0.1, 0.5)]}, {64: 950.0}, fed, 10, FACTS)
    assert list(met(found).values()) == [False, False]
    assert found.sheets[0].rows[0][:4] == ["2 x 64", "1", "950", "1,280"]
    assert found.sheets[1].rows == [["2 x 64", "475", "100", "0.50", "2.50"]]
    assert found.complaints == ["1 left planned"]


@pytest.mark.parametrize(
    ("ours", "bare", "met"),
    [(300.0, 350.0, True), (200.0, 350.0, False), (495.0, 500.0, None), (300.0, 500.0, False)],
)
def test_a_bare_view_that_keeps_up_proves_no_more_than_a_miss(
    ours: float, bare: float, met: bool | None
) -> None:
    runs = [
        inbound.Run(
            contender=contender,
            sent=1,
            refused=0,
            lost=0,
            unfinished=0,
            doubled=0,
            rate=rate,
            latency=[0.01],
            alerted=[],
            unalerted=0,
            drained=0.0,
            cpu={},
        )
        for contender, rate in ((OURS, ours), (LIMIT, bare))
    ]
    found = inbound.Result(rate=500, seconds=10, seed=1, machine=FACTS, runs=runs)
    assert [aim.met for aim in inbound.aims(found)] == [met]


def test_memory_is_held_against_its_aims() -> None:
    seen = Seen(
        rest={"worker": 90 * MIB, "web": 200 * MIB},
        load={"worker": 150 * MIB, "web": 400 * MIB},
        starts=[2.0, 9.0, 3.0],
        servers=0.2,
    )
    found = footprint.summary(seen, OPTIONS, 3, FACTS)
    assert met(found) == {
        "start to first send": True,
        "the worker under load": True,
        "the whole stack under load": False,
    }
    assert found.sheets[0].rows[-1] == ["the whole stack", "290", "550"]


def test_without_load_nothing_is_said_about_memory_under_it() -> None:
    found = footprint.summary(Seen(rest={"worker": 1.0}, starts=[6.0]), OPTIONS, 0, FACTS)
    assert met(found) == {"start to first send": False}


def test_a_process_and_its_children_are_weighed() -> None:
    assert machine.memory(os.getpid()) > 20 * MIB


def test_a_plan_is_held_against_copy_and_eta() -> None:
    work = Work(messages=1_000, seconds=2.0, cpu={"python": 1.0, "postgresql": 0.5})
    eta = {
        "enrolled": 1_000.0,
        "a_second": 250.0,
        "redis_bytes": 980.0,
        "worker_bytes": 7_000.0,
        "messages": 200.0,
        "executions": 400.0,
    }
    found = plan.summary(Outcome(planned=work, moved=work, copied=work, eta=eta), 27, 1, FACTS)
    assert met(found) == {"messages planned": False, "messages moved": False}
    assert found.sheets[0].rows[0] == ["planned", "1,000", "2.00", "500", "1,000", "500", ""]
    assert ["planned by campaigns / enrolled by eta", "2.00"] in found.sheets[1].rows
    assert ["their executions, when a second worker joins", "400"] in found.sheets[1].rows


def claims(waiting: int, took: float) -> Size:
    return Size(waiting=waiting, load="usual", claims=[took] * 20, empty=[0.3] * 20, wrong=())


def test_growth_is_judged_over_the_hundredfold_and_earlier_only_when_it_is_too_much() -> None:
    growth = {
        fold: met(claim_growth.summary([claims(100, 10.0), claims(100 * fold, took)], 1, 20, FACTS))
        for fold, took in ((100, 19.0), (10, 15.0), (50, 30.0))
    }
    assert [list(one.values()) for one in growth.values()] == [[True, True], [True, None], [True, False]]


def test_a_report_shows_its_tables_aims_notes_and_what_was_wrong() -> None:
    page = io.StringIO()
    sheet = report.Sheet("Pages", ["page", "p95 ms"], [["home", "12"]])
    shown = Report(
        benchmark="pages",
        seed=7,
        sizes={"patients": 5},
        machine=FACTS,
        sheets=[sheet],
        figures={},
        aims=[Aim("the slowest page", "under 200 ms", "12 ms", True)],
        notes=["A note."],
        complaints=["home: answered with 500"],
    )
    report.show(shown, Console(file=page, width=120))
    text = page.getvalue()
    for words in ("Pages", "home", "met  the slowest page: 12 ms (aim: under 200 ms)", "A note.", "seed 7"):
        assert words in text
    assert "wrong  home: answered with 500" in text


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [([], 95, 0.0), ([3.0], 50, 3.0), (list(map(float, range(1, 100))), 95, 95.0)],
)
def test_percentiles_of_few_and_many(values: list[float], percent: int, found: float) -> None:
    assert percentile(values, percent) == found
