"""`campaigns schema sequence`: the JSON Schema that sequence files follow."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.queries import sequence_files


class Command(BaseCommand):
    help = "Print the JSON Schema of a kind of file."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=["sequence"])

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(sequence_files.schema())
