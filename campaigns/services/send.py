"""Send what is due: claim, ask every gate again, commit the attempt, and only then let a byte leave.

    one transaction   claim (SKIP LOCKED) -> gates -> words -> attempt rows -> commit
    no transaction    what makes it false or unwanted asked once more -> the channel
    one transaction   outcomes

A worker that dies before the first commit has done nothing; after it, the message is `attempting`, and only
the reconciler may decide what became of it. Whoever else sends at the same time takes other rows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import DatabaseError, transaction

from campaigns.delivery.calendar import PUBLISH, VisitEntry, visit_file
from campaigns.delivery.channels import Outgoing
from campaigns.delivery.rendering import calendar_words
from campaigns.domain.consent import Defer, Go, Skip, judge
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, Installation, PatientLink
from campaigns.models.encryption import Undecipherable
from campaigns.queries import clock, queue, ticks
from campaigns.queries.queue import Beginning, Claimed, Link, Settled
from campaigns.services import memory
from campaigns.services.compose import (
    LINK_LIFE,
    Composed,
    compose,
    reply_address,
    token_hash,
    unsubscribe_url,
)
from campaigns.services.deliver import Ready, deliver
from campaigns.services.duties import Duty
from campaigns.services.gates import Context, Counts, contexts, gate_facts
from campaigns.services.pacing import Senders
from campaigns.services.turns import Turns, turns

log = logging.getLogger(__name__)

BATCH = 100
"""Messages a claim, or as many as threads send at once if those are more: fewer would leave some idle while
the other end is slow. A crash leaves at most this many to the reconciler."""
KEY_WAIT = timedelta(minutes=15)
"""A row under a key that is not there is tried again after this: the key may be put back."""
TICK = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call did. `full` says that more may be due."""

    claimed: int
    tried: int
    full: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message that may go, as it will leave."""

    row: Claimed
    words: Composed
    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Limits:
    """What the messages of one batch share: caps, questions that are open, and numbers that carry so much."""

    counts: Counts
    asking: Turns
    numbers: Senders


def batch_size() -> int:
    """Messages a claim, as this installation is set."""
    return max(BATCH, settings.SENDER_THREADS)


def send_batch(limit: int = 0) -> Batch:
    """Send up to `limit` due messages, or a batch. Does nothing while the installation is paused."""
    limit = limit or batch_size()
    memory.remember()
    now = clock.now()
    if Installation.objects.filter(paused=True).exists():
        _tick(now)
        return Batch(0, 0, False)
    queue.expire(now)
    queue.choose_probes(now)
    with transaction.atomic():
        claimed = queue.claim(now, limit)
        ready = _begin(claimed, now) if claimed else []
    _tick(now)
    deliver(ready)
    return Batch(len(claimed), len(ready), len(claimed) >= limit)


def _tick(now: datetime) -> None:
    """Say that due messages were looked for, and that nothing in them stopped it. Not at each batch: many
    workers would wait for one row. A clock that was put back counts as long ago."""
    ticks.mark(Duty.SENDING)
    Installation.objects.filter(pk=1).exclude(last_tick_at__range=(now - TICK, now)).update(last_tick_at=now)


def drain(limit: int = 0) -> int:
    """Send until nothing more is due; how many were tried."""
    tried = 0
    while True:
        batch = send_batch(limit)
        tried += batch.tried
        if not batch.full:
            return tried


def _begin(claimed: Sequence[Claimed], now: datetime) -> list[Ready]:
    """Ask the gates, find the words, write the attempts. Runs inside the claim's transaction."""
    known = contexts(claimed)
    limits = Limits(
        counts=Counts(claimed, known, now),
        asking=turns([row for row in claimed if row.clinic_id in known], now),
        numbers=Senders(known, claimed, now),
    )
    results = [_prepare(row, known, limits, now) for row in claimed]
    limits.numbers.write_down()
    queue.settle([result for result in results if isinstance(result, Settled)], now)
    return _write_attempts([result for result in results if isinstance(result, Prepared)], now)


def _prepare(
    row: Claimed, known: Mapping[UUID, Context], limits: Limits, now: datetime
) -> Prepared | Settled:
    """All about one message that can fail for what is stored about it. Then it stops alone."""
    try:
        context = known[row.clinic_id]
        words = _judge(row, context, limits, now)
        if isinstance(words, Settled):
            return words
        segments = words.segmented.segments if words.segmented else 0
        if room_at := limits.numbers.take(row, segments, now):
            return _later(row, Reason.SENDER_BUSY, room_at)
        prepared = Prepared(row, words, _outgoing(row, words, uuid4(), context, now))
    except DatabaseError:
        raise  # the transaction is over for all of them
    except Exception as error:
        return _unreadable(row, error, now)
    limits.counts.add(row)
    limits.asking.note(row, now)
    return prepared


def _unreadable(row: Claimed, error: Exception, now: datetime) -> Settled:
    """Staff are told at once, but for a key that is not there: its loss must not skip all that is due."""
    log.error("a message cannot be read", extra={"message_id": row.id, "why": type(error).__name__})
    again = now + KEY_WAIT
    waits = isinstance(error, Undecipherable) and again < row.expires_at
    return Settled(
        message_id=row.id,
        state=State.WAITING if waits else State.SKIPPED,
        reason=Reason.RENDER_ERROR,
        due_at=again if waits else row.send_at,
    )


def _judge(row: Claimed, context: Context, limits: Limits, now: datetime) -> Composed | Settled:
    verdict = judge(gate_facts(row, context, limits.counts), now)
    match verdict:
        case Skip(reason):
            return Settled(message_id=row.id, state=State.SKIPPED, reason=reason, due_at=row.send_at)
        case Defer(until, reason):
            return _later(row, reason, until)
        case Go():
            turn_at = limits.asking.until(row, now)
            return _later(row, Reason.QUESTION_OPEN, turn_at) if turn_at else _compose(row, context, now)


def _later(row: Claimed, reason: Reason, until: datetime) -> Settled:
    return Settled(message_id=row.id, state=State.WAITING, reason=reason, due_at=until)


def _compose(row: Claimed, context: Context, now: datetime) -> Composed | Settled:
    result = compose(row, context.clinic, context.approved, now)
    if isinstance(result, Composed):
        return result
    log.warning("no words for a message", extra={"message_id": row.id, "detail": result.detail})
    return Settled(message_id=row.id, state=State.SKIPPED, reason=result.reason, due_at=row.send_at)


def _write_attempts(prepared: Sequence[Prepared], now: datetime) -> list[Ready]:
    if not prepared:
        return []
    epochs = queue.begin_attempts([_beginning(one) for one in prepared], now)
    queue.add_links([link for one in prepared for link in _links(one.row, one.words, now)])
    return [Ready(one.row, epochs[one.row.id], one.outgoing) for one in prepared]


def _beginning(prepared: Prepared) -> Beginning:
    row, words = prepared.row, prepared.words
    return Beginning(
        message_id=row.id,
        attempt_id=prepared.outgoing.attempt_id,
        language=words.rendered.language,
        digest=words.rendered.wording_digest,
        subject=words.rendered.subject,
        body=words.rendered.text,
        html=words.rendered.html,
        segments=words.segmented.segments if words.segmented else 0,
        encoding=words.segmented.encoding if words.segmented else "",
        stated=_stated(row, words),
    )


def _stated(row: Claimed, words: Composed) -> dict[str, str] | None:
    """What these words tell the patient about the visit."""
    if row.on_date is None or row.at_time is None or not words.states:
        return None
    facts = {"date": row.on_date.isoformat(), "time": f"{row.at_time:%H:%M}"}
    return {"visit": str(row.visit_id)} | {name: facts[name] for name in sorted(words.states)}


def _links(row: Claimed, words: Composed, now: datetime) -> Iterator[Link]:
    for purpose, token in words.tokens.items():
        yield Link(
            token_hash=token_hash(token),
            patient_id=row.patient_id,
            message_id=row.id,
            purpose=purpose,
            expires_at=now + LINK_LIFE[PatientLink.Purpose(purpose)],
        )


def message_id_header(clinic: Clinic, message_id: int) -> str:
    """The `Message-ID` of every try of one e-mail: the same one, so that mailboxes can tell a repeat."""
    return f"<{uuid5(clinic.id, str(message_id))}@{mail_domain()}>"


def mail_domain() -> str:
    """The domain that our mail comes from: the right-hand side of every id we make for it."""
    return settings.EMAIL_FROM.rpartition("@")[2].rstrip(">") or "localhost"


def _outgoing(row: Claimed, words: Composed, attempt: UUID, context: Context, now: datetime) -> Outgoing:
    clinic, is_email = context.clinic, row.channel == Channel.EMAIL
    calendar, method = _calendar(row, words, context, now) if is_email else (None, PUBLISH)
    return Outgoing(
        attempt_id=attempt,
        to=row.address,
        text=words.rendered.text,
        subject=words.rendered.subject,
        html=words.rendered.html,
        language=words.rendered.language,
        expires_at=row.expires_at,
        now=now,
        status_callback=f"{settings.PUBLIC_BASE_URL}/webhooks/twilio/status/{attempt}",
        from_name=clinic.name if is_email else clinic.sms_number,
        message_id=message_id_header(clinic, row.id) if is_email else "",
        reply_to=reply_address(words.tokens),
        unsubscribe_url=unsubscribe_url(words.tokens),
        calendar=calendar,
        calendar_method=method,
    )


def _calendar(row: Claimed, words: Composed, context: Context, now: datetime) -> tuple[bytes | None, str]:
    """A calendar file where the e-mail states the date of a visit. It updates when the visit moves."""
    if not words.states or row.on_date is None or row.at_time is None:
        return None, PUBLISH
    clinic, language = context.clinic, words.rendered.language
    summary, note = calendar_words(language, clinic.display_name, clinic.phone, context.approved.own)
    cancelled = row.visit_state == "cancelled"
    entry = VisitEntry(
        uid=f"{row.visit_id}@{mail_domain()}",
        # Twice the version, so that a cancellation of the same version still comes after it.
        sequence=2 * row.current_visit_version + cancelled,
        starts_at=datetime.combine(row.on_date, row.at_time, context.zone),
        lasts=timedelta(minutes=row.minutes or 45),
        summary=summary,
        description=note,
        location=clinic.address,
        now=now,
        cancelled=cancelled,
    )
    return visit_file(entry), entry.method
