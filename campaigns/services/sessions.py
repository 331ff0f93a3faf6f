"""Where somebody is signed in, and how that ends: from a list of one's own, or because the account closes."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.models import Staff, StaffSession
from campaigns.services.record import record


@transaction.atomic
def began(staff: Staff, key: str, *, browser: str, address: str, how: Collection[str]) -> None:
    """Somebody signed in. `how` names what they proved it with; it goes into the audit."""
    now = timezone.now()
    facts = {"staff": staff, "began_at": now, "browser": browser[:200], "address": address[:64]}
    StaffSession.objects.update_or_create(session_key=key, defaults=facts)
    # Rows whose session is long gone are of no use to anybody.
    StaffSession.objects.filter(staff=staff).exclude(session_key__in=_alive()).delete()
    record("signed_in", f"staff {staff.pk}", actor=staff.email, now=now, detail={"by": sorted(how)})


def _alive() -> QuerySet[Session, str]:
    return Session.objects.filter(expire_date__gt=timezone.now()).values_list("session_key", flat=True)


def of(staff: Staff) -> list[StaffSession]:
    """Where this person is signed in now, newest first."""
    rows = StaffSession.objects.filter(staff=staff, session_key__in=_alive())
    return list(rows.order_by("-began_at", "-pk"))


@transaction.atomic
def end(staff: Staff, session_id: int, *, by: Staff) -> bool:
    """End one session of a person; False where it had ended already."""
    row = StaffSession.objects.filter(staff=staff, pk=session_id).first()
    return row is not None and _end([row], staff, by=by.email) == 1


def end_others(staff: Staff, keep: str, *, by: str) -> int:
    """End every session of a person but the one of this key (`""` for all); how many there were."""
    return _end(StaffSession.objects.filter(staff=staff).exclude(session_key=keep), staff, by=by)


@transaction.atomic
def _end(rows: Collection[StaffSession] | QuerySet[StaffSession], staff: Staff, *, by: str) -> int:
    keys = [row.session_key for row in rows]
    if not keys:
        return 0
    Session.objects.filter(session_key__in=keys).delete()
    StaffSession.objects.filter(session_key__in=keys).delete()
    now = timezone.now()
    record("sessions_ended", f"staff {staff.pk}", actor=by, now=now, detail={"sessions": len(keys)})
    return len(keys)


def moved(old: str, new: str) -> None:
    """A session got another key, as it does when its password changes."""
    StaffSession.objects.filter(session_key=old).update(session_key=new)
