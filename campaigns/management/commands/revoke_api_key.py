"""`campaigns revoke-api-key KEY`: nothing is answered to that key any more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services import api_keys


class Command(BaseCommand):
    help = "End a key at once. Name it by its visible beginning or its id: see list-api-keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", help="the beginning that list-api-keys shows, or the id")
        parser.add_argument("--by", required=True, metavar="NAME", help="who answers for it")

    def handle(self, *args: Any, **options: Any) -> None:
        key = api_keys.revoke(options["key"], by=options["by"])
        self.stdout.write(f"Revoked: {key.prefix} ({key.name}).")
