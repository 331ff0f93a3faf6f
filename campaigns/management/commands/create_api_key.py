"""`campaigns create-api-key`: a key for another program, shown once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.domain.scopes import SCOPES
from campaigns.services import api_keys, set_up


class Command(BaseCommand):
    help = "Make a key for the API and print it. It is not stored and cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="which program it is for")
        parser.add_argument(
            "--scope", action="append", required=True, metavar="SCOPE", help=", ".join(SCOPES)
        )
        parser.add_argument("--clinic", default="", help="its id or name; needed where there are several")
        parser.add_argument("--per-minute", type=int, default=api_keys.PER_MINUTE, metavar="REQUESTS")
        parser.add_argument("--by", required=True, metavar="NAME", help="who answers for it")

    def handle(self, *args: Any, **options: Any) -> None:
        key, secret = api_keys.create(
            set_up.find_clinic(options["clinic"]),
            options["name"],
            options["scope"],
            by=options["by"],
            per_minute=options["per_minute"],
        )
        self.stderr.write(f"A key for {key.name}. It is shown this once: keep it where passwords are kept.")
        self.stdout.write(secret)
