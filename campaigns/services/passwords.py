"""Setting a password. It is hashed with argon2; every other session of its owner ends."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from campaigns.models import Staff
from campaigns.services.record import record
from campaigns.services.sessions import end_others


@transaction.atomic
def set_password(staff: Staff, password: str, *, keep: str) -> None:
    """Set it, and end every session but the one with the key `keep`. The form has judged the password."""
    staff.set_password(password)
    staff.save(update_fields=["password"])
    end_others(staff, keep, by=staff.email)
    record("password_set", f"staff {staff.pk}", actor=staff.email, now=timezone.now())
