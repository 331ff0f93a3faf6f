"""`campaigns watch`: tell somebody by e-mail when the workers or the database have fallen silent."""

from __future__ import annotations

import logging
import signal
from argparse import ArgumentParser
from datetime import UTC, datetime
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from campaigns.domain.watching import Watch
from campaigns.services import watch
from campaigns.services.examine import refuse_unfit

log = logging.getLogger(__name__)

LOOKED = "watched"
"""Touched in the state folder at each look: what a container's health check reads."""


class Command(BaseCommand):
    help = "Look every 30 s whether everything is being done, and mail WATCH_EMAIL when it is not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--every", type=float, default=30.0, metavar="SECONDS", help="pause between looks"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unfit()
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        whom = ", ".join(settings.WATCH_EMAIL) or "nobody is told: WATCH_EMAIL is not set"
        self.stdout.write(f"Watching ({whom}). Ctrl-C stops.")
        self.stdout.flush()
        known = Watch()
        while not stop.is_set():
            known = look(known)
            stop.wait(options["every"])


def look(known: Watch) -> Watch:
    """One look, whatever goes wrong in it: a watch that dies of what it sees is none. Its connection does not
    outlive it, so that each look asks whether the database takes new ones."""
    try:
        return watch.look(known, datetime.now(UTC))
    except Exception:
        log.exception("a look failed; the next one follows")
        return known
    finally:
        connections.close_all()
        _touch()


def _touch() -> None:
    try:
        settings.STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
        (settings.STATE / LOOKED).touch()
    except OSError as error:
        log.warning("the state folder cannot be written", extra={"why": error.strerror})
