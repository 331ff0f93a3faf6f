"""`campaigns triage TEXT`: what a reply would do. Nothing is stored."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.domain.measuring import CLASSES, as_row, as_table, measure, together
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
        parser.add_argument(
            "--table", action="store_true", help="recall and precision; each line of the file names its class"
        )
        parser.add_argument("--json", action="store_true", help="with --table: one JSON object a language")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["text"] is None) == (options["file"] is None):
            raise CommandError("Give a text or --file, one of the two.")
        if options["table"] or options["json"]:
            self._measure(options)
            return
        cases = self._lines(options["file"]) if options["file"] else [options]
        for case in cases:
            self.stdout.write(json.dumps(self._report(case), ensure_ascii=False))

    def _report(self, case: Mapping[str, Any]) -> dict[str, Any]:
        return report(
            case["text"],
            language=case["language"],
            expects=case["expects"],
            question=case.get("question") or "",
            lexicon=load(),
        )

    def _measure(self, options: Mapping[str, Any]) -> None:
        if options["file"] is None:
            raise CommandError("--table needs --file.")
        cases = self._lines(options["file"])
        for number, case in enumerate(cases, start=1):
            if case.get("class") not in CLASSES:
                raise CommandError(f"{options['file']}, case {number}: class is one of {', '.join(CLASSES)}.")
        scores = measure(cases, load())
        if len(scores) > 1:
            scores.append(together(scores))
        if options["json"]:
            for score in scores:
                self.stdout.write(json.dumps(as_row(score), ensure_ascii=False))
        else:
            self.stdout.write(as_table(scores))

    def _lines(self, file: Path) -> list[dict[str, Any]]:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines if line.strip()]
        except (OSError, ValueError) as error:
            raise CommandError(f"{file} cannot be read as one JSON object a line: {error}") from None
