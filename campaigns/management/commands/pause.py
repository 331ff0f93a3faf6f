"""`campaigns pause`: stop all sending at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services import installation


class Command(BaseCommand):
    help = "Stop all sending at once; the state is kept in the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", default="paused from the command line")

    def handle(self, *args: Any, **options: Any) -> None:
        installation.pause(options["reason"], by="command line")
        self.stdout.write(
            "Paused. Nothing is sent until `campaigns resume`; what expires meanwhile is skipped."
        )
