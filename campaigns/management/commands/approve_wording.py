"""`campaigns approve-wording`: a named clinician has read every text of a language and stands by it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from campaigns.domain.languages import resolve
from campaigns.queries import clock
from campaigns.services.set_up import find_clinic
from campaigns.services.sign_off import approve_sound


class Command(BaseCommand):
    help = (
        "Approve every text of a language as it stands now, but for what the checks refuse or is retired. "
        "A text that changes afterwards is a draft again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--language", required=True, metavar="TAG")
        parser.add_argument(
            "--by", required=True, metavar="NAME", help="the clinician who read and approves them"
        )
        parser.add_argument("--clinic", default="", help="its id or name; needed where there are several")

    def handle(self, *args: Any, **options: Any) -> None:
        language = resolve(options["language"])
        clinic = find_clinic(options["clinic"])
        with transaction.atomic():
            made, left = approve_sound(clinic, language.tag, by=options["by"], now=clock.now())
        for (template, channel, edition), reason in left.items():
            self.stdout.write(f"left: {template} {channel} {edition}: {reason}")
        self.stdout.write(
            f"{clinic.name}: {made} texts in {language.staff_name} approved by {options['by']}."
        )
        if left:
            raise CommandError(f"{len(left)} texts were left as they are.")
