"""`campaigns plan PATIENT`: one patient's timeline, with reasons."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from campaigns.models import Message, Patient


class Command(BaseCommand):
    help = "Print what is planned for a patient, what was sent, and what was not and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("patient", help="the patient's id")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            patient = Patient.objects.select_related("clinic").get(pk=options["patient"])
        except (Patient.DoesNotExist, ValidationError):
            raise CommandError(f"There is no patient {options['patient']}.") from None
        zone = ZoneInfo(patient.clinic.time_zone)
        messages = patient.messages.order_by("send_at", "id").defer("subject", "body", "html")
        for message in messages.select_related("visit"):
            row = self._row(message, zone)
            self.stdout.write(json.dumps(row) if options["json"] else "  ".join(str(v) for v in row.values()))

    def _row(self, message: Message, zone: ZoneInfo) -> dict[str, object]:
        return {
            "at": message.send_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
            "step": f"{message.sequence}.{message.step}",
            "visit": message.visit.number if message.visit else "-",
            "channel": message.channel,
            "state": message.state,
            "reason": message.reason,
        }
