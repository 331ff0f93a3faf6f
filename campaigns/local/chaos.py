"""`campaigns chaos`: the real programs under load, killed at random, and the history of it judged. See
docs/chaos.md.

What does the work lies in tests/chaos, which comes with the source.
"""

from __future__ import annotations

import argparse
from types import ModuleType

from rich.console import Console

from campaigns.local import checkout
from campaigns.local.progress import progress


def main(words: list[str]) -> int:
    """Run it; 0 when no promise broke, or when every broken sender was caught."""
    options = _options(words)
    return checkout.run(lambda: _run(options))


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaigns chaos", description=__doc__)
    parser.add_argument("--kills", type=_positive, default=300, help="how many processes are killed (300)")
    parser.add_argument("--seed", type=int, default=7, help="what befalls whom, and when (7)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--short", action="store_true", help="a fixed list: each process, hold point and fault once"
    )
    ways.add_argument("--mutants", action="store_true", help="run five broken senders, and show each caught")
    ways.add_argument("--plan", action="store_true", help="print what would befall whom, and do nothing")
    parser.add_argument("--mutant", default="", metavar="NAME", help="run one of the five broken senders")
    return parser.parse_args(words[1:])


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _load(name: str) -> ModuleType:
    return checkout.load(f"tests.chaos.{name}", "Chaos runs")


def _run(options: argparse.Namespace) -> int:
    schedule, campaign, runs = _load("schedule"), _load("campaign"), _load("run")
    if options.plan:
        print("\n".join(turn.words() for turn in schedule.first(options.kills, schedule.turns(options.seed))))
        return 0
    with progress() as advance:
        if options.mutants:
            reports = campaign.mutants(advance)
        else:
            by_chance = runs.work(options.seed, options.kills, options.mutant)
            work = runs.short_work(options.seed) if options.short else by_chance
            reports = [campaign.single(work, advance)]
    if options.json:
        print(campaign.as_json(reports))
    else:
        campaign.show(reports, Console())
    return 0 if campaign.is_good(reports) else 1
