"""`campaigns create-staff`: an account and its first sign-in link."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from campaigns.models import Staff
from campaigns.services import set_up, sign_in


class Command(BaseCommand):
    help = "Create an account and print a link that signs the person in once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", choices=Staff.Role.values, default=Staff.Role.COORDINATOR)
        parser.add_argument("--clinic", default="", help="its id or name; needed where there are several")

    def handle(self, *args: Any, **options: Any) -> None:
        staff = set_up.create_staff(
            email=options["email"],
            name=options["name"],
            role=options["role"],
            clinic=set_up.find_clinic(options["clinic"]),
            by="command line",
        )
        link = settings.PUBLIC_BASE_URL + reverse("sign-in-link", args=[sign_in.make_link(staff)])
        self.stdout.write(f"{staff.name} can sign in once with this link, for 12 hours:\n{link}")
