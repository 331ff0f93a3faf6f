"""`campaigns fuzz`: poison into every way in, on servers of its own; 1 when a promise was broken.

Half are texts, half are mails, drawn by seed. Each must be stored once, be understood or stand before a
person, take no more than two seconds and change nothing when it comes again. The code is in tests/hostile/.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from campaigns.local import checkout, embedded
from campaigns.local.progress import progress
from campaigns.local.secrets import ensure

SHOWN = 20
"""Breaches that are printed; `--json` has all."""


def main(words: list[str]) -> int:
    """Run it; 0 when every promise held."""
    options = _options(words)
    return checkout.run(lambda: _run(options))


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaigns fuzz", description=__doc__)
    parser.add_argument("--bodies", type=int, default=100_000, help="texts and mails together (100000)")
    parser.add_argument("--seed", type=int, default=1, help="which are drawn (1)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    options = parser.parse_args(words[1:])
    if options.bodies < 1:
        parser.error("--bodies takes 1 or more")
    return options


def _run(options: argparse.Namespace) -> int:
    checkout.load("tests.hostile", "It runs")
    with (
        tempfile.TemporaryDirectory(prefix="campaigns-fuzz-") as folder,
        embedded.start(Path(folder), fast=True) as servers,
    ):
        os.environ.update(_environment(Path(folder), servers))
        result = _pour(options)
    _show(result, options)
    return 1 if result.breaches else 0


def _environment(state: Path, servers: embedded.Servers) -> dict[str, str]:
    """Settings of an installation that reaches nobody. What it is told to log would be its own poison."""
    return {
        **ensure(state),
        "CAMPAIGNS_STATE": str(state),
        "CAMPAIGNS_DEMO": "1",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "PUBLIC_BASE_URL": "https://clinic.example",
        "ALLOWED_HOSTS": "clinic.example,testserver",
        "SMS_CHANNEL": "simulator",
        "EMAIL_CHANNEL": "simulator",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "loopback",
        "REPLY_DOMAIN": "reply.clinic.example",
        "MAIL_WEBHOOK_SECRET": "for the servers of this run only",
        "LOG_LEVEL": "CRITICAL",
        "DJANGO_SETTINGS_MODULE": "campaigns.settings",
    }


def _pour(options: argparse.Namespace) -> Any:
    from campaigns.local.setting import clinic_of_the_demo, prepare_database

    prepare_database()
    module, factories = import_module("tests.hostile.fuzzing"), import_module("tests.factories")
    factories.set_now(factories.NOON)
    clinic, _ = clinic_of_the_demo()
    target = module.target_at(clinic)
    with progress() as advance:

        def count(done: int) -> None:
            advance("texts and mails", done, options.bodies)

        return module.fuzz(target, bodies=options.bodies, seed=options.seed, advance=count)


def _show(result: Any, options: argparse.Namespace) -> None:
    figures = {
        "seed": result.seed,
        "bodies": options.bodies,
        "seconds": round(result.seconds, 1),
        "slowest_seconds": round(result.slowest, 2),
        "slowest": result.slowest_was,
        "grew_megabytes": round(result.grew_megabytes),
        "counts": dict(sorted(result.counts.items())),
        "breaches": result.breaches,
    }
    if options.json:
        print(json.dumps(figures))
        return
    console = Console()
    for name, value in figures.items():
        if name != "breaches":
            console.print(f"{name}: {value}", highlight=False)
    console.print(f"breaches: {len(result.breaches)}", style="red" if result.breaches else "green")
    for breach in result.breaches[:SHOWN]:
        console.print(f"  {breach}", highlight=False)
