"""`campaigns change-clinic`: what a clinic decides about its channels, after it was created."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.models import Clinic
from campaigns.services.set_up import change_clinic, find_clinic


class Command(BaseCommand):
    help = "Change how a clinic uses its channels. What is not named stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clinic", default="", help="name or id; not needed where there is one")
        parser.add_argument(
            "--segments-per-second",
            type=float,
            help="what its number carries: long code 1, toll-free 3, short code 100; 0 for no limit",
        )
        parser.add_argument(
            "--opt-out-scope",
            choices=Clinic.OptOutScope.values,
            help="what one STOP ends: its channel (Canada) or all (the US)",
        )
        parser.add_argument(
            "--other-channel",
            choices=("on", "off"),
            help="whether what could not arrive on one channel is said on the other",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        changes: dict[str, object] = {
            name: options[name]
            for name in ("segments_per_second", "opt_out_scope")
            if options[name] is not None
        }
        if options["other_channel"]:
            changes["other_channel"] = options["other_channel"] == "on"
        if not changes:
            raise CommandError("Say what to change: --segments-per-second, --opt-out-scope, --other-channel.")
        clinic = find_clinic(options["clinic"])
        change_clinic(clinic, changes, by="command line")
        self.stdout.write(f"Changed {clinic.name}: {', '.join(sorted(changes))}.")
