"""The accounts of a clinic: who is invited, who may do what, who has left. An administrator's business."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from campaigns.domain.errors import NotAllowed
from campaigns.models import SignInLink, Staff
from campaigns.services import second_factor, sign_in
from campaigns.services.record import record
from campaigns.services.sessions import end_others
from campaigns.services.set_up import create_staff

INVITATION_LIFE = timedelta(days=3)


def may(staff: Staff) -> bool:
    """Whether somebody may look after accounts."""
    return staff.is_active and staff.role == Staff.Role.ADMINISTRATOR


@transaction.atomic
def invite(by: Staff, *, email: str, name: str, role: str) -> tuple[Staff, str]:
    """A new account at one's own clinic, and the token of a link for its owner, good for three days.

    Raises NotAllowed, and InvalidAddress for an address that cannot be or is taken.
    """
    _require(by)
    if not name.strip() or role not in Staff.Role.values:
        raise NotAllowed("Give a name and a role.")
    staff = create_staff(email=email, name=name.strip(), role=role, clinic=by.clinic, by=by.email)
    return staff, sign_in.make_link(staff, by=by.email, life=INVITATION_LIFE)


@transaction.atomic
def new_link(by: Staff, staff: Staff) -> str:
    """The token of a fresh link for somebody who forgot the password. A second factor is still asked for."""
    _require(by, staff)
    if not staff.is_active:
        raise NotAllowed("This account is closed.")
    return sign_in.make_link(staff, by=by.email)


@transaction.atomic
def lost_phone(by: Staff, staff: Staff) -> str:
    """Forget somebody's second factor and password; the token of the link by which they set up new ones."""
    _require(by, staff)
    _not_oneself(by, staff)
    second_factor.reset(staff, by=by.email)
    return new_link(by, staff)


@transaction.atomic
def close(by: Staff, staff: Staff) -> None:
    """Close the account of somebody who has left: every session and link of theirs ends now, for good."""
    _require(by, staff)
    _not_oneself(by, staff)
    staff.is_active = False
    staff.save(update_fields=["is_active"])
    SignInLink.objects.filter(staff=staff).delete()
    end_others(staff, "", by=by.email)
    record("staff_closed", f"staff {staff.pk}", actor=by.email, now=timezone.now())


@transaction.atomic
def reopen(by: Staff, staff: Staff) -> None:
    """Open a closed account again, as it was, but for its sessions and links."""
    _require(by, staff)
    staff.is_active = True
    staff.save(update_fields=["is_active"])
    record("staff_reopened", f"staff {staff.pk}", actor=by.email, now=timezone.now())


@transaction.atomic
def set_role(by: Staff, staff: Staff, role: str) -> None:
    """Say what somebody may do from now on."""
    _require(by, staff)
    _not_oneself(by, staff)
    if role not in Staff.Role.values:
        raise NotAllowed("Give a name and a role.")
    staff.role = role
    staff.save(update_fields=["role"])
    now, detail = timezone.now(), {"role": role}
    record("role_changed", f"staff {staff.pk}", actor=by.email, now=now, detail=detail)


def _require(by: Staff, staff: Staff | None = None) -> None:
    if not may(by) or (staff is not None and staff.clinic_id != by.clinic_id):
        raise NotAllowed("Only an administrator may do this.")


def _not_oneself(by: Staff, staff: Staff) -> None:
    # Whoever is left is then an administrator, so no clinic loses its last one here.
    if by.pk == staff.pk:
        raise NotAllowed("Another administrator must do this for you.")
