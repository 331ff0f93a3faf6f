"""Write the audit chain. Called inside the transaction of the act itself: no act without its entry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from campaigns.models import AuditEntry

GENESIS = "0" * 64
CHAIN_LOCK = 0x61756469  # "audi": one writer at a time extends the chain


def digest(
    previous: str, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, object]
) -> str:
    """SHA-256 over an entry and the digest before it (hex)."""
    fields = [previous, at.isoformat(), actor, action, subject, json.dumps(dict(detail), sort_keys=True)]
    return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


def record(
    action: str, subject: str, *, actor: str, now: datetime, detail: Mapping[str, object] | None = None
) -> None:
    """Append one entry. `actor` is a person's e-mail or a part of the system; `detail` has no patient data.

    The last thing of a transaction: the lock on the chain is held until it ends.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    newest = AuditEntry.objects.order_by("-seq").values_list("digest", flat=True).first()
    previous = newest or GENESIS
    detail = dict(detail or {})
    AuditEntry.objects.create(
        at=now,
        actor=actor,
        action=action,
        object=subject,
        detail=detail,
        previous=previous,
        digest=digest(previous, now, actor, action, subject, detail),
    )


def broken_link() -> int | None:
    """The `seq` of the first entry that does not fit the chain, or None when the chain is whole."""
    previous = GENESIS
    for entry in AuditEntry.objects.order_by("seq").iterator():
        expected = digest(previous, entry.at, entry.actor, entry.action, entry.object, entry.detail)
        if entry.previous != previous or entry.digest != expected:
            return entry.seq
        previous = entry.digest
    return None
