"""Check the whole audit chain in pieces: a million entries hold nobody up, and a restart loses nothing.

What is checked so far is written down with a seal under FIELD_KEYS: who can write into the database, and has
not the keys, cannot spare us a part of the chain. The entry where it goes on must still be the one that it
was. Each check begins at the first entry: what was right yesterday may have been changed since.
"""

from __future__ import annotations

from contextlib import suppress
from time import monotonic

from django.db import IntegrityError, transaction

from campaigns.models import AuditCheck, AuditEntry, Staff
from campaigns.models.encryption import blind_index
from campaigns.queries import clock
from campaigns.services.record import GENESIS, broken_in, record

AT_ONCE = 5_000
"""Entries between two notes of how far it is."""
SECONDS = 1.0
"""How long one call goes on."""
ROLES = (Staff.Role.AUDITOR, Staff.Role.ADMINISTRATOR)


def may(staff: Staff) -> bool:
    """Whether somebody may read the audit, check it and take it away."""
    return staff.is_active and staff.role in ROLES


def begin(*, by: str) -> None:
    """Ask for a check; the workers do it. While one is under way that is enough."""
    # The constraint `one_check_at_a_time` refuses a second one.
    with suppress(IntegrityError), transaction.atomic():
        check = AuditCheck(asked_by=by, asked_at=clock.now(), digest=GENESIS)
        check.total = AuditEntry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
        _note(check)


def check_chain() -> bool:
    """Go on with the check that is under way for `SECONDS`; True while more of it is left.

    Two workers do not do the same piece: the second leaves it to the first.
    """
    stops = monotonic() + SECONDS
    while _piece():
        if monotonic() > stops:
            return True
    return False


@transaction.atomic
def _piece() -> bool:
    """Check `AT_ONCE` entries; False where nothing is under way, or nothing is left of it."""
    check = AuditCheck.objects.select_for_update(skip_locked=True).filter(ended_at=None).first()
    if check is None:
        return False
    if not _is_ours(check):
        check.checked, check.upto, check.digest = 0, 0, GENESIS
    entries = list(AuditEntry.objects.filter(seq__gt=check.upto).order_by("seq")[:AT_ONCE])
    broken, last = broken_in(entries, check.digest)
    if broken is None and entries:
        check.checked, check.upto, check.digest = check.checked + len(entries), entries[-1].seq, last
        _note(check)
        return True
    _end(check, broken)
    return False


def _is_ours(check: AuditCheck) -> bool:
    """Whether we wrote how far it is, and the entry where it stopped is still what it was."""
    if check.seal != _seal(check):
        return False
    stopped = AuditEntry.objects.filter(seq=check.upto).values_list("digest", flat=True).first()
    return check.upto == 0 or stopped == check.digest


def _note(check: AuditCheck) -> None:
    check.seal = _seal(check)
    check.save()


def _seal(check: AuditCheck) -> str:
    return blind_index(
        f"audit check {check.asked_at.isoformat()} {check.checked} {check.upto} {check.digest}"
    )


def _end(check: AuditCheck, broken: int | None) -> None:
    check.broken, check.ended_at = broken, clock.now()
    _note(check)
    detail = {"entries": check.checked} | ({"broken": broken} if broken else {})
    record(
        "audit_checked", f"audit_check {check.pk}", actor=check.asked_by, now=check.ended_at, detail=detail
    )


def latest() -> AuditCheck | None:
    """The check that was asked for last."""
    return AuditCheck.objects.order_by("-pk").first()
