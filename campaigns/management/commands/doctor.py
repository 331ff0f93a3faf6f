"""`campaigns doctor`: what is missing or unsafe, each with its mend."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services.examine import examine, is_fit


class Command(BaseCommand):
    help = "Say what is missing or unsafe and how to mend it. Exits with 1 when not fit to send."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object: fit, and the findings")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examine()
        if options["json"]:
            report = {"fit": is_fit(findings), "findings": [asdict(finding) for finding in findings]}
            self.stdout.write(json.dumps(report, ensure_ascii=False))
        else:
            for finding in findings:
                self.stdout.write(f"{finding.level:<8} {finding}")
            self.stdout.write("Fit to send." if is_fit(findings) else "Not fit to send.")
        if not is_fit(findings):
            raise SystemExit(1)
