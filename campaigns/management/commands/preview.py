"""`campaigns preview SEQUENCE[.STEP]`: the text exactly as sent, with what it costs. Reads files only."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.delivery.rendering import render
from campaigns.delivery.wording import SAMPLE
from campaigns.domain.errors import NotAllowed, TemplateMissing
from campaigns.domain.languages import resolve
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import segment
from campaigns.queries import sequence_files

PRICE_PER_SEGMENT = Decimal("0.0083")
"""US dollars, where no clinic says otherwise."""


class Command(BaseCommand):
    help = "Print the messages of a sequence or step as a patient would read them, with sample facts."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", metavar="SEQUENCE[.STEP]")
        parser.add_argument("--language", required=True, metavar="TAG")
        parser.add_argument("--channel", choices=[channel.value for channel in Channel])
        parser.add_argument("--at", metavar="DATETIME", help="the visit's wall time, as 2026-12-01T14:00")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        name, _, step = options["what"].partition(".")
        sequence = sequence_files.load(name)
        steps = [sequence.step(step)] if step else sequence.steps
        language = resolve(options["language"]).tag
        facts = self._facts(options["at"])
        wanted = options["channel"]
        there = [(each.key, channel) for each in steps for channel in each.channels.names]
        chosen = [(key, channel) for key, channel in there if wanted in (None, channel.value)]
        if not chosen:
            # In the order of the enumeration, so that the line is the same every time.
            names = " and ".join(channel for channel in Channel if channel in {other for _, other in there})
            raise TemplateMissing(f"{options['what']} does not go by {wanted}, only by {names}.")
        for key, channel in chosen:
            row = self._row(f"{name}/{key}", channel, language, facts)
            self._print(row, as_json=options["json"])

    def _facts(self, at: str | None) -> Any:
        if not at:
            return SAMPLE
        try:
            starts = datetime.fromisoformat(at)
        except ValueError:
            raise NotAllowed(f"--at takes a date and time such as 2026-12-01T14:00, not {at!r}.") from None
        return replace(SAMPLE, starts_on=starts.date(), starts_at=starts.time())

    def _row(self, template: str, channel: Channel, language: str, facts: Any) -> dict[str, Any]:
        rendered = render(template, channel, language, facts)
        row: dict[str, Any] = {"template": template, "channel": channel.value, "language": language}
        if channel is Channel.EMAIL:
            return row | {"subject": rendered.subject, "text": rendered.text}
        cut = asdict(segment(rendered.text))
        price = PRICE_PER_SEGMENT * cut["segments"]
        return row | {
            "text": rendered.text,
            "encoding": cut["encoding"],
            "units": cut["units"],
            "segments": cut["segments"],
            "price": f"USD {price}",
        }

    def _print(self, row: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(row, ensure_ascii=False))
            return
        text = row.pop("text")
        self.stdout.write("  ".join(f"{name}: {value}" for name, value in row.items()))
        self.stdout.write(text + "\n")
