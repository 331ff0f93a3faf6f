"""The queue of record: typed functions around the statements of hot.sql. Callers hold the transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from campaigns.domain.lifecycle import PLANNED_PRIORITY, Ending
from campaigns.domain.pace import AHEAD
from campaigns.models.encryption import decrypt, encrypt
from campaigns.queries import hot
from campaigns.queries.hot import array


class Claimed(NamedTuple):
    """One locked message with what gates and renderer need. The order is that of hot.sql `facts`.

    What is encrypted is opened where it is used: a row that cannot be read then stops no other.
    """

    id: int
    clinic_id: UUID
    patient_id: UUID
    enrollment_id: UUID | None
    sequence: str
    step: str
    template: str
    visit_id: UUID | None
    visit_version: int
    channel: str
    purpose: str
    topic: str
    group: str
    asks: str
    capped: bool
    priority: int
    send_at: datetime
    expires_at: datetime
    tries: int
    epoch: int
    fixed_language: str
    stated: dict[str, str] | None
    language: str
    sealed_given_name: str
    patient_status: str
    paused_until: datetime | None
    time_zone: str
    enrollment_state: str
    visit_number: int | None
    on_date: date | None
    at_time: time | None
    minutes: int | None
    visit_state: str
    current_visit_version: int
    sealed_address: str
    address_state: str
    suppressed: bool
    consent: str
    sealed_words: str | None

    @property
    def given_name(self) -> str:
        """Raises `Undecipherable`."""
        return _opened(self.sealed_given_name)

    @property
    def address(self) -> str:
        """Raises `Undecipherable`."""
        return _opened(self.sealed_address)

    @property
    def words(self) -> str:
        """What staff typed themselves; mostly nothing. Raises `Undecipherable`."""
        return _opened(self.sealed_words)


STATED = Claimed._fields.index("stated")


PROBE_SECONDS = 60
"""How long one probe is waited for: longer than a try takes."""


def choose_probes(now: datetime) -> int:
    """Let one message a shut channel go where its time is over; how many."""
    return hot.count("choose_probes", now=now, seconds=PROBE_SECONDS)


def open_channels(answered: Sequence[tuple[UUID, str]]) -> int:
    """Open the channels (clinic and channel) that have answered; how many had been in trouble."""
    clinics, channels = [clinic for clinic, _ in answered], [channel for _, channel in answered]
    return hot.count("open_channels", clinics=array(clinics), channels=array(channels))


def expire(now: datetime, limit: int = 10_000) -> int:
    """Mark what is due no more as skipped(expired); how many."""
    return hot.count("expire", now=now, limit=limit)


def claim(now: datetime, limit: int) -> list[Claimed]:
    """Lock up to `limit` due messages for this transaction and read their facts, most urgent first."""
    found = hot.run("claim", now=now, limit=limit, ahead=now + AHEAD, planned=PLANNED_PRIORITY)
    ids = [row[0] for row in found]
    if not ids:
        return []
    hot.run("lock_addresses", ids=array(ids))
    return facts(ids)


def facts(ids: Sequence[int]) -> list[Claimed]:
    """The facts of messages whose rows the caller has locked, most urgent first."""
    return [_claimed(row) for row in hot.run("facts", ids=array(ids))]


def _claimed(row: tuple[Any, ...]) -> Claimed:
    claimed = Claimed._make(row)
    return claimed._replace(stated=json.loads(row[STATED])) if isinstance(row[STATED], str) else claimed


def sms_counts(patients: Iterable[UUID], day: datetime, week: datetime) -> dict[UUID, tuple[int, int]]:
    """Texts sent to each patient since `day` and since `week`."""
    rows = hot.run("sms_counts", patients=array(patients), day=day, week=week)
    return {patient: (today, this_week) for patient, today, this_week in rows}


class Beginning(NamedTuple):
    """A rendered message about to be tried."""

    message_id: int
    attempt_id: UUID
    language: str
    digest: str
    subject: str
    body: str
    html: str
    segments: int
    encoding: str
    stated: Mapping[str, str] | None


def _sealed(text: str) -> str:
    return encrypt(text) if text else ""


def begin_attempts(beginnings: Sequence[Beginning], now: datetime) -> dict[int, int]:
    """Write the attempt rows and move the messages to `attempting`; the epoch of each message."""
    begun = hot.run(
        "begin_attempts",
        now=now,
        messages=array(b.message_id for b in beginnings),
        attempts=array(b.attempt_id for b in beginnings),
        languages=array(b.language for b in beginnings),
        digests=array(b.digest for b in beginnings),
        subjects=array(_sealed(b.subject) for b in beginnings),
        bodies=array(_sealed(b.body) for b in beginnings),
        htmls=array(_sealed(b.html) for b in beginnings),
        segments=array(b.segments for b in beginnings),
        encodings=array(b.encoding for b in beginnings),
        stated=array(json.dumps(dict(b.stated)) if b.stated else None for b in beginnings),
    )
    return dict(begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link in a message: the hash of its token, whose it is, and what it opens until when."""

    token_hash: str
    patient_id: UUID
    message_id: int
    purpose: str
    expires_at: datetime


def add_links(links: Sequence[Link]) -> None:
    """Make the links of messages about to be tried work."""
    if not links:
        return
    hot.run(
        "add_links",
        hashes=array(link.token_hash for link in links),
        patients=array(link.patient_id for link in links),
        messages=array(link.message_id for link in links),
        purposes=array(link.purpose for link in links),
        expire=array(link.expires_at for link in links),
    )


class Record(NamedTuple):
    """How one try ended, and where the message goes from here."""

    message_id: int
    attempt_id: UUID
    epoch: int
    state: str
    reason: str
    due_at: datetime
    outcome: str
    provider_id: str
    error_code: str
    detail: str


def record(records: Sequence[Record], now: datetime) -> int:
    """Write the outcomes; how many messages moved (a callback or a successor may have moved some before).

    Messages before attempts: a callback locks them in that order too, so that the two never wait in a circle.
    """
    moved = hot.run(
        "record_messages",
        now=now,
        messages=array(r.message_id for r in records),
        epochs=array(r.epoch for r in records),
        states=array(r.state for r in records),
        reasons=array(r.reason for r in records),
        due=array(r.due_at for r in records),
    )
    ours = {row[0] for row in moved}
    late = [r.attempt_id for r in records if r.outcome == Ending.ACCEPTED and r.message_id not in ours]
    if late:
        hot.count("record_late", attempts=array(late), now=now)
    hot.run(
        "record_attempts",
        attempts=array(r.attempt_id for r in records),
        outcomes=array(r.outcome for r in records),
        provider_ids=array(r.provider_id for r in records),
        codes=array(r.error_code for r in records),
        details=array(r.detail for r in records),
        finished=array(now for _ in records),
    )
    return len(moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A message that a gate stopped or put off."""

    message_id: int
    state: str
    reason: str
    due_at: datetime


def settle(rows: Sequence[Settled], now: datetime) -> None:
    """Write what the gates decided."""
    if not rows:
        return
    hot.count(
        "settle",
        now=now,
        messages=array(row.message_id for row in rows),
        states=array(row.state for row in rows),
        reasons=array(row.reason for row in rows),
        due=array(row.due_at for row in rows),
    )


def no_longer_wanted(message_ids: Sequence[int], now: datetime) -> dict[int, str]:
    """Which of these must not go after all, and why, asked right before the bytes."""
    return dict(hot.run("still_allowed", ids=array(message_ids), now=now))


def hold(attempt_ids: Sequence[UUID]) -> set[UUID]:
    """Begin the lease anew, right before the bytes; which attempts are still ours.

    A worker that slept through its lease finds that the sweeper has taken its messages, and lets them be.
    """
    return {row[0] for row in hot.run("hold", attempts=array(attempt_ids))}


def lapse(lease_seconds: int) -> int:
    """Move tries whose worker died to `uncertain`; how many. A lease by a clock that has been put back since
    begins now."""
    hot.count("restart_leases")
    return len(hot.run("lapsed", lease=lease_seconds))


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A message whose last try may or may not have arrived. Opened where it is used, like `Claimed`."""

    id: int
    patient_id: UUID
    channel: str
    expires_at: datetime
    epoch: int
    attempt_id: UUID
    started_at: datetime
    sealed_address: str | None
    sealed_body: str
    quiet: bool

    @property
    def address(self) -> str:
        """Raises `Undecipherable`."""
        return _opened(self.sealed_address)

    @property
    def body(self) -> str:
        """Raises `Undecipherable`."""
        return _opened(self.sealed_body)


def in_doubt(quiet_seconds: int, limit: int = 200) -> list[InDoubt]:
    """Messages for the reconciler."""
    return [InDoubt(*row) for row in hot.run("in_doubt", quiet=quiet_seconds, limit=limit)]


@dataclass(frozen=True, slots=True)
class Heard:
    """The message that a piece of news is about, locked, as it was before. Ordered like hot.sql `hear`.

    `is_current`: no later try has begun. `is_accepted`: we know that the provider took this try; `is_failed`:
    that it did not arrive and is tried again; `another`: that the provider took another one.
    """

    message_id: int
    patient_id: UUID
    channel: str
    state: str
    reason: str
    tries: int
    expires_at: datetime
    is_current: bool
    is_accepted: bool
    is_failed: bool
    another: bool
    is_new: bool


def hear(attempt_id: UUID, provider_id: str, word: str, error_code: str, now: datetime) -> Heard | None:
    """Keep one status callback, once; None where the attempt is not ours. A statement, since they come in
    crowds."""
    rows = hot.run(
        "hear", attempt=attempt_id, provider_id=provider_id, word=word, error_code=error_code, now=now
    )
    return Heard(*rows[0]) if rows else None


def _opened(sealed: str | None) -> str:
    return decrypt(sealed) if sealed else ""
