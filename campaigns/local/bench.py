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

PIPELINES = {"pipeline-sms": "bench.pipeline_sms", "pipeline-email": "bench.pipeline_email"}
INBOUND = "inbound"
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
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME", title="benchmarks")
    for name in PIPELINES:
        pipeline = names.add_parser(name, help="due messages, until each is sent and recorded")
        pipeline.add_argument(
            "--messages", type=_positive, help="how many are due (20000 texts, 10000 e-mails)"
        )
        pipeline.add_argument(
            "--runs", type=_positive, default=3, help="runs of each contender, in turns (3)"
        )
        _add_common(pipeline)
    inbound = names.add_parser(
        INBOUND, help="texts of patients, until each is understood or shown to a person"
    )
    inbound.add_argument("--rate", type=_positive, default=500, help="texts a second (500)")
    inbound.add_argument("--seconds", type=_positive, default=60, help="how long they come (60)")
    _add_common(inbound)
    return parser.parse_args(words[1:])


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1, help="which messages are drawn (1)")
    parser.add_argument("--only", choices=CONTENDERS, action="append", help="leave the others out")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _run(options: argparse.Namespace) -> int:
    try:
        benchmark = import_module(PIPELINES.get(options.name, "bench.inbound"))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "bench":
            raise
        raise CampaignsError(
            "Benchmarks run from a checkout of the source: there is no bench/ here."
        ) from None
    shared = {"seed": options.seed, "contenders": options.only or list(CONTENDERS)}
    with _progress() as advance:
        if options.name == INBOUND:
            result = benchmark.measure(**shared, rate=options.rate, seconds=options.seconds, advance=advance)
        else:
            messages = options.messages or benchmark.MESSAGES
            result = benchmark.measure(**shared, messages=messages, runs=options.runs, advance=advance)
    if options.json:
        print(benchmark.as_json(result))
    else:
        benchmark.show(result, Console())
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
