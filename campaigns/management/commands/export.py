"""`campaigns export KIND`: everything, one JSON object a line; `export patient ID`: all about one."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from campaigns.models import Patient
from campaigns.queries.exports import EXPORTS
from campaigns.services import hand_out

ONE = "patient"


class Command(BaseCommand):
    help = "Print everything of one kind, one JSON object a line, or all about one patient. It is audited."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=[*sorted(EXPORTS), ONE])
        parser.add_argument("patient", nargs="?", default="", help="the patient's id, after `patient`")
        parser.add_argument("--ndjson", action="store_true", help="the only format, and the default")
        parser.add_argument("--with-addresses", action="store_true", help="addresses in full, not masked")
        parser.add_argument("--by", default="command line", help="who takes it, for the audit chain")

    def handle(self, *args: Any, **options: Any) -> None:
        kind, patient = options["kind"], options["patient"]
        if (kind == ONE) is not bool(patient):
            raise CommandError("Give the patient's id after `export patient`, and only there.")
        if kind == ONE:
            self._one(patient, options["by"])
            return
        hand_out.note(kind, by=options["by"], with_addresses=options["with_addresses"])
        for row in EXPORTS[kind](options["with_addresses"]):
            self.stdout.write(json.dumps(row, ensure_ascii=False))

    def _one(self, patient: str, by: str) -> None:
        try:
            found = hand_out.one(UUID(patient), by=by)
        except (ValueError, Patient.DoesNotExist):
            raise CommandError("There is no patient with this id.") from None
        self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2))
