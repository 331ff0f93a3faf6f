"""Which benchmarks there are, and the sizes of each: quick, full (those that the aims speak of) and tiny."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import eta, figures, plan

Size = int | Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One size: what it is, and how large. A list may be given with commas."""

    help: str
    quick: Size
    full: Size
    tiny: Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One benchmark: its module, what it does, its sizes by name. `stays`: its database may be kept."""

    module: str
    help: str
    sizes: Mapping[str, Option]
    stays: bool = False


CONTENDERS = (figures.OURS, figures.NAIVE, figures.LIMIT, plan.ETA)

_RUNS = Option(help="runs of each contender, in turns", quick=3, full=3, tiny=1)

BENCHMARKS: Mapping[str, Benchmark] = {
    "pipeline-sms": Benchmark(
        module="bench.pipeline_sms",
        help="due texts, until each is sent and recorded",
        sizes={
            "messages": Option(help="how many are due", quick=2_000, full=20_000, tiny=40),
            "runs": _RUNS,
        },
    ),
    "pipeline-email": Benchmark(
        module="bench.pipeline_email",
        help="due e-mails, until each is sent and recorded",
        sizes={
            "messages": Option(help="how many are due", quick=1_500, full=10_000, tiny=40),
            "runs": _RUNS,
        },
    ),
    "pipeline-latency": Benchmark(
        module="bench.latency",
        help="due texts while the provider takes 100 ms for each",
        sizes={
            "messages": Option(help="how many are due", quick=4_000, full=10_000, tiny=40),
            "threads": Option(
                help="sender threads a process", quick=(16, 64, 256), full=(16, 64, 256), tiny=(16,)
            ),
            "runs": Option(help="runs of each", quick=1, full=3, tiny=1),
            "seconds": Option(help="of the steady feed", quick=10, full=30, tiny=1),
        },
    ),
    "inbound": Benchmark(
        module="bench.inbound",
        help="texts of patients, until each is understood or shown to a person",
        sizes={
            "rate": Option(help="texts a second", quick=500, full=500, tiny=20),
            "seconds": Option(help="how long they come", quick=10, full=60, tiny=1),
            "half": Option(help="1: again at half the rate that was answered", quick=1, full=1, tiny=0),
        },
    ),
    "plan": Benchmark(
        module="bench.plan",
        help="whole courses planned, and their visits moved",
        sizes={
            "patients": Option(help="how many", quick=500, full=100_000, tiny=4),
            "doubled": Option(
                help=f"ETA tasks that wait {eta.WAIT} s, whose every run counts", quick=200, full=500, tiny=0
            ),
            "profile": Option(help="1: say where the time goes; slower", quick=0, full=0, tiny=0),
        },
    ),
    "claim-growth": Benchmark(
        module="bench.claim_growth",
        help="claims of 500 as the waiting rows grow",
        sizes={
            "rows": Option(
                help="that wait; ten times as many have gone",
                quick=(10_000, 100_000),
                full=(100_000, 1_000_000, 10_000_000),
                tiny=(600,),
            ),
            "claims": Option(help="claims of each", quick=20, full=40, tiny=3),
        },
    ),
    "pages": Benchmark(
        module="bench.pages",
        help="the pages of a large clinic, signed in",
        sizes={
            "patients": Option(help="how many, each with 42 messages", quick=5_000, full=50_000, tiny=60),
            "readings": Option(help="of each page", quick=10, full=30, tiny=1),
        },
        stays=True,
    ),
    "scale-out": Benchmark(
        module="bench.scale_out",
        help="1, 2 and 4 worker processes while the provider takes 100 ms",
        sizes={
            "messages": Option(help="how many are due", quick=3_000, full=10_000, tiny=40),
            "processes": Option(help="worker processes", quick=(1, 2, 4), full=(1, 2, 4), tiny=(1,)),
            "threads": Option(help="sender threads a process", quick=64, full=64, tiny=16),
            "runs": Option(help="runs of each", quick=1, full=3, tiny=1),
        },
    ),
    "footprint": Benchmark(
        module="bench.footprint",
        help="memory of every process, and the cold start",
        sizes={
            "messages": Option(help="how many are due, for the load", quick=2_000, full=10_000, tiny=40),
            "starts": Option(help="how often it starts", quick=3, full=3, tiny=1),
            "seconds": Option(help="of rest before it is weighed", quick=3, full=10, tiny=0),
        },
    ),
    "cost": Benchmark(module="bench.cost", help="segments and price of a course, by language", sizes={}),
}

ALL = "all"
