"""`campaigns mail-in`: the server that the clinic's mail server hands patients' answers to."""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from campaigns.delivery.mail_listener import Handed, MailListener
from campaigns.services.examine import refuse_unfit
from campaigns.services.receive_mail import LARGEST_TAKEN, Delivered, is_ours, receive_mail

DEFAULT = "127.0.0.1:2525"


class Command(BaseCommand):
    help = "Take mail by SMTP from the clinic's own mail server, until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--listen",
            nargs="?",
            const=DEFAULT,
            required=True,
            metavar="HOST:PORT",
            help=f"the address to listen on ({DEFAULT})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unfit()
        if not settings.REPLY_DOMAIN:
            raise CommandError("REPLY_DOMAIN is not set: no mail would be ours.")
        host, _, port = str(options["listen"]).rpartition(":")
        if not (host and port.isdigit()):
            raise CommandError(f"--listen takes HOST:PORT, such as {DEFAULT}.")
        try:
            asyncio.run(self._serve(host.strip("[]"), int(port)))
        except OSError as error:
            raise CommandError(f"Nobody can listen on {options['listen']}: {error.strerror}.") from None

    async def _serve(self, host: str, port: int) -> None:
        listener = MailListener(take, is_ours, largest=LARGEST_TAKEN)
        serving = asyncio.ensure_future(
            listener.serve(host, port, lambda: self._say(f"Taking mail on {host}:{listener.port}."))
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        try:
            await serving
        except asyncio.CancelledError:
            self._say("Stopped.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def take(handed: Handed) -> None:
    """Store one mail, on a connection of its own that does not outlive it."""
    try:
        receive_mail(
            Delivered(raw=handed.raw, way="smtp", sender=handed.sender, recipients=handed.recipients)
        )
    finally:
        connections.close_all()
