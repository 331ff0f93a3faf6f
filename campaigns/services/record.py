"""Write the audit chain. Called inside the transaction of the act itself: no act without its entry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from campaigns.models import AuditEntry
from campaigns.queries import whose

GENESIS = "0" * 64
CHAIN_LOCK = 0x61756469  # "audi": one writer at a time extends the chain


def digest(
    previous: str,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
    clinic: UUID | None = None,
) -> str:
    """SHA-256 over an entry and the digest before it (hex).

    An entry without a clinic is hashed as releases before 0026 did; one with it has it as a field more. So
    the chain of before is whole still, those releases may write beside us, and whoever takes the clinic of
    an entry away or gives it one breaks it.
    """
    fields = [previous, at.isoformat(), actor, action, subject, json.dumps(dict(detail), sort_keys=True)]
    fields += [f"clinic {clinic}"] if clinic else []
    return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


def digest_of(entry: AuditEntry, previous: str) -> str:
    """What the digest of a stored entry has to be after `previous`."""
    return digest(previous, entry.at, entry.actor, entry.action, entry.object, entry.detail, entry.clinic)


def record(
    action: str,
    subject: str,
    *,
    actor: str,
    now: datetime,
    detail: Mapping[str, object] | None = None,
    clinic: UUID | None = None,
) -> None:
    """Append one entry. `actor` is a person's e-mail or a part of the system; `detail` has no patient data.

    `clinic` is whose entry it is; unless it is given, the clinic of what the subject names, and where that is
    nothing we know, that of the actor. The last thing of a transaction: the lock on the chain is held until
    it ends.
    """
    record_each([(action, subject, dict(detail or {}))], actor=actor, now=now, clinic=clinic)


def record_each(
    entries: Sequence[tuple[str, str, dict[str, object]]],
    *,
    actor: str,
    now: datetime,
    clinic: UUID | None = None,
) -> None:
    """Append several entries of one act in their order: (action, subject, detail). As `record`; the clinic of
    the first is that of all."""
    if not entries:
        return
    _action, first, about = entries[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    found = whose.newest_and_clinic(first, actor, about)
    clinic, previous = clinic or found.clinic, found.newest or GENESIS
    rows = []
    for action, subject, detail in entries:
        own = digest(previous, now, actor, action, subject, detail, clinic)
        rows.append(
            AuditEntry(
                at=now,
                actor=actor,
                action=action,
                object=subject,
                detail=detail,
                clinic=clinic,
                previous=previous,
                digest=own,
            )
        )
        previous = own
    AuditEntry.objects.bulk_create(rows)


def broken_in(entries: Iterable[AuditEntry], previous: str) -> tuple[int | None, str]:
    """The `seq` of the first of these entries that does not fit on `previous`; the last digest that does."""
    for entry in entries:
        if entry.previous != previous or entry.digest != digest_of(entry, previous):
            return entry.seq, previous
        previous = entry.digest
    return None, previous


def broken_link() -> int | None:
    """The `seq` of the first entry that does not fit the chain, or None when the chain is whole."""
    return broken_in(AuditEntry.objects.order_by("seq").iterator(), GENESIS)[0]
