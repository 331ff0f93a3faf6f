"""`campaigns export KIND`: everything, one JSON object a line on standard output."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.queries.exports import EXPORTS


class Command(BaseCommand):
    help = "Print everything of one kind, one JSON object a line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=sorted(EXPORTS))
        parser.add_argument("--ndjson", action="store_true", help="the only format, and the default")
        parser.add_argument("--with-addresses", action="store_true", help="addresses in full, not masked")

    def handle(self, *args: Any, **options: Any) -> None:
        for row in EXPORTS[options["kind"]](options["with_addresses"]):
            self.stdout.write(json.dumps(row, ensure_ascii=False))
