"""`campaigns count-up`: the counts of the reports, now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services.count_up import count_up, rebuild


class Command(BaseCommand):
    help = "Count for the reports what may have changed; --all counts every month anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="every month of every clinic")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["all"]:
            self.stdout.write(f"{count_up()} months counted")
            return
        done = 0
        for clinic, month in rebuild():
            done += 1
            if options["verbosity"] > 1:
                self.stdout.write(f"{clinic.name}: {month:%Y-%m}")
        self.stdout.write(f"{done} months counted")
