"""The queue of record: typed functions around the statements of hot.sql. Callers hold the transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from campaigns.domain.lifecycle import PLANNED_PRIORITY, Ending
from campaigns.domain.pace import AHEAD
from campaigns.models.encryption import decrypt, encrypt


@cache
def _statements() -> dict[str, str]:
    text = Path(__file__).with_name("hot.sql").read_text(encoding="utf-8")
    parts = text.split("-- name: ")[1:]
    return {name.strip(): body for name, _, body in (part.partition("\n") for part in parts)}


def _run(name: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_statements()[name], parameters)
        return cursor.fetchall() if cursor.description else []


def _bound(name: str, **parameters: Any) -> psycopg.Cursor[tuple[Any, ...]]:
    """The same, the parameters apart from the statement: quoting long texts takes longer than storing."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return psycopg.Cursor(connection.connection).execute(_statements()[name], parameters)


def _count(name: str, **parameters: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_statements()[name], parameters)
        return int(cursor.rowcount)


@dataclass(frozen=True, slots=True)
class Claimed:
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

    @property
    def given_name(self) -> str:
        """Raises `Undecipherable`."""
        return _opened(self.sealed_given_name)

    @property
    def address(self) -> str:
        """Raises `Undecipherable`."""
        return _opened(self.sealed_address)


STATED = list(Claimed.__dataclass_fields__).index("stated")


PROBE_SECONDS = 60
"""How long one probe is waited for: longer than a try takes."""


def choose_probes(now: datetime) -> int:
    """Let one message a shut channel go where its time is over; how many."""
    return _count("choose_probes", now=now, seconds=PROBE_SECONDS)


def open_channels(answered: Sequence[tuple[UUID, str]]) -> int:
    """Open the channels (clinic and channel) that have answered; how many had been in trouble."""
    clinics, channels = [clinic for clinic, _ in answered], [channel for _, channel in answered]
    return _count("open_channels", clinics=clinics, channels=channels)


def expire(now: datetime, limit: int = 10_000) -> int:
    """Mark what is due no more as skipped(expired); how many."""
    return _count("expire", now=now, limit=limit)


def claim(now: datetime, limit: int) -> list[Claimed]:
    """Lock up to `limit` due messages for this transaction and read their facts, most urgent first."""
    ids = [row[0] for row in _run("claim", now=now, limit=limit, ahead=now + AHEAD, planned=PLANNED_PRIORITY)]
    if not ids:
        return []
    _run("lock_addresses", ids=ids)
    return facts(ids)


def facts(ids: Sequence[int]) -> list[Claimed]:
    """The facts of messages whose rows the caller has locked, most urgent first."""
    return [_claimed(row) for row in _run("facts", ids=list(ids))]


def _claimed(row: tuple[Any, ...]) -> Claimed:
    values = list(row)
    if isinstance(values[STATED], str):
        values[STATED] = json.loads(values[STATED])
    return Claimed(*values)


def sms_counts(patients: Iterable[UUID], day: datetime, week: datetime) -> dict[UUID, tuple[int, int]]:
    """Texts sent to each patient since `day` and since `week`."""
    rows = _run("sms_counts", patients=list(patients), day=day, week=week)
    return {patient: (today, this_week) for patient, today, this_week in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
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
    begun = _bound(
        "begin_attempts",
        now=now,
        messages=[b.message_id for b in beginnings],
        attempts=[b.attempt_id for b in beginnings],
        languages=[b.language for b in beginnings],
        digests=[b.digest for b in beginnings],
        subjects=[_sealed(b.subject) for b in beginnings],
        bodies=[_sealed(b.body) for b in beginnings],
        htmls=[_sealed(b.html) for b in beginnings],
        segments=[b.segments for b in beginnings],
        encodings=[b.encoding for b in beginnings],
        stated=[json.dumps(dict(b.stated)) if b.stated else None for b in beginnings],
    )
    return dict(begun.fetchall())


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
    _bound(
        "add_links",
        hashes=[link.token_hash for link in links],
        patients=[link.patient_id for link in links],
        messages=[link.message_id for link in links],
        purposes=[link.purpose for link in links],
        expire=[link.expires_at for link in links],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
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
    moved = _bound(
        "record_messages",
        now=now,
        messages=[r.message_id for r in records],
        epochs=[r.epoch for r in records],
        states=[r.state for r in records],
        reasons=[r.reason for r in records],
        due=[r.due_at for r in records],
    ).fetchall()
    ours = {row[0] for row in moved}
    late = [r.attempt_id for r in records if r.outcome == Ending.ACCEPTED and r.message_id not in ours]
    if late:
        _count("record_late", attempts=late, now=now)
    _bound(
        "record_attempts",
        attempts=[r.attempt_id for r in records],
        outcomes=[r.outcome for r in records],
        provider_ids=[r.provider_id for r in records],
        codes=[r.error_code for r in records],
        details=[r.detail for r in records],
        finished=[now for _ in records],
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
    _count(
        "settle",
        now=now,
        messages=[row.message_id for row in rows],
        states=[row.state for row in rows],
        reasons=[row.reason for row in rows],
        due=[row.due_at for row in rows],
    )


def no_longer_wanted(message_ids: Sequence[int], now: datetime) -> dict[int, str]:
    """Which of these must not go after all, and why, asked right before the bytes."""
    return dict(_run("still_allowed", ids=list(message_ids), now=now))


def hold(attempt_ids: Sequence[UUID]) -> set[UUID]:
    """Begin the lease anew, right before the bytes; which attempts are still ours.

    A worker that slept through its lease finds that the sweeper has taken its messages, and lets them be.
    """
    return {row[0] for row in _run("hold", attempts=list(attempt_ids))}


def lapse(lease_seconds: int) -> int:
    """Move tries whose worker died to `uncertain`; how many. A lease by a clock that has been put back since
    begins now."""
    _count("restart_leases")
    return len(_run("lapsed", lease=lease_seconds))


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
    return [InDoubt(*row) for row in _run("in_doubt", quiet=quiet_seconds, limit=limit)]


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
    rows = _run(
        "hear", attempt=attempt_id, provider_id=provider_id, word=word, error_code=error_code, now=now
    )
    return Heard(*rows[0]) if rows else None


def _opened(sealed: str | None) -> str:
    return decrypt(sealed) if sealed else ""
