"""Who looked at which patient. One entry of the audit chain for each look that is not like the last one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from campaigns.models import AuditEntry
from campaigns.queries import clock
from campaigns.services.record import record

LOOKED_AT = "looked_at"
APART = timedelta(minutes=15)
"""Who looks at the same patient on the same page again within this is the same look."""


def look(page: str, patients: Iterable[UUID | str], *, by: str, now: datetime | None = None) -> None:
    """Put on record that `by` sees these patients on a page. Ids only, and no name of anything else. `now`
    spares the question for the time where it was asked already.

    The entry is a short transaction of its own: the lock on the chain is held for a few milliseconds and not
    while a page is made. A look that was on record lately costs one read and takes no lock.
    """
    seen = {str(patient) for patient in patients}
    if not seen:
        return
    now = now or clock.now()
    new = seen - _lately(page, by, now)
    if new:
        with transaction.atomic():
            record(LOOKED_AT, _object(new), actor=by, now=now, detail={"page": page, "patients": sorted(new)})


def _object(patients: Collection[str]) -> str:
    """Of one patient the entry is found by its object; of several it names them in its detail."""
    return f"patient {next(iter(patients))}" if len(patients) == 1 else f"{len(patients)} patients"


def _lately(page: str, by: str, now: datetime) -> set[str]:
    entries = AuditEntry.objects.filter(action=LOOKED_AT, actor=by, at__gt=now - APART, at__lte=now)
    found: set[str] = set()
    for detail in entries.values_list("detail", flat=True):
        named = detail.get("patients")
        if detail.get("page") == page and isinstance(named, list):
            found.update(named)
    return found
