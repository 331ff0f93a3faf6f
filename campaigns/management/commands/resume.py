"""`campaigns resume`: send again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services import installation


class Command(BaseCommand):
    help = "Send again after `campaigns pause`, or after `campaigns reconcile-restore`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anyway", action="store_true", help="no backup was restored: do not ask what had gone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["anyway"]:
            installation.resume_anyway(by="command line")
        else:
            installation.resume(by="command line")
        self.stdout.write("Sending again.")
