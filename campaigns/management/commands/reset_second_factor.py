"""`campaigns reset-second-factor`: the way back in for somebody whose phone is lost."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.urls import reverse

from campaigns.services import second_factor, set_up, sign_in


class Command(BaseCommand):
    help = (
        "Forget somebody's second factor and password, end their sessions, print a link to set up new ones."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--by", required=True, help="who does this; it goes into the audit")

    def handle(self, *args: Any, **options: Any) -> None:
        staff = set_up.find_staff(options["email"])
        with transaction.atomic():
            second_factor.reset(staff, by=options["by"])
            token = sign_in.make_link(staff, by=options["by"])
        link = settings.PUBLIC_BASE_URL + reverse("sign-in-link", args=[token])
        self.stdout.write(f"{staff.name} can sign in once with this link, for 12 hours:\n{link}")
