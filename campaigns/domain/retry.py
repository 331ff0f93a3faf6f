"""When to try again, decided as a value; whoever tried carries it out.

Only tries that are proven not to have sent anything come here. An uncertain one is never tried again before
the reconciler knows what became of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.domain.lifecycle import Ending, Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often and how far: `first` and `longest` are waits, `tries` counts all of them (None: no limit)."""

    first: timedelta
    longest: timedelta
    tries: int | None


DEFAULT = Policy(first=timedelta(seconds=15), longest=timedelta(minutes=12), tries=100)
"""No connection, too many requests, a full queue, a provider that asks to back off. The longest wait stays,
with its spread, within the quarter of an hour of promise I1."""

POLICIES: dict[Reason, Policy] = {
    Reason.UNREACHABLE: Policy(first=timedelta(hours=1), longest=timedelta(hours=1), tries=2),
    Reason.PROVIDER_CONFIG: Policy(first=timedelta(minutes=5), longest=timedelta(minutes=5), tries=None),
}
"""Failures with a rhythm of their own.

A handset that cannot be reached gets one later try. A fault in our own set-up is nobody's last try: the
message waits for the repair for as long as it is useful.
"""

_SPREAD = 0.25
"""Waits are lengthened by up to a quarter, so that messages that failed together do not return together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDecision:
    """Try again at `at` (aware), or give up for `reason`: exactly one of the two is set."""

    at: datetime | None = None
    reason: Reason | None = None


def decide(
    *,
    tries: int,
    now: datetime,
    expires_at: datetime,
    failure: Reason | None = None,
    retry_after: float | None = None,
    seed: int = 0,
) -> RetryDecision:
    """When to try again after `tries` tries (1 or more) ended in `failure`, never later than `expires_at`.

    Waits double up to a cap. `retry_after` is the provider's own wish in seconds and is never undercut.
    `seed`, any integer that is fixed for the message, spreads the waits; the same input always gives the
    same answer. Times are aware; raises ValueError where one is not or where `tries` is below 1.
    """
    if now.tzinfo is None or expires_at.tzinfo is None:
        raise ValueError("retry times must be aware")
    if tries < 1:
        raise ValueError("at least one try comes before a retry")
    policy = POLICIES.get(failure, DEFAULT) if failure else DEFAULT
    if policy.tries is not None and tries >= policy.tries:
        return RetryDecision(
            reason=Reason.UNREACHABLE if failure is Reason.UNREACHABLE else Reason.RETRIES_USED_UP
        )
    seconds = _wait(policy, tries, seed, retry_after)
    if seconds > (expires_at - now).total_seconds():
        return RetryDecision(reason=Reason.EXPIRED)
    return RetryDecision(at=now + timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """Where a try leaves its message: the state, why, and for `waiting` until when (aware)."""

    state: State
    reason: Reason | None = None
    at: datetime | None = None


_FINAL = {
    Ending.ACCEPTED: (State.ACCEPTED, None),
    Ending.UNCERTAIN: (State.UNCERTAIN, None),
    Ending.REJECTED: (State.REJECTED, Reason.PROVIDER_REFUSED),
}
"""Where a try leads that is not repeated, and the reason where the channel gives none."""


def after_try(
    ending: Ending,
    reason: Reason | None,
    *,
    tries: int,
    now: datetime,
    expires_at: datetime,
    retry_after: float | None = None,
    seed: int = 0,
) -> Next:
    """Where a message goes after `tries` tries, of which the last ended so. Only what is proven unsent is
    tried again. Times are aware; what `decide` raises comes through."""
    if ending is not Ending.NOT_SENT:
        state, otherwise = _FINAL[ending]
        return Next(state=state, reason=None if state is State.ACCEPTED else reason or otherwise)
    failure = reason or Reason.PROVIDER_DOWN
    decision = decide(
        tries=tries,
        now=now,
        expires_at=expires_at,
        failure=failure,
        retry_after=retry_after,
        seed=seed,
    )
    if decision.at is None:
        return Next(state=State.REJECTED, reason=decision.reason)
    return Next(state=State.WAITING, reason=failure, at=decision.at)


def _wait(policy: Policy, tries: int, seed: int, retry_after: float | None) -> float:
    """Seconds to wait. The exponent is bounded: a float has an end and a configuration fault may last."""
    wait = min(policy.first.total_seconds() * 2.0 ** min(tries - 1, 32), policy.longest.total_seconds())
    if retry_after is not None and retry_after > wait:
        wait = retry_after
    return wait * (1 + _SPREAD * _fraction(seed, tries))


def _fraction(seed: int, tries: int) -> float:
    """A number from 0 up to 1 that looks random and is not."""
    digest = hashlib.sha256(f"{seed}:{tries}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
