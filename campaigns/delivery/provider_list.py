"""What a provider says it has sent and taken in: read after a restore, when our own records are too old."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

_OUT_OF_ORDER = timedelta(days=1)
"""Lists come newest first, but nobody promises by which of their times: read on for so long."""


class NotAsked(Exception):
    """The provider's list cannot be read just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One text on the provider's list. `is_ours` says that we sent it, else it came in. `at` is aware."""

    provider_id: str
    is_ours: bool
    sender: str
    to: str
    body: str
    at: datetime
    status: str = ""
    files: int = 0


@runtime_checkable
class HasList(Protocol):
    """A channel whose provider can be asked for everything since an instant."""

    def listed(self, since: datetime) -> list[Listed]:
        """All texts that went and came since then, oldest first. Raises NotAsked."""
        ...


def since_then(rows: Iterable[Any], since: datetime) -> list[Listed]:
    """Those of Twilio's message resources, newest first, that are no older; oldest first."""
    found = []
    for row in rows:
        at = row.date_created
        if at is None or at < since - _OUT_OF_ORDER:
            break
        if at >= since:
            found.append(_listed(row, at))
    return sorted(found, key=lambda one: one.at)


def _listed(row: Any, at: datetime) -> Listed:
    return Listed(
        provider_id=row.sid or "",
        is_ours=not str(row.direction or "").startswith("inbound"),
        sender=row.from_ or "",
        to=row.to or "",
        body=row.body or "",
        at=at,
        status=str(row.status or ""),
        files=int(row.num_media or 0),
    )
