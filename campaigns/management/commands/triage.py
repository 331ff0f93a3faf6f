"""`campaigns triage TEXT`: what a reply would do. Nothing is stored."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.domain.triage import report
from campaigns.queries.lexicons import load


class Command(BaseCommand):
    help = "Print what a reply would do, or what each line of a file would do."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text", nargs="?")
        parser.add_argument("--language", default="en-CA", metavar="TAG")
        parser.add_argument("--expects", choices=["nrs", "yes_no", "none"], default="none")
        parser.add_argument("--question", default="")
        parser.add_argument("--file", type=Path, metavar="FILE.jsonl")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["text"] is None) == (options["file"] is None):
            raise CommandError("Give a text or --file, one of the two.")
        cases = self._lines(options["file"]) if options["file"] else [options]
        for case in cases:
            found = report(
                case["text"],
                language=case["language"],
                expects=case["expects"],
                question=case.get("question") or "",
                lexicon=load(),
            )
            self.stdout.write(json.dumps(found, ensure_ascii=False))

    def _lines(self, file: Path) -> list[dict[str, str]]:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines if line.strip()]
        except (OSError, ValueError) as error:
            raise CommandError(f"{file} cannot be read as one JSON object a line: {error}") from None
