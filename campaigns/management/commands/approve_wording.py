"""`campaigns approve-wording`: a named clinician has read every text of a language and stands by it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from campaigns.domain.languages import resolve
from campaigns.queries import clock
from campaigns.services.review import approve_language
from campaigns.services.set_up import find_clinic


class Command(BaseCommand):
    help = (
        "Approve every text of a language as it stands now. A text that changes afterwards is a draft again."
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
            made = approve_language(clinic, language.tag, by=options["by"], now=clock.now())
        self.stdout.write(
            f"{clinic.name}: {made} texts in {language.english_name} approved by {options['by']}."
        )
