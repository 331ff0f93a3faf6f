"""Send what is due: claim, ask every gate again, commit the attempt, and only then let a byte leave.

    one transaction   claim (SKIP LOCKED) -> gates -> words -> attempt rows -> commit
    no transaction    opt-outs asked once more -> the channel
    one transaction   outcomes

A worker that dies before the first commit has done nothing; after it, the message is `attempting`, and only
the reconciler may decide what became of it. Whoever else sends at the same time takes other rows.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from campaigns.delivery.calendar import PUBLISH, VisitEntry, visit_file
from campaigns.delivery.channels import Ending, Outcome, Outgoing
from campaigns.delivery.registry import senders
from campaigns.delivery.rendering import calendar_words
from campaigns.domain.consent import Defer, GateFacts, Go, Skip, judge
from campaigns.domain.lifecycle import Purpose, Reason, State
from campaigns.domain.recipients import Channel
from campaigns.domain.retry import decide
from campaigns.models import Clinic, Installation, PatientLink
from campaigns.models.encryption import blind_index
from campaigns.queries import clock, queue
from campaigns.queries.queue import Beginning, Claimed, Link, Record, Settled
from campaigns.services.compose import (
    LINK_LIFE,
    Approvals,
    Composed,
    approvals,
    compose,
    reply_address,
    token_hash,
    unsubscribe_url,
)
from campaigns.services.consent import PROVIDER, opt_out
from campaigns.services.turns import Turns, turns

log = logging.getLogger(__name__)

BATCH = 100
"""Messages a claim. A crash leaves at most this many to the reconciler."""
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
class Context:
    """A clinic and what it has approved, read once a batch."""

    clinic: Clinic
    approved: Approvals


def send_batch(limit: int = BATCH) -> Batch:
    """Send up to `limit` due messages. Does nothing while the installation is paused."""
    now = clock.now()
    if Installation.objects.filter(paused=True).exists():
        return Batch(0, 0, False)
    queue.expire(now)
    with transaction.atomic():
        claimed = queue.claim(now, limit)
        ready = _begin(claimed, now) if claimed else []
    _deliver(ready)
    return Batch(len(claimed), len(ready), len(claimed) >= limit)


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
    contexts = _contexts(claimed)
    counts = _Counts(claimed, contexts, now)
    asking = turns(claimed, now)
    settled: list[Settled] = []
    composed: list[tuple[Claimed, Composed]] = []
    for row in claimed:
        result = _judge(row, contexts[row.clinic_id], counts, asking, now)
        if isinstance(result, Settled):
            settled.append(result)
        else:
            composed.append((row, result))
            asking.note(row, now)
    queue.settle(settled, now)
    return _write_attempts(composed, contexts, now)


def _contexts(claimed: Sequence[Claimed]) -> dict[UUID, Context]:
    clinics = Clinic.objects.in_bulk({row.clinic_id for row in claimed})
    return {key: Context(clinic, approvals(clinic)) for key, clinic in clinics.items()}


class _Counts:
    """Texts of each patient today and this week, this batch included."""

    def __init__(self, claimed: Sequence[Claimed], contexts: dict[UUID, Context], now: datetime) -> None:
        self._counts: dict[UUID, tuple[int, int]] = {}
        for clinic_id, context in contexts.items():
            local = now.astimezone(ZoneInfo(context.clinic.time_zone))
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            patients = {row.patient_id for row in claimed if row.clinic_id == clinic_id and row.capped}
            if patients:
                self._counts |= queue.sms_counts(patients, midnight, midnight - timedelta(days=6))

    def of(self, patient: UUID) -> tuple[int, int]:
        return self._counts.get(patient, (0, 0))

    def add(self, row: Claimed) -> None:
        if row.channel == Channel.SMS and row.purpose in {Purpose.STEP, Purpose.CORRECTION}:
            today, week = self.of(row.patient_id)
            self._counts[row.patient_id] = (today + 1, week + 1)


def _judge(
    row: Claimed, context: Context, counts: _Counts, asking: Turns, now: datetime
) -> Composed | Settled:
    verdict = judge(_gate_facts(row, context.clinic, counts), now)
    match verdict:
        case Skip(reason):
            return Settled(message_id=row.id, state=State.SKIPPED, reason=reason, due_at=row.send_at)
        case Defer(until, reason):
            return Settled(message_id=row.id, state=State.WAITING, reason=reason, due_at=until)
        case Go():
            return _wait_for_turn(row, asking, now) or _compose(row, context, counts, now)


def _wait_for_turn(row: Claimed, asking: Turns, now: datetime) -> Settled | None:
    until = asking.until(row, now)
    if until is None:
        return None
    return Settled(message_id=row.id, state=State.WAITING, reason=Reason.QUESTION_OPEN, due_at=until)


def _compose(row: Claimed, context: Context, counts: _Counts, now: datetime) -> Composed | Settled:
    result = compose(row, context.clinic, context.approved, now)
    if isinstance(result, Composed):
        counts.add(row)
        return result
    log.warning("no words for a message", extra={"message_id": row.id, "detail": result.detail})
    return Settled(message_id=row.id, state=State.SKIPPED, reason=result.reason, due_at=row.send_at)


def _gate_facts(row: Claimed, clinic: Clinic, counts: _Counts) -> GateFacts:
    today, week = counts.of(row.patient_id)
    return GateFacts(
        purpose=Purpose(row.purpose),
        channel=Channel(row.channel),
        expires_at=row.expires_at,
        patient_status=row.patient_status,
        paused_until=row.paused_until,
        enrollment_state=row.enrollment_state,
        visit_state=row.visit_state,
        visit_version=row.visit_version,
        current_visit_version=row.current_visit_version,
        about_completed_visit=row.sequence in {"aftercare", "missed_visit"},
        address_state=row.address_state,
        suppressed=row.suppressed,
        consent=row.consent,
        zone=ZoneInfo(row.time_zone or clinic.time_zone),
        quiet_from=clinic.quiet_from,
        quiet_to=clinic.quiet_to,
        capped=row.capped,
        sms_today=today,
        sms_this_week=week,
        sms_per_day=clinic.sms_per_day,
        sms_per_week=clinic.sms_per_week,
    )


def _write_attempts(
    composed: Sequence[tuple[Claimed, Composed]], contexts: dict[UUID, Context], now: datetime
) -> list[Ready]:
    if not composed:
        return []
    attempts = [uuid4() for _ in composed]
    epochs = queue.begin_attempts(
        [_beginning(row, words, attempt) for (row, words), attempt in zip(composed, attempts, strict=True)],
        now,
    )
    queue.add_links([link for row, words in composed for link in _links(row, words, now)])
    return [
        Ready(row, epochs[row.id], _outgoing(row, words, attempt, contexts[row.clinic_id], now))
        for (row, words), attempt in zip(composed, attempts, strict=True)
    ]


def _beginning(row: Claimed, words: Composed, attempt: UUID) -> Beginning:
    return Beginning(
        message_id=row.id,
        attempt_id=attempt,
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
        starts_at=datetime.combine(row.on_date, row.at_time, ZoneInfo(clinic.time_zone)),
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

    In rounds: each asks who has opted out and whether the tries are still ours, sends while that answer is
    fresh, and records. At full speed that is one round a batch; with a slow provider, one round a try of each
    thread, so that no outcome waits for its record longer than the slowest try takes.
    """
    waiting = deque(ready)
    while waiting:
        _round(waiting)


def _round(waiting: deque[Ready]) -> None:
    """Send from the left of `waiting` for as long as the answers of this round are fresh."""
    fresh_until = monotonic() + FRESH_SECONDS
    held = queue.hold([one.outgoing.attempt_id for one in waiting])
    stopped = queue.opted_out_since([one.row.id for one in waiting])
    ours = [one for one in waiting if one.outgoing.attempt_id in held]
    waiting.clear()
    waiting.extend(ours)
    done: deque[tuple[Ready, Outcome]] = deque()

    def pull(first: Ready) -> None:
        one: Ready | None = first
        while one is not None:
            done.append((one, _send(one, stopped)))
            one = _next_of(waiting) if monotonic() < fresh_until else None

    firsts = [waiting.popleft() for _ in range(min(settings.SENDER_THREADS, len(waiting)))]
    wait([_pool().submit(pull, first) for first in firsts])
    now = clock.now()
    records = [_record(one, outcome, now) for one, outcome in done]
    if records:
        with transaction.atomic():
            queue.record(records, now)
    _learn_opt_outs(done, now)
    _tell_trouble(done)


def _learn_opt_outs(done: Iterable[tuple[Ready, Outcome]], now: datetime) -> None:
    """Who has told the provider to stop has told us. One short transaction each: what a crash leaves out, the
    provider says again at the next try."""
    for one, outcome in done:
        if outcome.ending is Ending.REJECTED and outcome.reason is Reason.OPTED_OUT:
            with transaction.atomic():
                opt_out(blind_index(one.row.address), Channel(one.row.channel), source=PROVIDER, now=now)


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


def _send(ready: Ready, stopped: set[int]) -> Outcome:
    if ready.row.id in stopped:
        return Outcome(ending=Ending.NOT_SENT, reason=Reason.OPTED_OUT, detail="opted out after the claim")
    try:
        return senders()[Channel(ready.row.channel)].send(ready.outgoing)
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
