"""A request that comes twice counts once, and both times gets the same answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction

from campaigns.domain.errors import CampaignsError
from campaigns.models import ApiAnswer

KEPT = timedelta(hours=24)
"""How long a repeat finds the answer of the first."""


class OtherRequest(CampaignsError):
    """This Idempotency-Key was used with another request."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it goes out; `again` where it is that of an earlier request."""

    status: int
    body: str
    again: bool = False


def digest(method: str, path: str, body: bytes) -> str:
    """SHA-256 of what was asked. Two ways to write the same JSON are the same request."""
    said = json.dumps(json.loads(body), sort_keys=True).encode() if body else b""
    return hashlib.sha256(b"\x1f".join((method.encode(), path.encode(), said))).hexdigest()


_BEGIN = """
INSERT INTO api_answer (key_id, name, asked, status, body) VALUES (%s, %s, %s, 0, '')
ON CONFLICT (key_id, name) DO NOTHING
"""


@transaction.atomic
def once(key: UUID, name: str, asked: str, act: Callable[[], Given]) -> Given:
    """Run `act` unless this key did so under this name, and keep its answer in the same transaction.

    A repeat that comes while the first is under way waits for its end. An `act` that raises leaves nothing,
    so that the next try is a first one. Raises OtherRequest where the name stands for another request.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [key, name, asked])
        is_first = cursor.rowcount == 1
    rows = ApiAnswer.objects.filter(key=key, name=name)
    if not is_first:
        kept = rows.get()
        if kept.asked != asked:
            raise OtherRequest
        return Given(kept.status, kept.body, again=True)
    given = act()
    row = rows.get()
    row.status, row.body = given.status, given.body
    row.save(update_fields=["status", "body"])
    return given
