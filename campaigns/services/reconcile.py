"""Find out what became of tries whose outcome nobody recorded. The only way out of `uncertain`.

Text messages: the provider is asked for its list; only after a quiet time with no callback and no entry is a
text believed unsent, and it is tried again only while it is still useful. E-mail: the relay's Sent
folder is searched for the Message-ID; where there is none SMTP cannot be asked, and the installation's policy
decides: leave it to staff (at most once), or send again with the same Message-ID.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet

from campaigns.delivery.channels import Ending, Outcome, Sought
from campaigns.delivery.registry import senders
from campaigns.domain.lifecycle import After, Reason, State, after_search
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, Clinic, Message
from campaigns.models.encryption import blind_index
from campaigns.queries import clock, queue
from campaigns.queries.queue import InDoubt
from campaigns.services.duties import Duty, fulfils
from campaigns.services.send import message_id_header

log = logging.getLogger(__name__)

NEWS_WAIT = timedelta(hours=72)
"""An accepted text without any news for this long is `unknown` (GOV.UK Notify uses the same)."""


@dataclass(slots=True)
class Settlement:
    """What one pass found."""

    lapsed: int = 0
    accepted: int = 0
    again: int = 0
    unresolved: int = 0


@fulfils(Duty.SETTLING)
def reconcile() -> Settlement:
    """One pass: sweep dead leases, settle what is in doubt, give up waiting for old news."""
    now = clock.now()
    result = Settlement(lapsed=queue.lapse(settings.LEASE_SECONDS))
    for doubt in queue.in_doubt(settings.QUIET_SECONDS):
        _look_into(doubt, now, result)
    _give_up_on_news(now)
    return result


def _look_into(doubt: InDoubt, now: datetime, result: Settlement) -> None:
    """One doubt that nobody can be asked about stops no other. Staff get it when it is useful no more."""
    try:
        found = _find(doubt)
    except DatabaseError:
        raise
    except Exception as error:
        log.error("nobody can be asked", extra={"message_id": doubt.id, "why": type(error).__name__})
        if doubt.quiet and now >= doubt.expires_at:
            given_up = After(state=State.UNRESOLVED, reason=Reason.UNCERTAIN_EXPIRED)
            result.unresolved += _move(doubt, given_up, None, now)
    else:
        _settle(doubt, found, now, result)


def _find(doubt: InDoubt) -> Outcome | None:
    # Of everybody at this address: a household is told the same in the same words.
    others = Attempt.objects.filter(
        message__patient__contact_points__address_index=blind_index(doubt.address), channel=doubt.channel
    ).exclude(pk=doubt.attempt_id)
    sought = Sought(
        to=doubt.address,
        text=doubt.body,
        attempt_id=doubt.attempt_id,
        since=doubt.started_at,
        known=frozenset(others.exclude(provider_id="").values_list("provider_id", flat=True)),
        message_id=_message_id(doubt),
    )
    found = senders()[Channel(doubt.channel)].find(sought)
    if found is not None and found.ending is Ending.ACCEPTED and _may_be_anothers(found, others):
        return Outcome(ending=Ending.UNCERTAIN, detail="it may be another's of the same words")
    return found


def _may_be_anothers(found: Outcome, others: QuerySet[Attempt]) -> bool:
    """Whether what the list shows may belong to a try to the same address that was on its way when the list
    was read: it has its name on record by now, or none yet."""
    under_way = Q(outcome="", message__state=State.ATTEMPTING, epoch=F("message__epoch"))
    named = Q(provider_id=found.provider_id) if found.provider_id else Q(pk=None)
    return others.filter(under_way | named).exists()


def _message_id(doubt: InDoubt) -> str:
    """The Message-ID of an e-mail, without the angle brackets; nothing for a text."""
    if doubt.channel != Channel.EMAIL:
        return ""
    return message_id_header(Clinic.objects.get(patients=doubt.patient_id), doubt.id).strip("<>")


def _settle(doubt: InDoubt, found: Outcome | None, now: datetime, result: Settlement) -> None:
    after = after_search(
        found.ending if found else None,
        quiet=doubt.quiet,
        expired=now >= doubt.expires_at,
        twice=settings.EMAIL_UNCERTAIN == "at_least_once",
    )
    if after is None:
        return
    moved = _move(doubt, after, found, now)
    result.accepted += moved if after.state is State.ACCEPTED else 0
    result.again += moved if after.state is State.WAITING else 0
    result.unresolved += moved if after.state is State.UNRESOLVED else 0


def _move(doubt: InDoubt, after: After, found: Outcome | None, now: datetime) -> int:
    """Move one message on, unless a callback has done so meanwhile: state and epoch must still match."""
    again = after.state is State.WAITING
    with transaction.atomic():
        rows = Message.objects.filter(pk=doubt.id, epoch=doubt.epoch, state=State.UNCERTAIN)
        moved = rows.update(
            state=after.state, reason=after.reason or "", due_at=now, settled_at=None if again else now
        )
        if moved and after.doubled:
            Message.objects.filter(pk=doubt.id).update(duplicate_possible=True)
        if moved:
            Attempt.objects.filter(pk=doubt.attempt_id).update(
                finished_at=now,
                outcome=Ending.NOT_SENT if again else after.state,
                provider_id=found.provider_id if found else "",
            )
    return moved


def _give_up_on_news(now: datetime) -> None:
    Message.objects.filter(channel=Channel.SMS, state=State.ACCEPTED, settled_at__lt=now - NEWS_WAIT).update(
        state=State.UNKNOWN
    )
