"""One-time sign-in links: made for one person, good once, and only for a while."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.models import SignInLink, Staff
from campaigns.services.compose import token_hash
from campaigns.services.record import record

LINK_LIFE = timedelta(hours=12)


@transaction.atomic
def make_link(staff: Staff, *, by: str = "command line", life: timedelta = LINK_LIFE) -> str:
    """A fresh token (128 bits) for this person. Only its hash is kept, and any link before it is void."""
    token = secrets.token_urlsafe(16)
    # Sessions and links live on the real clock, even while a rehearsal runs on another.
    now = timezone.now()
    SignInLink.objects.filter(staff=staff, used_at=None).delete()
    SignInLink.objects.create(token_hash=token_hash(token), staff=staff, expires_at=now + life)
    record("sign_in_link_made", f"staff {staff.pk}", actor=by, now=now)
    return token


def owner(token: str) -> Staff | None:
    """Whose link this is while it is still good; looking changes nothing."""
    link = _good(token).select_related("staff").first()
    return link.staff if link else None


@transaction.atomic
def redeem(token: str) -> Staff | None:
    """Use the link up and return its owner, or None for a used, expired or unknown one."""
    link = _good(token).select_for_update(of=("self",)).select_related("staff").first()
    if link is None:
        return None
    now = timezone.now()
    link.used_at = now
    link.save(update_fields=["used_at"])
    record("signed_in_by_link", f"staff {link.staff_id}", actor=link.staff.email, now=now)
    return link.staff


def _good(token: str) -> QuerySet[SignInLink]:
    return SignInLink.objects.filter(
        token_hash=token_hash(token), used_at=None, expires_at__gt=timezone.now(), staff__is_active=True
    )
