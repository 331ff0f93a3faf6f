"""`campaigns catalogs [extract|update|compile]`, all three without a name; `campaigns catalogs back TAG`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError
from django.core.management.base import BaseCommand, CommandError

from campaigns.delivery import catalogs, staff_catalog
from campaigns.delivery.checks import back
from campaigns.delivery.checks.run import subject_of
from campaigns.delivery.translations import DOMAIN, ROOT
from campaigns.delivery.wording import LOCALES
from campaigns.domain.errors import CampaignsError
from campaigns.domain.languages import resolve

STEPS = ("extract", "update", "compile")


class Command(BaseCommand):
    """Keep the catalogs of all texts, and the back-translations, in step with what is written."""

    help = "Extract, update and compile the catalogs of all texts (all three when none is named)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One optional action; `back` takes a language."""
        parser.add_argument("action", nargs="?", choices=(*STEPS, "back"))
        parser.add_argument("language", nargs="?", metavar="TAG", help="the language, for `back`")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the actions; a file that cannot be read ends with exit code 1."""
        action, language = options["action"], options["language"]
        if (action == "back") != bool(language):
            raise CommandError("Only `back` takes a language, and needs one: campaigns catalogs back fr-CA.")
        try:
            if language:
                self._back(resolve(language).tag)
            for step in [action] if action in STEPS else STEPS if not action else ():
                getattr(self, f"_{step}")()
        except (CampaignsError, PoFileError) as error:
            raise CommandError(str(error)) from None

    def _extract(self) -> None:
        template = catalogs.extract()
        self._wrote("patients", template, LOCALES / f"{DOMAIN}.pot")
        self._wrote("staff", staff_catalog.extract(), staff_catalog.pot_path())

    def _wrote(self, readers: str, template: Catalog, path: Path) -> None:
        changed = "changed" if catalogs.write({path: catalogs.text_of(template)}) else "no change"
        self.stdout.write(f"{len(template)} texts for {readers} in the template; {changed}")

    def _update(self) -> None:
        changed = catalogs.write({**catalogs.generated(), **staff_catalog.generated()})
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in changed)
        self.stdout.write(f"updated: {names or 'nothing to change'}")

    def _compile(self) -> None:
        for language, count in catalogs.compile_all().items():
            self.stdout.write(f"{language}: {count} texts compiled")
        for language, count in staff_catalog.compile_all().items():
            self.stdout.write(f"{language}: {count} texts for staff compiled")

    def _back(self, language: str) -> None:
        path = ROOT / back.path(language)
        content = path.read_text(encoding="utf-8") if path.is_file() else ""
        updated = back.update(subject_of(language, catalogs.extract()), content)
        changed = catalogs.write({path: updated})
        self.stdout.write(f"{'updated' if changed else 'no change'}: {back.path(language)}")
