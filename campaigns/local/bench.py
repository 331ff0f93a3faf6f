"""`campaigns bench NAME`: one benchmark beside its peers, on servers of its own. Scripts are in bench/."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from campaigns.domain.errors import CampaignsError

BENCHMARKS = {"pipeline-sms": "bench.pipeline_sms", "pipeline-email": "bench.pipeline_email"}
CONTENDERS = ("campaigns", "naive", "limit")


def main(words: list[str]) -> int:
    """Run one benchmark; 0 when every check of its own work held."""
    options = _options(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return _run(options)
    except CampaignsError as error:
        print(error, file=sys.stderr)
        return 1


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaigns bench", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--messages", type=_positive, help="how many are due (20000 texts, 10000 e-mails)")
    parser.add_argument("--runs", type=_positive, default=3, help="runs of each contender, in turns (3)")
    parser.add_argument("--seed", type=int, default=1, help="which messages are drawn (1)")
    parser.add_argument("--only", choices=CONTENDERS, action="append", help="leave the others out")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args(words[1:])


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _run(options: argparse.Namespace) -> int:
    try:
        benchmark = import_module(BENCHMARKS[options.name])
        figures = import_module("bench.figures")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "bench":
            raise
        raise CampaignsError(
            "Benchmarks run from a checkout of the source: there is no bench/ here."
        ) from None
    with _progress() as advance:
        result = benchmark.measure(
            messages=options.messages or benchmark.MESSAGES,
            runs=options.runs,
            seed=options.seed,
            contenders=options.only or list(CONTENDERS),
            advance=advance,
        )
    if options.json:
        print(figures.as_json(result))
    else:
        figures.show(result, Console())
    return 1 if result.complaints else 0


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error for what is being done. Drawn seldom: that takes CPU from the measured."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=1)
    with bar:
        task = bar.add_task("starting", total=None)

        def advance(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of)

        yield advance
