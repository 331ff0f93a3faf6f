"""The figures of a benchmark, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from rich.console import Console

from bench.report import Aim, Sheet, show_aims, show_facts, show_sheet

OURS, NAIVE, LIMIT = "campaigns", "naive", "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one contender: seconds from the first hint to the last outcome on record."""

    contender: str
    messages: int
    seconds: float
    cpu: Mapping[str, float]
    complaints: Sequence[str]
    busy: float = 0.0
    """The share of the machine's cores in use meanwhile, whoever used it."""

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_us(self) -> dict[str, float]:
        """CPU microseconds a message, by who used them."""
        return {name: round(used / self.messages * 1e6, 1) for name, used in self.cpu.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All runs of a benchmark, with what they depend on."""

    benchmark: str
    messages: int
    warm: int
    seed: int
    machine: Mapping[str, str]
    runs: Sequence[Run]

    @property
    def contenders(self) -> list[str]:
        """In the order in which they first ran."""
        return list(dict.fromkeys(run.contender for run in self.runs))

    @property
    def complaints(self) -> list[str]:
        """What was wrong, if anything, with whose run."""
        return [f"{run.contender}: {complaint}" for run in self.runs for complaint in run.complaints]

    def rates(self, contender: str) -> list[float]:
        """Messages a second of each of its runs."""
        return [run.rate for run in self.runs if run.contender == contender]

    def ratios(self) -> dict[str, float]:
        """How many times as fast as each peer the program is, by medians."""
        if OURS not in self.contenders:
            return {}
        ours = median(self.rates(OURS))
        return {peer: ours / median(self.rates(peer)) for peer in self.contenders if peer != OURS}

    def cpu_us(self, contender: str) -> dict[str, float]:
        """CPU microseconds a message, the median of its runs, by who used them."""
        runs = [run.cpu_us for run in self.runs if run.contender == contender]
        return {name: median(run[name] for run in runs) for name in runs[0]}


AIMS = {"pipeline-sms": {NAIVE: 20.0, LIMIT: 0.7}, "pipeline-email": {NAIVE: 12.0, LIMIT: 0.4}}
"""How many times as fast as each peer the program is to be."""


def aims(result: Result) -> list[Aim]:
    """By the peers that ran."""
    ratios = result.ratios()
    return [
        Aim(f"{OURS} / {peer}", f"{wanted:g} times", f"{ratios[peer]:.2f} times", ratios[peer] >= wanted)
        for peer, wanted in AIMS.get(result.benchmark, {}).items()
        if peer in ratios
    ]


def as_dict(result: Result) -> dict[str, object]:
    """Everything, for a machine to read."""
    summary = {
        contender: {
            "median": round(median(rates), 1),
            "min": round(min(rates), 1),
            "max": round(max(rates), 1),
            "cpu_us": result.cpu_us(contender),
        }
        for contender in result.contenders
        if (rates := result.rates(contender))
    }
    return {
        **asdict(result),
        "sizes": {"messages": result.messages, "runs": len(result.runs) / max(1, len(result.contenders))},
        "sheets": [asdict(sheet(result))],
        "aims": [asdict(aim) for aim in aims(result)],
        "a_second": summary,
        "ratios": {f"{OURS}/{peer}": round(ratio, 2) for peer, ratio in result.ratios().items()},
        "complaints": result.complaints,
    }


def as_json(result: Result) -> str:
    """The same as text."""
    return json.dumps(as_dict(result), indent=1, ensure_ascii=False)


def show(result: Result, console: Console) -> None:
    """The table, for a person."""
    show_sheet(sheet(result), console)
    for peer, ratio in result.ratios().items():
        console.print(f"{OURS} / {peer}: [bold]{ratio:.2f}[/]", highlight=False)
    show_aims(aims(result), console)
    facts = {**result.machine, "seed": str(result.seed), "warm-up": f"{result.warm} messages"}
    show_facts(facts, result.complaints, console)


def sheet(result: Result) -> Sheet:
    """The table."""
    parties = list(result.cpu_us(result.contenders[0])) if result.contenders else []
    heads = ["", "runs", "median", "min", "max", *(f"CPU us: {party}" for party in parties)]
    rows = []
    for contender in result.contenders:
        rates, cpu = result.rates(contender), result.cpu_us(contender)
        figures = [f"{rate:,.0f}" for rate in (median(rates), min(rates), max(rates))]
        used = [f"{cpu.get(party, 0):,.0f}" for party in parties]
        rows.append([contender, str(len(rates)), *figures, *used])
    return Sheet(f"{result.benchmark}: {result.messages:,} messages, messages a second", heads, rows)
