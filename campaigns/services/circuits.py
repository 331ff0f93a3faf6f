"""Shut a channel that takes nothing, and open it as soon as it answers. The rules are domain/circuit."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from campaigns.delivery.channels import Ending, Outcome
from campaigns.domain.circuit import OPEN, TROUBLES, Circuit, Trouble, after_tries
from campaigns.domain.lifecycle import Reason
from campaigns.models import ChannelState
from campaigns.queries import queue

log = logging.getLogger(__name__)

Key = tuple[UUID, str]
"""A clinic and a channel."""
SHUT_LONG = timedelta(minutes=10)
"""A channel that takes nothing for so long is told to people: shorter pauses are a provider's daily life."""
ANSWERED = frozenset({Ending.ACCEPTED, Ending.REJECTED})


class Streaks:
    """Troubles in a row on each channel while a batch is sent, so that a round ends before it has tried all
    of them. Several threads count at once: one more or less does no harm."""

    def __init__(self) -> None:
        self._rows: dict[Key, int] = {}
        self.over = False

    def add(self, key: Key, outcome: Outcome) -> None:
        """Count one try."""
        if outcome.ending in ANSWERED:
            self._rows[key] = 0
        else:
            self._rows[key] = self._rows.get(key, 0) + 1
            at_once = outcome.retry_after is not None or outcome.reason is Reason.PROVIDER_CONFIG
            self.over = self.over or at_once or self._rows[key] >= TROUBLES


def note(tries: Iterable[tuple[Key, Outcome]], now: datetime) -> None:
    """Take what became of some tries that were made at about the same time. In transactions of its own."""
    answered: set[Key] = set()
    troubles: dict[Key, list[Trouble]] = {}
    for key, outcome in tries:
        if outcome.ending in ANSWERED:
            answered.add(key)
        else:
            reason = outcome.reason or Reason.PROVIDER_DOWN
            trouble = Trouble(reason=reason, retry_after=outcome.retry_after)
            troubles.setdefault(key, []).append(trouble)
    if answered and queue.open_channels(sorted(answered)):
        log.warning("a channel answers again")
    for key in sorted(troubles.keys() - answered):
        _note_troubles(key, troubles[key], now)


@transaction.atomic
def _note_troubles(key: Key, troubles: list[Trouble], now: datetime) -> None:
    clinic, channel = key
    ChannelState.objects.bulk_create([ChannelState(clinic_id=clinic, channel=channel)], ignore_conflicts=True)
    row = ChannelState.objects.select_for_update().get(clinic=clinic, channel=channel)
    before = circuit_of(row)
    after = after_tries(before, answered=False, troubles=troubles, now=now)
    row.failures, row.times, row.since, row.shut_until = (
        after.failures,
        after.times,
        after.since,
        after.shut_until,
    )
    row.why, row.probe = after.why or "", None
    row.save(update_fields=["failures", "times", "since", "shut_until", "why", "probe"])
    if after.shut_until is not None and before.shut_until is None:
        log.error(
            "a channel is shut", extra={"clinic": str(clinic), "channel": channel, "why": after.why or ""}
        )


def shut_for_long(now: datetime) -> QuerySet[ChannelState]:
    """The channels that have taken nothing for long (`now` is aware)."""
    return ChannelState.objects.filter(shut_until__isnull=False, since__lt=now - SHUT_LONG)


def circuit_of(row: ChannelState) -> Circuit:
    """The circuit that a row holds."""
    if not row.failures:
        return OPEN
    return Circuit(
        failures=row.failures,
        times=row.times,
        since=row.since,
        shut_until=row.shut_until,
        why=Reason(row.why) if row.why else None,
    )
