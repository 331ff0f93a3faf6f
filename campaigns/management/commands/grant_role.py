"""`campaigns grant-role NAME`: what the processes' own database role may do, and no more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services.grants import grant


class Command(BaseCommand):
    help = "Let a role of the server do what the processes need: rows, not tables, and nothing to the audit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", help="a role without rights of its own; see docs/operations.md")

    def handle(self, *args: Any, **options: Any) -> None:
        grant(options["role"])
        self.stdout.write(f"{options['role']} may run the processes. Run this again after each migrate.")
