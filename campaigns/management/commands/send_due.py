"""`campaigns send-due`: what the worker does, without a broker."""

from __future__ import annotations

import logging
import signal
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.models import Count

from campaigns.delivery.channels import Ending
from campaigns.models import Attempt
from campaigns.queries import clock
from campaigns.services import heartbeat, memory
from campaigns.services.check_chain import check_chain
from campaigns.services.climb import PATIENCE, climb
from campaigns.services.clinic_changes import count_steps, follow_changes
from campaigns.services.count_up import count_up
from campaigns.services.examine import refuse_unfit
from campaigns.services.fetch_mail import fetch_mail
from campaigns.services.held_acts import run_due as run_held_acts
from campaigns.services.import_run import run as run_imports
from campaigns.services.outbox import tell
from campaigns.services.plan import replan_changed
from campaigns.services.receive_mail import read_waiting
from campaigns.services.reconcile import reconcile
from campaigns.services.send import drain, send_batch
from campaigns.services.take_in import take_up_waiting
from campaigns.tasks import AWAY

log = logging.getLogger(__name__)

CLIMB_EVERY = 15.0
"""Seconds between two looks at the alert ladder, as the beat has it."""
CHORES: dict[Callable[[], object], float] = {
    read_waiting: 10.0,
    fetch_mail: 60.0,
    heartbeat.send: 60.0,
    tell: 5.0,
    check_chain: 5.0,
    count_up: 300.0,
    run_imports: 5.0,
    run_held_acts: 5.0,
    follow_changes: 5.0,
    count_steps: 600.0,
    replan_changed: 600.0,
}
"""What else the beat asks for, and every how many seconds."""


class Command(BaseCommand):
    help = "Send what is due, once or until stopped. Needs no Redis."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--watch", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument("--limit", type=int, default=0, help="send at most this many and stop")
        parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="pause between looks")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unfit()
        with memory.remembering(settings.STATE):
            if options["watch"] and not options["limit"]:
                self._watch(options["every"])
            else:
                self._once(options["limit"])

    def _once(self, limit: int) -> None:
        began = clock.now()
        if limit:
            tried = send_batch(limit).tried
        else:
            take_up_waiting()
            climb()
            reconcile()
            tried = drain()
        put_off = not_sent(began)
        self.stdout.write(f"{tried - sum(put_off.values())} sent")
        for fault, count in put_off.items():
            self.stderr.write(f"{count} not sent: {fault}. They are tried again.")

    def _watch(self, every: float) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        # A thread of its own: a long batch to patients must not keep staff waiting.
        ladder = Thread(target=_climb_until, args=(stop,), name="ladder", daemon=True)
        chores = Thread(target=_do_chores_until, args=(stop,), name="chores", daemon=True)
        for thread in (ladder, chores):
            thread.start()
        self.stdout.write("Watching. Ctrl-C stops after the batch in hand.")
        told: set[str] = set()
        while not stop.is_set():
            faults = _pass()
            for fault in sorted(faults - told):
                self.stderr.write(f"{fault}. Trying again until it is over.")
            told = faults
            stop.wait(every)
        ladder.join(PATIENCE)


def _climb_until(stop: Event) -> None:
    """Climb the alert ladder again and again. A database that is away is the other thread's to report."""
    while not stop.is_set():
        try:
            climb()
        except AWAY:
            connection.close()
        except Exception:
            log.exception("the alert ladder failed; it is tried again")
        stop.wait(CLIMB_EVERY)
    connection.close()


def _do_chores_until(stop: Event) -> None:
    """What the beat asks for less often, each in its own rhythm and none the end of another."""
    due = dict.fromkeys(CHORES, 0.0)
    while not stop.is_set():
        for chore, every in CHORES.items():
            if monotonic() >= due[chore]:
                due[chore] = monotonic() + every
                _do(chore)
        stop.wait(min(CHORES.values()))
    connection.close()


def _do(chore: Callable[[], object]) -> None:
    try:
        chore()
    except AWAY:
        connection.close()
    except Exception:
        log.exception("a chore failed; it is tried again")


def _pass() -> set[str]:
    """Look once; what is wrong, if anything. What was under way when the database went is settled later."""
    try:
        began = clock.now()
        take_up_waiting()
        reconcile()
        drain()
        return set(not_sent(began))
    except AWAY as error:
        connection.close()
        return {f"The database does not answer: {str(error).partition(chr(10))[0].rstrip('.')}"}


def not_sent(since: datetime) -> dict[str, int]:
    """Tries that ended since then and sent nothing, counted by what the channel met; no address is in it."""
    rows = Attempt.objects.filter(finished_at__gte=since, outcome=Ending.NOT_SENT)
    counted = rows.values_list("channel", "error_code", "detail").annotate(Count("pk")).order_by("channel")
    return {
        f"{channel}: {' '.join(filter(None, (code, detail))) or 'the channel does not answer'}": count
        for channel, code, detail, count in counted
    }
