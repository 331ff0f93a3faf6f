"""What `campaigns bench` does: one benchmark, or all in turn on one pair of servers."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from django.db import DatabaseError
from rich.console import Console

from bench import ground, machine, report, tables
from bench.catalogue import ALL, BENCHMARKS, CONTENDERS, Benchmark, Option, Size
from bench.ground import Ground
from campaigns.domain.errors import CampaignsError
from campaigns.local.progress import Advance, progress


def run(words: list[str]) -> int:
    """Run what was asked for; 0 when every check of its own work held. Raises BenchFailed."""
    options = _options(words)
    with progress() as advance, _servers(options) as place:
        from bench import seed

        seed.make_clinic()
        ground.leave_database()
        return _all(place, options, advance) if options.name == ALL else _one(place, options, advance)


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaigns bench", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME", title="benchmarks")
    for name, benchmark in BENCHMARKS.items():
        mine = names.add_parser(name, help=benchmark.help)
        for size, option in benchmark.sizes.items():
            mine.add_argument(f"--{size}", type=_many if _is_list(option) else _whole, help=_help(option))
        _add_common(mine)
    every = names.add_parser(ALL, help="each in turn; one JSON document")
    every.add_argument("--without", choices=BENCHMARKS, action="append", default=[], help="leave this out")
    every.add_argument("--write-docs", action="store_true", help="put the tables into docs/performance.md")
    _add_common(every)
    return parser.parse_args(words)


def _add_common(parser: argparse.ArgumentParser) -> None:
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--full", dest="scale", action="store_const", const="full", help="the sizes of the aims"
    )
    sizes.add_argument("--tiny", dest="scale", action="store_const", const="tiny", help="the checks alone")
    parser.add_argument("--seed", type=int, default=1, help="which messages are drawn (1)")
    parser.add_argument("--only", choices=CONTENDERS, action="append", help="leave the other contenders out")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep the servers' data, and a filled clinic"
    )
    parser.set_defaults(scale="quick")


def _is_list(option: Option) -> bool:
    return not isinstance(option.quick, int)


def _help(option: Option) -> str:
    quick, full = (_shown(size) for size in (option.quick, option.full))
    return f"{option.help} ({quick}{f'; --full: {full}' if full != quick else ''})"


def _shown(size: Size) -> str:
    return str(size) if isinstance(size, int) else ",".join(map(str, size))


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than nothing")
    return number


def _many(text: str) -> list[int]:
    return [_whole(part) for part in text.split(",")]


def _servers(options: argparse.Namespace) -> AbstractContextManager[Ground]:
    return ground.running(options.keep) if options.keep else ground.prepared()


def _sizes(benchmark: Benchmark, options: argparse.Namespace) -> dict[str, Size]:
    """As asked for, else those of the scale."""
    sizes: dict[str, Size] = {}
    for name, option in benchmark.sizes.items():
        asked = getattr(options, name, None)
        sizes[name] = getattr(option, options.scale) if asked is None else asked
    return sizes


def _measure(place: Ground, name: str, options: argparse.Namespace, advance: Advance) -> Any:
    benchmark = BENCHMARKS[name]
    seconds = ground.FULL_LIMIT_SECONDS if options.scale == "full" else ground.LIMIT_SECONDS
    stays = place.kept if options.keep and benchmark.stays else place.own
    with stays(name.replace("-", "_"), seconds) as mine:
        contenders = options.only or list(CONTENDERS)
        about = {"seed": options.seed, "contenders": contenders, "advance": advance}
        return _module(name).measure(mine, **_sizes(benchmark, options), **about)


def _module(name: str) -> ModuleType:
    return import_module(BENCHMARKS[name].module)


def _shower(name: str) -> Any:
    """The module that shows its result: its own, or the common one."""
    module = _module(name)
    return module if hasattr(module, "as_dict") else report


def _one(place: Ground, options: argparse.Namespace, advance: Advance) -> int:
    result = _measure(place, options.name, options, advance)
    if options.json:
        print(_shower(options.name).as_json(result))
    else:
        _shower(options.name).show(result, Console())
    return 1 if result.complaints else 0


def _all(place: Ground, options: argparse.Namespace, advance: Advance) -> int:
    """Each in turn. One that cannot run is said so and keeps no other from running."""
    began, facts = time.monotonic(), machine.facts()
    found: dict[str, Mapping[str, Any]] = {}
    failed: dict[str, str] = {}
    for name in [one for one in BENCHMARKS if one not in options.without]:
        try:
            found[name] = _as_part(place, name, options, advance)
        except (CampaignsError, psycopg.Error, DatabaseError, OSError) as error:
            failed[name] = str(error).partition("\n")[0]
    document = {
        "machine": facts,
        "seed": options.seed,
        "scale": options.scale,
        "took_seconds": round(time.monotonic() - began, 1),
        "benchmarks": found,
        "failed": failed,
    }
    if options.json:
        print(json.dumps(document, indent=1, ensure_ascii=False))
    if options.write_docs:
        tables.write(document)
    for name, why in failed.items():
        Console(stderr=True).print(f"[red]{name}[/]  {why}", highlight=False)
    return 1 if failed or any(one["complaints"] for one in found.values()) else 0


def _as_part(place: Ground, name: str, options: argparse.Namespace, advance: Advance) -> Mapping[str, Any]:
    """One benchmark's part of the document; its tables are shown at once."""
    started = time.monotonic()
    result = _measure(place, name, options, lambda what, done, of: advance(f"{name}: {what}", done, of))
    if not options.json:
        _shower(name).show(result, Console())
    return {**_shower(name).as_dict(result), "took_seconds": round(time.monotonic() - started, 1)}
