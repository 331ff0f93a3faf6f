"""`scale-out`: the same due texts by 1, 2 and 4 worker processes while the provider takes 100 ms for each.

Waiting for a provider costs no CPU, so more processes send more until something is used up: this says what.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from bench import machine, pipeline
from bench.figures import OURS, Run
from bench.ground import Ground
from bench.latency import LATENCY
from bench.pipeline import Options
from bench.report import Aim, Report, Sheet, middle
from campaigns.domain.recipients import Channel
from campaigns.local.progress import Advance

NAME = "scale-out"
AIM_LINEAR = 0.9
NO_HOSTS = (
    "Two worker hosts in network namespaces were not measured: a benchmark's servers listen on 127.0.0.1 "
    "alone, which no other namespace reaches."
)
_FULL = 0.85
"""Of all cores in use: then more processes can only take turns."""


def measure(
    place: Ground,
    *,
    messages: int,
    processes: Sequence[int],
    threads: int,
    runs: int,
    seed: int,
    contenders: Sequence[str],
    advance: Advance,
) -> Report:
    """Run it. Raises BenchFailed."""
    facts = machine.facts()
    options = Options(
        channel=Channel.SMS,
        messages=messages,
        latency=LATENCY,
        threads=threads,
        seed=seed,
        contenders=[OURS],
        advance=advance,
    )
    pipeline.prepare(place, options)
    kinds = {number: replace(options, processes=number) for number in processes}
    return summary(options, pipeline.in_turns(place, kinds, runs), facts)


def used(run: Run) -> float:
    """The share of all cores that this run used, of all parties together."""
    return sum(run.cpu.values()) / run.seconds / (os.cpu_count() or 1)


def limit_of(rate: float, run: Run, processes: int, threads: int) -> str:
    """What kept it from going faster."""
    if rate >= AIM_LINEAR * processes * threads / LATENCY:
        return "the threads: each waits for the provider"
    if run.busy >= _FULL and used(run) < _FULL:
        return f"the cores, shared with other work: {used(run):.0%} of them ours"
    if used(run) >= _FULL:
        most = max(run.cpu, key=lambda party: run.cpu[party])
        return f"the cores: {used(run):.0%} in use, most by the {most}"
    return f"waits between batches: {run.busy:.0%} of the cores in use"


def summary(options: Options, found: dict[int, list[Run]], facts: dict[str, str]) -> Report:
    """The figures, held against the aims."""
    rates = {number: middle([run.rate for run in runs]) for number, runs in found.items()}
    least = min(rates)
    rows, aims = [], []
    for number, runs in found.items():
        limit = limit_of(rates[number], runs[0], number, options.threads)
        linear = rates[number] / rates[least] / (number / least)
        rows.append(
            [
                f"{number} x {options.threads}",
                f"{rates[number]:,.0f}",
                f"{linear:.2f}",
                f"{used(runs[0]):.0%}",
                limit,
            ]
        )
        if number != least:
            measured = f"{linear:.2f} of linear; the limit is {limit}"
            aims.append(Aim(f"{number} processes", "within 10% of linear", measured, linear >= AIM_LINEAR))
    heads = ["processes x threads", "a second", "of linear", "cores in use", "limit"]
    return Report(
        benchmark=NAME,
        seed=options.seed,
        sizes={"messages": options.messages, "threads": options.threads},
        machine=facts,
        sheets=[Sheet(f"Worker processes, {LATENCY * 1000:.0f} ms of provider latency", heads, rows)],
        figures={str(number): rate for number, rate in rates.items()},
        aims=aims,
        notes=[NO_HOSTS],
        complaints=[complaint for runs in found.values() for run in runs for complaint in run.complaints],
    )
