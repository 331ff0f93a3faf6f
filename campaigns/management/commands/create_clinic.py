"""`campaigns create-clinic`: the first thing a new installation needs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.models import Clinic
from campaigns.services import go_live
from campaigns.services.set_up import NewClinic, create_clinic


class Command(BaseCommand):
    help = "Create a clinic. English wording is approved, every other language is a draft."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help='as in "Westside Pain Clinic"')
        parser.add_argument(
            "--display-name", default="", help="neutral name for texts; the name unless given"
        )
        parser.add_argument("--phone", required=True, help="the number that patients call")
        parser.add_argument("--address", required=True)
        parser.add_argument("--time-zone", default="America/Vancouver")
        parser.add_argument("--sms-number", default="", help="the number that texts come from")
        parser.add_argument(
            "--segments-per-second",
            type=float,
            default=1,
            help="what that number carries: long code 1, toll-free 3, short code 100; 0 for no limit (1)",
        )
        parser.add_argument(
            "--opt-out-scope",
            choices=Clinic.OptOutScope.values,
            default=Clinic.OptOutScope.CHANNEL.value,
            help="what one STOP ends: its channel (Canada) or all (the US)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        clinic = create_clinic(
            NewClinic(
                name=options["name"],
                display_name=options["display_name"],
                phone=options["phone"],
                address=options["address"],
                time_zone=options["time_zone"],
                sms_number=options["sms_number"],
                opt_out_scope=options["opt_out_scope"],
                segments_per_second=options["segments_per_second"],
            ),
            by="command line",
        )
        self.stdout.write(f"Created {clinic.name} ({clinic.pk}). Next: campaigns create-staff.")
        if go_live.begin_trial(by="command line"):
            self.stdout.write(
                "Until `campaigns go-live` only TRIAL_RECIPIENTS are written to, so that you can try it."
            )
