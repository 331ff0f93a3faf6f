"""Time zones by name, as rows of the database say them."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.models import Patient


def known(name: str) -> ZoneInfo | None:
    """The zone of that name; None where there is none, so that one row with a slip stops no other."""
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError):
        return None


def lost(clinic_id: UUID) -> list[Patient]:
    """The clinic's patients whose own zone does not exist: their messages go by the clinic's clock."""
    own = Patient.objects.filter(clinic=clinic_id).exclude(time_zone="")
    names = own.values_list("time_zone", flat=True).order_by("time_zone").distinct()
    strange = [name for name in names if known(name) is None]
    return list(own.filter(time_zone__in=strange).order_by("created_at", "pk")) if strange else []
