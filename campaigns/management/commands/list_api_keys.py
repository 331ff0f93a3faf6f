"""`campaigns list-api-keys`: which programs may ask what, and when they last did."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.models import ApiKey
from campaigns.services import api_keys


class Command(BaseCommand):
    help = "Every key, the newest first, with its scopes and when it was last used."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        for key in api_keys.listed():
            row = _row(key)
            self.stdout.write(json.dumps(row) if options["json"] else "  ".join(row.values()))


def _row(key: ApiKey) -> dict[str, str]:
    return {
        "key": key.prefix,
        "state": f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "in force",
        "clinic": key.clinic.name,
        "name": key.name,
        "scopes": " ".join(key.scopes),
        "last_used": f"{key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never used",
    }
