"""What Celery runs: ids in, one service call, nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from celery import shared_task
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from campaigns.services import check_chain as chain_service
from campaigns.services import climb as climb_service
from campaigns.services import (
    clinic_changes,
    fetch_mail,
    heartbeat,
    held_acts,
    import_run,
    outbox,
    plan,
    receive_mail,
    send,
    take_in,
)
from campaigns.services import count_up as counting
from campaigns.services import reconcile as reconcile_service

log = logging.getLogger(__name__)


AWAY = (OperationalError, InterfaceError, InternalError)
"""What comes up while the database takes nothing: it is gone, full, or (the last) read only."""


@contextmanager
def next_tick_tries_again() -> Iterator[None]:
    """One line instead of a traceback every two seconds while the database is away: nothing is lost by it."""
    try:
        yield
    except AWAY as error:
        why = str(error).partition("\n")[0]
        log.error("the database does not answer; the next tick tries again", extra={"why": why})


@shared_task(name="send_due")
@next_tick_tries_again()
def send_due() -> None:
    """Send one batch. A full one asks for two more, so that a backlog soon has every process at work."""
    if send.send_batch().full:
        call_two_more()


def call_two_more() -> None:
    """A hint that is lost costs one tick."""
    with suppress(BrokerError):
        send_due.apply_async(expires=settings.HINT_SECONDS)
        send_due.apply_async(expires=settings.HINT_SECONDS)


@shared_task(name="take_up_waiting")
@next_tick_tries_again()
def take_up_waiting() -> None:
    """Read the texts that came in a crowd or that something kept from being read."""
    if take_in.take_up_waiting():
        call_another()


def call_another() -> None:
    """A hint that is lost costs one tick."""
    with suppress(BrokerError):
        take_up_waiting.apply_async(expires=settings.HINT_SECONDS)


@shared_task(name="reconcile")
@next_tick_tries_again()
def reconcile() -> None:
    """Find out what became of tries whose outcome nobody recorded."""
    reconcile_service.reconcile()


@shared_task(name="climb")
@next_tick_tries_again()
def climb() -> None:
    """Tell staff of alerts that nobody has taken in time."""
    climb_service.climb()


@shared_task(name="replan_changed")
@next_tick_tries_again()
def replan_changed() -> None:
    """Plan again where the timing of a sequence or a clinic has changed, until all is done."""
    if plan.replan_changed():
        call_the_rest()


def call_the_rest() -> None:
    """New zone data concern everybody, and the next tick is ten minutes away."""
    with suppress(BrokerError):
        replan_changed.apply_async(expires=settings.HINT_SECONDS)


@shared_task(name="follow_changes")
@next_tick_tries_again()
def follow_changes() -> None:
    """Plan again after somebody changed a clinic's settings or a step, until everybody follows."""
    if clinic_changes.follow_changes():
        call_for_more()


def call_for_more() -> None:
    """A hint that is lost costs one tick."""
    with suppress(BrokerError):
        follow_changes.apply_async(expires=settings.HINT_SECONDS)


@shared_task(name="count_steps")
@next_tick_tries_again()
def count_steps() -> None:
    """Count how many patients are in each step of a sequence."""
    clinic_changes.count_steps()


@shared_task(name="read_mail")
@next_tick_tries_again()
def read_mail() -> None:
    """Read mail that was stored and not read, because its reader died."""
    receive_mail.read_waiting()


@shared_task(name="fetch_mail")
@next_tick_tries_again()
def fetch_mailbox() -> None:
    """Bring in what is new in the mailbox, where the installation reads one."""
    fetch_mail.fetch_mail()


@shared_task(name="heartbeat")
@next_tick_tries_again()
def send_heartbeat() -> None:
    """Tell an outside service that everything is being done, where the installation names one."""
    heartbeat.send()


@shared_task(name="tell_endpoints")
@next_tick_tries_again()
def tell_endpoints() -> None:
    """Tell other programs what has happened, where a clinic names any."""
    outbox.tell()


@shared_task(name="count_up")
@next_tick_tries_again()
def count_up() -> None:
    """Keep the counts that the reports show."""
    counting.count_up()


@shared_task(name="check_chain")
@next_tick_tries_again()
def check_chain() -> None:
    """Go on with a check of the audit chain, where somebody has asked for one."""
    chain_service.check_chain()


@shared_task(name="run_held_acts")
@next_tick_tries_again()
def run_held_acts() -> None:
    """Do what was held for five minutes after a second person agreed."""
    held_acts.run_due()


@shared_task(name="run_imports")
@next_tick_tries_again()
def run_imports() -> None:
    """Carry on with the imports that are under way, until all is done."""
    if import_run.run():
        call_for_more_rows()


def call_for_more_rows() -> None:
    """A hint that is lost costs one tick."""
    with suppress(BrokerError):
        run_imports.apply_async(expires=settings.HINT_SECONDS)
