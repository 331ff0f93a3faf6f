"""`campaigns reconcile-restore`: look up what was sent in the time that a restored database forgot."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder

from campaigns.services.restore import describe, reconcile_restore


class Command(BaseCommand):
    help = "After a restore: ask the providers what had gone, so that nothing is sent twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object: the time and the counts")

    def handle(self, *args: Any, **options: Any) -> None:
        summary = reconcile_restore(by="command line")
        if options["json"]:
            self.stdout.write(json.dumps(asdict(summary), cls=DjangoJSONEncoder))
        else:
            self.stdout.write("\n".join(describe(summary)))
            self.stdout.write("Sending is still paused: look at the first page, then run `campaigns resume`.")
