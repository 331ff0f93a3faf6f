"""`campaigns resume`: send again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services import installation


class Command(BaseCommand):
    help = "Send again after `campaigns pause`."

    def handle(self, *args: Any, **options: Any) -> None:
        installation.resume(by="command line")
        self.stdout.write("Sending again.")
