"""Send what is due: claim, ask every gate again, commit the attempt, and only then let a byte leave.

    one transaction   claim (SKIP LOCKED) -> gates -> words -> attempt rows -> commit
    no transaction    what makes it false or unwanted asked once more -> the channel
    one transaction   outcomes

A worker that dies before the first commit has done nothing; after it, the message is `attempting`, and only
the reconciler may decide what became of it. Whoever else sends at the same time takes other rows.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import DatabaseError, transaction

from campaigns.delivery.calendar import PUBLISH, VisitEntry, visit_file
from campaigns.delivery.channels import Ending, Outcome, Outgoing
from campaigns.delivery.registry import senders
from campaigns.delivery.rendering import calendar_words
from campaigns.domain.consent import Defer, Go, Skip, judge
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.domain.retry import decide
from campaigns.models import Clinic, ContactPoint, Installation, PatientLink
from campaigns.models.encryption import Undecipherable, blind_index
from campaigns.queries import clock, queue
from campaigns.queries.queue import Beginning, Claimed, Link, Record, Settled
from campaigns.services.addresses import REFUSED, owners_of, plan_again
from campaigns.services.compose import (
    LINK_LIFE,
    Composed,
    compose,
    reply_address,
    token_hash,
    unsubscribe_url,
)
from campaigns.services.consent import PROVIDER, opt_out
from campaigns.services.gates import Context, Counts, contexts, gate_facts
from campaigns.services.turns import Turns, turns

log = logging.getLogger(__name__)

BATCH = 100
"""Messages a claim. A crash leaves at most this many to the reconciler."""
VISIT_CHANGED = {Reason.VISIT_MOVED, Reason.VISIT_CANCELLED, Reason.VISIT_DONE, Reason.VISIT_MISSED}
KEY_WAIT = timedelta(minutes=15)
"""A row under a key that is not there is tried again after this: the key may be put back."""
TICK = timedelta(seconds=10)
FRESH_SECONDS = 0.5
"""No further message begins on an answer about opt-outs that is older than this."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call did. `full` says that more may be due."""

    claimed: int
    tried: int
    full: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """A message whose attempt is committed."""

    row: Claimed
    epoch: int
    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message that may go, as it will leave."""

    row: Claimed
    words: Composed
    outgoing: Outgoing


def send_batch(limit: int = BATCH) -> Batch:
    """Send up to `limit` due messages. Does nothing while the installation is paused."""
    now = clock.now()
    if Installation.objects.filter(paused=True).exists():
        _tick(now)
        return Batch(0, 0, False)
    queue.expire(now)
    with transaction.atomic():
        claimed = queue.claim(now, limit)
        ready = _begin(claimed, now) if claimed else []
    _tick(now)
    _deliver(ready)
    return Batch(len(claimed), len(ready), len(claimed) >= limit)


def _tick(now: datetime) -> None:
    """Say that due messages were looked for, and that nothing in them stopped it. Not at each batch: many
    workers would wait for one row. A clock that was put back counts as long ago."""
    Installation.objects.filter(pk=1).exclude(last_tick_at__range=(now - TICK, now)).update(last_tick_at=now)


def drain(limit: int = BATCH) -> int:
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
    counts = Counts(claimed, known, now)
    asking = turns([row for row in claimed if row.clinic_id in known], now)
    results = [_prepare(row, known, counts, asking, now) for row in claimed]
    queue.settle([result for result in results if isinstance(result, Settled)], now)
    return _write_attempts([result for result in results if isinstance(result, Prepared)], now)


def _prepare(
    row: Claimed, known: Mapping[UUID, Context], counts: Counts, asking: Turns, now: datetime
) -> Prepared | Settled:
    """All about one message that can fail for what is stored about it. Then it stops alone."""
    try:
        context = known[row.clinic_id]
        words = _judge(row, context, counts, asking, now)
        if isinstance(words, Settled):
            return words
        prepared = Prepared(row, words, _outgoing(row, words, uuid4(), context, now))
    except DatabaseError:
        raise  # the transaction is over for all of them
    except Exception as error:
        return _unreadable(row, error, now)
    counts.add(row)
    asking.note(row, now)
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


def _judge(
    row: Claimed, context: Context, counts: Counts, asking: Turns, now: datetime
) -> Composed | Settled:
    verdict = judge(gate_facts(row, context, counts), now)
    match verdict:
        case Skip(reason):
            return Settled(message_id=row.id, state=State.SKIPPED, reason=reason, due_at=row.send_at)
        case Defer(until, reason):
            return Settled(message_id=row.id, state=State.WAITING, reason=reason, due_at=until)
        case Go():
            return _wait_for_turn(row, asking, now) or _compose(row, context, now)


def _wait_for_turn(row: Claimed, asking: Turns, now: datetime) -> Settled | None:
    until = asking.until(row, now)
    if until is None:
        return None
    return Settled(message_id=row.id, state=State.WAITING, reason=Reason.QUESTION_OPEN, due_at=until)


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


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.SENDER_THREADS, thread_name_prefix="sender")


def _deliver(ready: Sequence[Ready]) -> None:
    """Let the bytes leave, and record what became of them. No transaction is open meanwhile.

    In rounds: each asks what is still true and wanted and whether the tries are still ours, sends while that
    answer is fresh, and records. At full speed that is one round a batch; with a slow provider, one round a
    try of each thread, so that no outcome waits for its record longer than the slowest try takes.
    """
    waiting = deque(ready)
    while waiting:
        _round(waiting)


def _round(waiting: deque[Ready]) -> None:
    """Send from the left of `waiting` for as long as the answers of this round are fresh."""
    fresh_until = monotonic() + FRESH_SECONDS
    held = queue.hold([one.outgoing.attempt_id for one in waiting])
    asked_at = clock.now()
    stopped = queue.no_longer_wanted([one.row.id for one in waiting], asked_at)
    ours = [one for one in waiting if one.outgoing.attempt_id in held]
    waiting.clear()
    waiting.extend(ours)
    done: deque[tuple[Ready, Outcome]] = deque()

    def pull(first: Ready) -> None:
        one: Ready | None = first
        while one is not None:
            done.append((one, _send(one, stopped, asked_at)))
            one = _next_of(waiting) if monotonic() < fresh_until else None

    firsts = [waiting.popleft() for _ in range(min(settings.SENDER_THREADS, len(waiting)))]
    wait([_pool().submit(pull, first) for first in firsts])
    now = clock.now()
    records = [_record(one, outcome, now) for one, outcome in done]
    if records:
        with transaction.atomic():
            queue.record(records, now)
    _learn(done, now)
    _tell_trouble(done)


def _learn(done: Iterable[tuple[Ready, Outcome]], now: datetime) -> None:
    """Who has told the provider to stop has told us, and a number that it refuses takes no more texts. One
    short transaction each: what a crash leaves out, the provider says again at the next try.

    Then the patient is planned again, on the other channel; and where a visit changed before the byte, so
    that nothing puts right what was never said.
    """
    for one, outcome in done:
        if outcome.ending is Ending.REJECTED:
            _learn_refusal(one, outcome.reason, now)
        elif outcome.ending is Ending.NOT_SENT and outcome.reason in VISIT_CHANGED:
            plan_again(one.row.patient_id)


def _learn_refusal(one: Ready, reason: Reason | None, now: datetime) -> None:
    channel, index = Channel(one.row.channel), blind_index(one.outgoing.to)
    if reason is Reason.OPTED_OUT:
        with transaction.atomic():
            opt_out(index, channel, source=PROVIDER, now=now)
    elif reason in REFUSED and channel is Channel.SMS:
        # Not a mailbox: a relay that refuses every recipient must not mark them all.
        points = ContactPoint.objects.filter(address_index=index, channel=channel)
        points.update(state=REFUSED[reason])
    else:
        return
    for patient in owners_of(index, channel):
        plan_again(patient)


def _tell_trouble(done: Iterable[tuple[Ready, Outcome]]) -> None:
    """One line a channel and cause: a mail server that is down must not write a line a message."""
    trouble = Counter(
        (one.row.channel, " ".join(filter(None, (outcome.error_code, outcome.detail))))
        for one, outcome in done
        if outcome.ending is Ending.NOT_SENT and outcome.reason is None
    )
    for (channel, why), count in trouble.items():
        log.warning(
            "not taken, will be tried again", extra={"channel": channel, "why": why, "messages": count}
        )


def _next_of(waiting: deque[Ready]) -> Ready | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _send(ready: Ready, stopped: Mapping[int, str], now: datetime) -> Outcome:
    if ready.row.id in stopped:
        reason = Reason(stopped[ready.row.id])
        return Outcome(ending=Ending.NOT_SENT, reason=reason, detail=f"{reason} after the claim")
    try:
        return senders()[Channel(ready.row.channel)].send(replace(ready.outgoing, now=now))
    except Exception:
        # One poisoned message must not stop the others; bytes may have left, so the reconciler decides.
        log.exception("a channel failed", extra={"attempt_id": str(ready.outgoing.attempt_id)})
        return Outcome(ending=Ending.UNCERTAIN, detail="the channel failed unexpectedly")


def _record(ready: Ready, outcome: Outcome, now: datetime) -> Record:
    state, reason, due_at = _next(ready.row, outcome, now)
    return Record(
        message_id=ready.row.id,
        attempt_id=ready.outgoing.attempt_id,
        epoch=ready.epoch,
        state=state,
        reason=reason or "",
        due_at=due_at,
        outcome=outcome.ending,
        provider_id=outcome.provider_id,
        error_code=outcome.error_code,
        detail=outcome.detail[:200],
    )


def _next(row: Claimed, outcome: Outcome, now: datetime) -> tuple[State, Reason | None, datetime]:
    match outcome.ending:
        case Ending.ACCEPTED:
            return State.ACCEPTED, None, row.send_at
        case Ending.UNCERTAIN:
            return State.UNCERTAIN, outcome.reason, row.send_at
        case Ending.REJECTED:
            return State.REJECTED, outcome.reason or Reason.PROVIDER_REFUSED, row.send_at
        case Ending.NOT_SENT:
            return _again(row, replace(outcome, reason=outcome.reason or Reason.PROVIDER_DOWN), now)


def _again(row: Claimed, outcome: Outcome, now: datetime) -> tuple[State, Reason | None, datetime]:
    decision = decide(
        tries=row.tries + 1,
        now=now,
        expires_at=row.expires_at,
        failure=outcome.reason,
        retry_after=outcome.retry_after,
        seed=row.id,
    )
    if decision.at is None:
        return State.REJECTED, decision.reason, row.send_at
    return State.WAITING, outcome.reason, decision.at
