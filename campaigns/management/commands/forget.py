"""`campaigns forget PATIENT --confirm PATIENT --by NAME`: erase one patient for good."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from campaigns.models import Patient
from campaigns.services.forget import forget


class Command(BaseCommand):
    help = "Erase all about one patient but what has to be kept. It cannot be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("patient", help="the patient's id")
        # Not the name: what stands on a command line is seen in the list of processes.
        parser.add_argument("--confirm", default="", metavar="PATIENT", help="the same id again")
        parser.add_argument("--by", required=True, metavar="NAME", help="who answers for it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["confirm"] != options["patient"]:
            raise CommandError("Nothing was erased. Give the same id again after --confirm.")
        try:
            done = forget(UUID(options["patient"]), by=options["by"])
        except (ValueError, Patient.DoesNotExist):
            raise CommandError("There is no patient with this id.") from None
        self.stdout.write(f"Erased. {done.cancelled} planned messages were cancelled.")
        for channel in done.shared:
            self.stdout.write(f"Another patient has the same address ({channel}): it stays theirs.")
