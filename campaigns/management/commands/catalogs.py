"""`campaigns catalogs [extract|update|compile|check]`: all four in order when none is named."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.delivery import catalogs
from campaigns.delivery.wording import DOMAIN, LOCALES, ROOT
from campaigns.domain.errors import CampaignsError

ACTIONS = ("extract", "update", "compile", "check")


class Command(BaseCommand):
    """Keep the catalogs of patient texts in step with the templates, and find what is wrong in them."""

    help = "Extract, update, compile and check the catalogs of patient texts (all four when none is named)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """One optional action, and --json for the check."""
        parser.add_argument("action", nargs="?", choices=ACTIONS)
        parser.add_argument("--json", action="store_true", help="findings of the check as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the actions; a finding, or a file that cannot be read, ends with exit code 1."""
        chosen = [options["action"]] if options["action"] else ACTIONS
        try:
            for action in chosen:
                getattr(self, f"_{action}")(options["json"])
        except CampaignsError as error:
            raise CommandError(str(error)) from None

    def _extract(self, as_json: bool) -> None:
        template = catalogs.extract()
        changed = catalogs.write({LOCALES / f"{DOMAIN}.pot": catalogs.text_of(template)})
        self._say(f"{len(template)} texts in the template; {'changed' if changed else 'no change'}", as_json)

    def _update(self, as_json: bool) -> None:
        changed = catalogs.write(catalogs.generated())
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in changed)
        self._say(f"updated: {names or 'nothing to change'}", as_json)

    def _compile(self, as_json: bool) -> None:
        for language, count in catalogs.compile_all().items():
            self._say(f"{language}: {count} texts compiled", as_json)

    def _check(self, as_json: bool) -> None:
        findings = catalogs.check()
        if as_json:
            rows = [{"file": f.file, "line": f.line, "entry": f.entry, "what": f.what} for f in findings]
            self.stdout.write(json.dumps(rows, ensure_ascii=False))
        elif findings:
            self.stdout.write(catalogs.lines(findings))
        if findings:
            raise CommandError(f"{len(findings)} findings in the catalogs of patient texts.")
        self._say("check: nothing to mend", as_json)

    def _say(self, line: str, as_json: bool) -> None:
        if not as_json:
            self.stdout.write(line)
