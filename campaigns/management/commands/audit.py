"""`campaigns audit verify`: is the chain whole?"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.services.record import broken_link


class Command(BaseCommand):
    help = "Verify the audit chain."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["verify"])

    def handle(self, *args: Any, **options: Any) -> None:
        broken = broken_link()
        if broken is not None:
            raise CommandError(f"The chain breaks at entry {broken}: it was changed after it was written.")
        self.stdout.write("The audit chain is whole.")
