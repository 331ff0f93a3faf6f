"""When to stop asking a provider that does not answer, and when to ask again.

Each clinic has a circuit for each channel. While it is shut nothing is claimed for it, so that an outage
costs a try now and then instead of a try a message; what is due stays due. When its time is over one message
goes as a probe, the most urgent one: its ending opens the channel or keeps it shut for twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from campaigns.domain.lifecycle import Reason

TROUBLES = 5
"""Tries that fail one after another, with none between that was answered, before a channel is shut."""
FIRST = timedelta(seconds=15)
CONFIG_FIRST = timedelta(seconds=60)
"""The first wait where our own set-up is at fault: a person has to mend it."""
LONGEST = timedelta(minutes=5)
LONGEST_WISH = timedelta(hours=1)
"""A provider may ask for more. Then it is asked again after this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A try that the provider did not take and did not refuse. `retry_after` is its own wish, in seconds."""

    reason: Reason
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Troubles in a row, and what came of them. `shut_until` is None while the channel is open; `times`
    counts how often it was shut one after another. Instants are aware."""

    failures: int = 0
    times: int = 0
    since: datetime | None = None
    shut_until: datetime | None = None
    why: Reason | None = None


OPEN = Circuit()


def after_tries(circuit: Circuit, *, answered: bool, troubles: Sequence[Trouble], now: datetime) -> Circuit:
    """The circuit after some tries at about the same time.

    One that was answered, be it by a refusal, proves that the provider is there: the channel is open. A wish
    to wait and a fault of our own set-up shut it at once: both hold for every message.
    """
    if answered or not troubles:
        return OPEN if answered else circuit
    why = next((t.reason for t in troubles if t.reason is Reason.PROVIDER_CONFIG), troubles[-1].reason)
    failed = replace(circuit, failures=circuit.failures + len(troubles), since=circuit.since or now, why=why)
    wish = max((t.retry_after for t in troubles if t.retry_after is not None), default=None)
    at_once = wish is not None or why is Reason.PROVIDER_CONFIG
    if not at_once and circuit.shut_until is None and failed.failures < TROUBLES:
        return failed
    return replace(failed, times=circuit.times + 1, shut_until=now + _wait(circuit.times, why, wish))


def _wait(times: int, why: Reason, wish: float | None) -> timedelta:
    first = CONFIG_FIRST if why is Reason.PROVIDER_CONFIG else FIRST
    wait: timedelta = min(first * 2 ** min(times, 16), LONGEST)
    if wish is None:
        return wait
    return max(min(timedelta(seconds=wish), LONGEST_WISH), wait if times else timedelta())
