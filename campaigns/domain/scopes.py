"""What a key may do: a resource, and whether it is read or written."""

from __future__ import annotations

from collections.abc import Iterable

READ_ONLY = ("messages", "answers", "sequences")
WRITABLE = ("patients", "courses", "enrollments", "alerts", "webhooks")

SCOPES = tuple(
    sorted([f"{name}:read" for name in READ_ONLY + WRITABLE] + [f"{name}:write" for name in WRITABLE])
)
"""Every scope there is. `patients` covers addresses and consent, `courses` the visits. To write is not to
read: a booking system that tells us of visits need see nothing."""


def unknown(scopes: Iterable[str]) -> list[str]:
    """Those that are no scope of ours."""
    return sorted(set(scopes) - set(SCOPES))
