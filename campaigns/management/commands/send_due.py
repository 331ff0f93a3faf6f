"""`campaigns send-due`: what the worker does, without a broker."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services.reconcile import reconcile
from campaigns.services.send import BATCH, drain, send_batch


class Command(BaseCommand):
    help = "Send what is due, once or until stopped. Needs no Redis."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--watch", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument("--limit", type=int, default=0, help="send at most this many and stop")
        parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="pause between looks")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["limit"]:
            self.stdout.write(f"{send_batch(options['limit']).tried} sent")
        elif options["watch"]:
            self._watch(options["every"])
        else:
            reconcile()
            self.stdout.write(f"{drain(BATCH)} sent")

    def _watch(self, every: float) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("Watching. Ctrl-C stops after the batch in hand.")
        while not stop.is_set():
            reconcile()
            drain(BATCH)
            stop.wait(every)
