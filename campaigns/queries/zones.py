"""Time zones by name, as rows of the database say them."""

from __future__ import annotations

from zoneinfo import ZoneInfo


def known(name: str) -> ZoneInfo | None:
    """The zone of that name; None where there is none, so that one row with a slip stops no other."""
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError):
        return None
