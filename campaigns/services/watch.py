"""Watch the workers from outside of them, and tell somebody by e-mail when something has fallen silent.

Shares nothing with worker, beat and Redis: it asks the database by itself, and where that does not answer it
says so. The words go by ALERT_EMAIL_URL to WATCH_EMAIL.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import cast
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from campaigns.delivery import watch_words
from campaigns.delivery.channels import Ending, Outgoing, Sender
from campaigns.delivery.email import EmailSender
from campaigns.delivery.registry import ChannelSettings, alert_email
from campaigns.domain import watching
from campaigns.domain.watching import Watch, Word
from campaigns.models import Installation
from campaigns.queries import clock
from campaigns.services import circuits, duties

log = logging.getLogger(__name__)

USEFUL = timedelta(hours=1)
"""A word about silence is of use for so long."""


def faults() -> list[str]:
    """What is silent, by name; whether sending stopped by itself, or a channel takes nothing. Raises where
    the database is away."""
    names = [duty.value for duty in duties.silent()]
    if Installation.objects.filter(pk=1, paused=True).exclude(lost_since=None).exists():
        names.append(watch_words.STOPPED)
    if circuits.shut_for_long(clock.now()).exists():
        names.append(watch_words.SHUT)
    return names


def look(watch: Watch, now: datetime) -> Watch:
    """Look once and say what there is to say. `now` is this machine's: the database may be away.

    A word that the relay does not take is said by the next look.
    """
    after, word = watching.look(watch, _faults(), now)
    if word is None:
        return after
    if not _say(word, after if after.seen else watch, now):
        return watching.unsaid(watch, after)
    return after


def _faults() -> list[str]:
    try:
        return faults()
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        log.error("the database does not answer", extra={"kind": type(error).__name__})
        return [watching.AWAY]


def _say(word: Word, watch: Watch, now: datetime) -> bool:
    """One e-mail to each address; whether somebody was reached, or nobody is to be."""
    log.error("silence", extra={"word": word.value, "what": list(watch.seen)})
    text = watch_words.text_of(word, watch.seen, watch.since, f"{settings.PUBLIC_BASE_URL}/alerts")
    sender = alert_email(cast(ChannelSettings, settings))
    try:
        sent = [_send(sender, address, word, text, now) for address in settings.WATCH_EMAIL]
    finally:
        if isinstance(sender, EmailSender):
            sender.close()  # the next word is hours away
    return any(sent) or not sent


def _send(sender: Sender, address: str, word: Word, text: str, now: datetime) -> bool:
    outcome = sender.send(
        Outgoing(
            attempt_id=uuid4(),
            to=address,
            subject=watch_words.subject_of(word),
            text=text,
            from_name="campaigns",
            expires_at=now + USEFUL,
            now=now,
        )
    )
    if outcome.ending is not Ending.ACCEPTED:
        log.error("a word about silence did not leave", extra={"why": outcome.detail})
    return outcome.ending is Ending.ACCEPTED
