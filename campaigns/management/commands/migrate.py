"""`campaigns migrate`: Django's own; then what an earlier release wrote is sealed, and made to be found."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from campaigns.services import find, sealing


class Command(migrate.Command):
    help = "Bring the tables up to date; seal and index what an earlier release wrote."

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        # With a name it may go back to where the sealed columns are not yet.
        if not (options["app_label"] or options["plan"] or options["check_unapplied"]):
            sealing.seal()
            find.renew()
