"""`campaigns segments TEXT`: how a text is cut for SMS."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.domain.sms import segment


class Command(BaseCommand):
    help = "Print the encoding, units, segments and parts of a text."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text")
        parser.add_argument("--json", action="store_true", help="the only format, and the default")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(asdict(segment(options["text"])), ensure_ascii=False))
