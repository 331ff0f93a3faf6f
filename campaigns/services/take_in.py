"""Texts are stored before anything is made of them, and what was stored is always read in the end.

Storing commits by itself; only then come the rules, in a transaction of their own. Whatever goes wrong with
them finds the words in the table: the worker takes up what waits, and what the rules cannot get through is
put before a person as it came. In a crowd, when a process has several texts in hand, it only stores them and
leaves the reading to the worker, so that every sender's provider gets its answer in time; a text with a word
of danger never waits.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import F

from campaigns.domain import triage
from campaigns.domain.languages import SOURCE
from campaigns.domain.recipients import Channel
from campaigns.domain.triage import Urgency
from campaigns.models import Alert, Reply
from campaigns.queries import clock, incoming, lexicons
from campaigns.services import receive, understand
from campaigns.services.duties import Duty, fulfils
from campaigns.services.escalate import open_alert

log = logging.getLogger(__name__)

MOST_TRIES = 3
"""How often the rules may fail on one text before a person gets it unread."""
LONGEST_SLICE = 4.0
"""Seconds that one call may go on taking up texts: sending waits meanwhile."""
_BATCH = 50


class _InHand:
    """How many texts this process has in hand."""

    def __init__(self) -> None:
        self.count = 0
        self._turn = threading.Lock()

    def __enter__(self) -> None:
        with self._turn:
            self.count += 1

    def __exit__(self, *_: object) -> None:
        with self._turn:
            self.count -= 1


_in_hand = _InHand()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One text as a provider brought it. Numbers in E.164; `opt_out_type` is set where the provider has
    already answered STOP, START or HELP itself; `files` counts pictures, which stay with the provider."""

    provider_id: str
    sender: str
    recipient: str
    body: str
    opt_out_type: str = ""
    files: int = 0


def receive_sms(inbound: Inbound) -> str:
    """Store one text and, outside a crowd, act on it; its outcome so far. A repeat changes nothing.

    Raises only what storing raises: then the provider must ask again.
    """
    with _in_hand:
        body = understand.readable(inbound.body)
        reply_id = incoming.keep(
            provider_id=inbound.provider_id,
            channel=Channel.SMS,
            sender=inbound.sender,
            sent_to=inbound.recipient[:20],
            body=body,
            opt_out_type=inbound.opt_out_type[:12],
            files=inbound.files,
        )
        if reply_id is None:
            return Reply.objects.values_list("outcome", flat=True).get(provider_id=inbound.provider_id)
        if _in_hand.count == 1 or _is_dangerous(body):
            return take_up(reply_id)
        return Reply.Outcome.WAITING


def _is_dangerous(body: str) -> bool:
    """By the words of every language; whose text it is, nobody has looked up yet."""
    return triage.assess(body, language=SOURCE, lexicon=lexicons.load()).urgency is Urgency.EMERGENCY


def take_up(reply_id: int) -> str:
    """Read one stored text, if nobody else does; its outcome so far. Never raises for what is in it."""
    try:
        with transaction.atomic():
            texts = Reply.objects.select_for_update(skip_locked=True, no_key=True)
            reply = texts.filter(pk=reply_id, outcome=Reply.Outcome.WAITING).first()
            if reply is None:
                return Reply.objects.values_list("outcome", flat=True).get(pk=reply_id)
            receive.act_on(reply)
            return reply.outcome
    except Exception as error:
        # The words are stored: a fault in the rules must neither make the provider drop them nor stop others.
        log.error("a stored text could not be read", extra={"reply": reply_id, "why": _where(error)})
        with suppress(DatabaseError, InterfaceError):
            return _count_failure(reply_id)
        return Reply.Outcome.WAITING


def _where(error: Exception) -> str:
    """The kind of error and its line: what it says may hold the patient's words."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


@transaction.atomic
def _count_failure(reply_id: int) -> str:
    reply = Reply.objects.select_for_update(no_key=True).get(pk=reply_id)
    if reply.outcome != Reply.Outcome.WAITING:
        return reply.outcome
    reply.tries = F("tries") + 1
    reply.save(update_fields=["tries"])
    reply.refresh_from_db(fields=["tries"])
    if reply.tries >= MOST_TRIES:
        _give_to_a_person(reply)
    return reply.outcome


def _give_to_a_person(reply: Reply) -> None:
    reply.outcome, reply.clinic = Reply.Outcome.ALERT, receive.clinic_of(reply, [])
    reply.save(update_fields=["outcome", "clinic"])
    open_alert(
        clinic=reply.clinic,
        reply=reply,
        patient=None,
        urgency=Alert.Urgency.URGENT,
        rule="could not be read",
        matched=(),
        now=clock.now(),
    )


@fulfils(Duty.READING)
def take_up_waiting() -> bool:
    """Read what was left, oldest first; True when the slice of time ended before the texts did.

    While more arrive it takes half of the time at most: storing them comes first.
    """
    until, last = time.monotonic() + LONGEST_SLICE, 0
    while ids := incoming.waiting(last, _BATCH):
        arriving = incoming.are_arriving()
        for last in ids:
            began = time.monotonic()
            take_up(last)
            if time.monotonic() > until:
                return True
            if arriving:
                time.sleep(time.monotonic() - began)
    return False
