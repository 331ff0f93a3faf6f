"""`campaigns go-live --by NAME`: end the trial; from now on every patient is written to."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services.go_live import go_live


class Command(BaseCommand):
    help = "End the trial: from now on every patient is written to, not TRIAL_RECIPIENTS alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, metavar="NAME", help="who answers for it")

    def handle(self, *args: Any, **options: Any) -> None:
        go_live(by=options["by"])
        self.stdout.write("Live: every patient who agreed is written to. What was skipped stays skipped.")
