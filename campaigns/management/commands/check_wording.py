"""`campaigns check-wording`: the checks of all texts in all languages, what they cost, how hard they read."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.delivery.checks import costs, rendered, run
from campaigns.delivery.checks.reading import TARGET
from campaigns.domain.errors import CampaignsError
from campaigns.domain.languages import SUPPORTED, resolve
from campaigns.queries import sequence_files


class Command(BaseCommand):
    """Find what is wrong in the texts that patients read, in every language."""

    help = "Check every text in every language; one line a finding, exit code 1 on any error."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to look at, and how to tell it."""
        parser.add_argument("--language", metavar="TAG", action="append", help="this one alone; repeatable")
        parser.add_argument("--segments", action="store_true", help="what each SMS and a whole course cost")
        parser.add_argument("--price", default="0.0083", metavar="USD", help="of a segment, for --segments")
        parser.add_argument(
            "--sessions", type=int, default=5, metavar="N", help="in a course, for --segments"
        )
        parser.add_argument("--reading", action="store_true", help="how hard each English message reads")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the checks; an error, or a file that cannot be read, ends with exit code 1."""
        try:
            chosen = list(dict.fromkeys(resolve(tag).tag for tag in options["language"] or SUPPORTED))
            if options["segments"]:
                self._segments(chosen, options)
            elif options["reading"]:
                self._reading(as_json=options["json"])
            else:
                self._check(chosen, as_json=options["json"])
        except CampaignsError as error:
            raise CommandError(str(error)) from None

    def _check(self, languages: list[str], *, as_json: bool) -> None:
        report = run.check(languages)
        if as_json:
            counts = {"languages": report.languages, "texts": report.texts}
            counts |= {"errors": report.errors, "notes": report.notes}
            self._write(counts | {"findings": [asdict(finding) for finding in report.findings]})
        else:
            if report.findings:
                self.stdout.write(run.lines(report.findings))
            self.stdout.write(str(report))
        if report.errors:
            raise CommandError(f"{report.errors} errors in the texts that patients read.")

    def _segments(self, languages: list[str], options: dict[str, Any]) -> None:
        price, sessions = _price(options["price"]), max(options["sessions"], 1)
        rows = list(costs.rows(languages, sequence_files.load_all().values(), sessions))
        totals = costs.totals(rows, languages)
        if options["json"]:
            total = {tag: {"segments": n, "usd": str(n * price)} for tag, n in totals.items()}
            self._write({"price": str(price), "steps": [asdict(row) for row in rows], "course": total})
            return
        for line in _table(rows, totals, languages, price):
            self.stdout.write(line)
        texts = sum(row.times for row in rows)
        self.stdout.write(f"A course: one consultation, {sessions} sessions, {texts} texts, no replies.")

    def _reading(self, *, as_json: bool) -> None:
        found = rendered.readings()
        mean = sum(reading.grade for reading in found.values()) / len(found)
        if as_json:
            rows = [
                {"template": name, "channel": channel.value, "grade": round(reading.grade, 1)}
                for (name, channel), reading in found.items()
            ]
            self._write({"mean": round(mean, 1), "target": TARGET, "messages": rows})
        else:
            for (name, channel), reading in found.items():
                mark = "  over the target" if reading.grade > TARGET else ""
                self.stdout.write(f"{reading.grade:5.1f}  {reading.words:4} words  {name} {channel}{mark}")
            self.stdout.write(f"{mean:5.1f}  mean of {len(found)} messages; the target is grade {TARGET:.0f}")
        if any(reading.is_too_hard for reading in found.values()):
            raise CommandError("Some English messages are too hard to read.")

    def _write(self, document: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(document, ensure_ascii=False))


def _price(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandError(f"--price takes US dollars such as 0.0083, not {text!r}.") from None


def _table(
    rows: list[costs.Row], totals: dict[str, int], languages: list[str], price: Decimal
) -> Iterator[str]:
    """A line a step: how often it goes in a course, and segments by language. Then the sums and the price."""
    width = max(len(row.template) for row in rows)
    yield f"{'segments':{width}}     x  " + "".join(f"{tag:>8}" for tag in languages)
    for row in rows:
        cells = (f"{row.segments[tag] or '-':>8}" for tag in languages)
        yield f"{row.template:{width}}  {row.times or '-':>4}  " + "".join(cells)
    yield f"{'a whole course':{width}}        " + "".join(f"{totals[tag]:>8}" for tag in languages)
    sums = "".join(f"{totals[tag] * price:>8.2f}" for tag in languages)
    yield f"{f'US$ at {price} a segment':{width}}        {sums}"
