"""Let the bytes of messages leave whose tries are committed, and record what became of them.

no transaction    what makes it false or unwanted asked once more -> the channel
one transaction   outcomes
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from time import monotonic

from django.conf import settings
from django.db import transaction

from campaigns.delivery.channels import TOO_LATE, Ending, Outcome, Outgoing
from campaigns.delivery.registry import senders
from campaigns.domain.lifecycle import ONE_WAY_ONLY, Reason, State
from campaigns.domain.recipients import Channel
from campaigns.domain.retry import after_try
from campaigns.models import ContactPoint
from campaigns.models.encryption import blind_index
from campaigns.queries import clock, queue
from campaigns.queries.queue import Claimed, Record
from campaigns.services import circuits
from campaigns.services.addresses import REFUSED, owners_of, plan_again
from campaigns.services.circuits import Key, Streaks
from campaigns.services.consent import PROVIDER, opt_out
from campaigns.services.crew import Crew

log = logging.getLogger(__name__)

VISIT_CHANGED = {Reason.VISIT_MOVED, Reason.VISIT_CANCELLED, Reason.VISIT_DONE, Reason.VISIT_MISSED}
FRESH_SECONDS = 0.5
"""No further message begins on an answer about opt-outs that is older than this."""
LEAVE_SECONDS = 1.0
"""Nor does the first byte of one that has begun leave later than this after asking: a process may sleep in
between, or a connection take its time. It goes a little later then."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A message whose attempt is committed."""

    row: Claimed
    epoch: int
    outgoing: Outgoing


def deliver(ready: Sequence[Ready]) -> None:
    """Let the bytes leave, and record what became of them. No transaction is open meanwhile.

    In rounds: each asks what is still true and wanted and whether the tries are still ours, sends while that
    answer is fresh, and records. At full speed that is one round a batch; with a slow provider, one round a
    try of each thread, so that no outcome waits for its record longer than the slowest try takes.
    """
    waiting = deque(ready)
    while waiting:
        _round(waiting)


@cache
def _crew() -> Crew:
    return Crew()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.SENDER_THREADS, thread_name_prefix="sender")


def _round(waiting: deque[Ready]) -> None:
    """Send from the left of `waiting` for as long as the answers of this round are fresh."""
    asked = monotonic()
    held = queue.hold([one.outgoing.attempt_id for one in waiting])
    asked_at = clock.now()
    stopped = queue.no_longer_wanted([one.row.id for one in waiting], asked_at)
    ours = [one for one in waiting if one.outgoing.attempt_id in held]
    waiting.clear()
    waiting.extend(ours)
    tries = _Tries(waiting, stopped, asked_at, asked + FRESH_SECONDS, asked + LEAVE_SECONDS)
    tries.run(_crew().start(settings.SENDER_THREADS))
    now = clock.now()
    records = [_record(one, outcome, now) for one, outcome in tries.done]
    if records:
        with transaction.atomic():
            queue.record(records, now)
    circuits.note(tries.tried, now)
    _learn(tries.done, now)
    _tell_trouble(tries.tried)


@dataclass(slots=True)
class _Tries:
    """The tries of one round, by as many threads as help. `asked_at` is by the database's clock, the other
    instants are monotonic."""

    waiting: deque[Ready]
    stopped: Mapping[int, str]
    asked_at: datetime
    fresh_until: float
    leave_by: float
    done: deque[tuple[Ready, Outcome]] = field(default_factory=deque)
    tried: deque[tuple[Key, Outcome]] = field(default_factory=deque)
    _streaks: Streaks = field(default_factory=Streaks)
    _under_way: deque[Future[None]] = field(default_factory=deque)

    def run(self, threads: int) -> None:
        """Returns when the last try has ended. At least one message is tried, however late it is."""
        firsts = [self.waiting.popleft() for _ in range(min(threads, len(self.waiting)))]
        for first in firsts:
            self._call(first)
        while self._under_way:
            wait([self._under_way.popleft()])

    def _call(self, first: Ready) -> None:
        self._under_way.append(_pool().submit(self._pull, first))

    def _pull(self, first: Ready) -> None:
        one: Ready | None = first
        while one is not None:
            if self._try_one(one) and (another := self._next()) is not None:
                self._call(another)
            one = self._next()

    def _try_one(self, one: Ready) -> bool:
        """Send one; whether one more thread should help."""
        began = monotonic()
        outcome = _send(one, one.outgoing._replace(now=self.asked_at, leave_by=self.leave_by), self.stopped)
        self.done.append((one, outcome))
        if one.row.id in self.stopped or outcome.detail == TOO_LATE:
            return False
        key = (one.row.clinic_id, one.row.channel)
        self.tried.append((key, outcome))
        self._streaks.add(key, outcome)
        return outcome.ending is Ending.ACCEPTED and _crew().took(monotonic() - began)

    def _next(self) -> Ready | None:
        if monotonic() >= self.fresh_until or self._streaks.over:
            return None
        try:
            return self.waiting.popleft()
        except IndexError:
            return None


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
    elif reason not in ONE_WAY_ONLY:
        return
    for patient in owners_of(index, channel):
        plan_again(patient)


def _tell_trouble(tried: Iterable[tuple[Key, Outcome]]) -> None:
    """One line a channel and cause: a mail server that is down must not write a line a message."""
    trouble = Counter(
        (channel, " ".join(filter(None, (outcome.error_code, outcome.detail))))
        for (_, channel), outcome in tried
        if outcome.ending is Ending.NOT_SENT and outcome.reason is None
    )
    for (channel, why), count in trouble.items():
        log.warning(
            "not taken, will be tried again", extra={"channel": channel, "why": why, "messages": count}
        )


def _send(ready: Ready, outgoing: Outgoing, stopped: Mapping[int, str]) -> Outcome:
    if ready.row.id in stopped:
        reason = Reason(stopped[ready.row.id])
        return Outcome(ending=Ending.NOT_SENT, reason=reason, detail=f"{reason} after the claim")
    try:
        return senders()[Channel(ready.row.channel)].send(outgoing)
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
    after = after_try(
        outcome.ending,
        outcome.reason,
        tries=row.tries + 1,
        now=now,
        expires_at=row.expires_at,
        retry_after=outcome.retry_after,
        seed=row.id,
    )
    return after.state, after.reason, after.at or row.send_at
