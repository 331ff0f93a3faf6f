"""The second proof of who signs in: a code of an authenticator app that counts once, a code kept on paper, or
a passkey. allauth keeps the rows; their secrets are encrypted like patients' addresses."""

from __future__ import annotations

import secrets
from uuid import UUID

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.domain.errors import NotAllowed
from campaigns.domain.one_time_codes import matching_step, typed
from campaigns.models import Staff
from campaigns.services import guesses
from campaigns.services.record import record
from campaigns.services.sessions import end_others

TOTP, PAPER, PASSKEY = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES, Authenticator.Type.WEBAUTHN


def is_off(staff: Staff) -> bool:
    """Whether nobody is asked here: at the demo's own clinic of made-up people, and nowhere else."""
    return bool(settings.DEMO and staff.clinic.is_demo)


def of(staff: Staff) -> QuerySet[Authenticator]:
    """What this person can prove it with, the codes on paper aside: alone they are no second factor."""
    return Authenticator.objects.filter(user=staff).exclude(type=PAPER)


def kinds(staff: Staff) -> set[str]:
    """`totp` and `webauthn`, as far as this person has them."""
    return set(of(staff).values_list("type", flat=True))


def who_has_one(clinic_id: UUID) -> set[int]:
    """The ids of everybody at a clinic who has a second factor."""
    rows = Authenticator.objects.filter(user__clinic=clinic_id).exclude(type=PAPER)
    return set(rows.values_list("user_id", flat=True))


def codes_left(staff: Staff) -> int:
    """How many codes on paper are unused."""
    row = Authenticator.objects.filter(user=staff, type=PAPER).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


@transaction.atomic
def use_code(staff: Staff, text: str) -> Authenticator | None:
    """What the code belongs to, or None where it is wrong or was used before. It counts from here on."""
    # The account is locked, so that two browsers with the same code are one after the other.
    Staff.objects.select_for_update().get(pk=staff.pk)
    found = Authenticator.objects.filter(user=staff, type__in=[TOTP, PAPER])
    rows: dict[str, Authenticator] = {row.type: row for row in found}
    if TOTP in rows and _app_says(rows[TOTP], text):
        return rows[TOTP]
    if PAPER in rows and RecoveryCodes(rows[PAPER]).validate_code(typed(text)):
        left = {"left": codes_left(staff)}
        record("recovery_code_used", _who(staff), actor=staff.email, now=timezone.now(), detail=left)
        return rows[PAPER]
    return None


def _app_says(row: Authenticator, text: str) -> bool:
    secret = get_adapter().decrypt(row.data["secret"])
    step = matching_step(secret, text, now=timezone.now().timestamp(), after=row.data["last_step"])
    if step is None:
        return False
    row.data["last_step"] = step
    row.save(update_fields=["data"])
    return True


def new_secret() -> str:
    """A secret for an authenticator app: 160 random bits (RFC 4226, section 4), base32 without padding."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "".join(secrets.choice(alphabet) for _ in range(32))


@transaction.atomic
def set_app(staff: Staff, secret: str, text: str) -> list[str] | None:
    """Take the app that shows this code in the place of any before it; None: the code is not its.

    Returns fresh codes for paper where there were none, else an empty list.
    """
    Staff.objects.select_for_update().get(pk=staff.pk)
    now = timezone.now()
    step = matching_step(secret, text, now=now.timestamp(), after=0)
    if step is None:
        return None
    data = {"secret": get_adapter().encrypt(secret), "last_step": step}
    Authenticator.objects.update_or_create(
        user=staff, type=TOTP, defaults={"data": data, "created_at": now, "last_used_at": now}
    )
    codes = [] if Authenticator.objects.filter(user=staff, type=PAPER).exists() else _fresh_codes(staff)
    record("authenticator_set", _who(staff), actor=staff.email, now=now)
    return codes


@transaction.atomic
def new_codes(staff: Staff) -> list[str]:
    """Fresh codes for paper; those before are void. Raises NotAllowed without a second factor."""
    Staff.objects.select_for_update().get(pk=staff.pk)
    if not of(staff).exists():
        raise NotAllowed("Set up the second factor first.")
    codes = _fresh_codes(staff)
    record("recovery_codes_made", _who(staff), actor=staff.email, now=timezone.now())
    return codes


def _fresh_codes(staff: Staff) -> list[str]:
    Authenticator.objects.filter(user=staff, type=PAPER).delete()
    codes: list[str] = RecoveryCodes.activate(staff).get_unused_codes()
    return codes


def passkey_added(staff: Staff, passkey: Authenticator) -> None:
    """Put on record that a passkey was added; allauth has checked and stored it."""
    subject = {"passkey": passkey.pk}
    record("passkey_added", _who(staff), actor=staff.email, now=timezone.now(), detail=subject)


@transaction.atomic
def remove(staff: Staff, authenticator_id: int) -> None:
    """Remove a passkey or the app. Raises NotAllowed for the last one: nobody goes without."""
    Staff.objects.select_for_update().get(pk=staff.pk)
    if not of(staff).exclude(pk=authenticator_id).exists():
        raise NotAllowed("This is your last way to prove who you are. Add another one first.")
    kind = {"kind": of(staff).get(pk=authenticator_id).type}
    of(staff).filter(pk=authenticator_id).delete()
    record("second_factor_removed", _who(staff), actor=staff.email, now=timezone.now(), detail=kind)


@transaction.atomic
def reset(staff: Staff, *, by: str) -> None:
    """Forget how somebody proved who they are, and end their sessions: the phone is lost.

    The password goes too, or whoever has it could set up a phone of their own: the way back in is a link.
    """
    Staff.objects.select_for_update().get(pk=staff.pk)
    Authenticator.objects.filter(user=staff).delete()
    staff.set_unusable_password()
    staff.save(update_fields=["password"])
    end_others(staff, "", by=by)
    guesses.forgive(guesses.code_keys(staff.pk))
    record("second_factor_reset", _who(staff), actor=by, now=timezone.now())


def _who(staff: Staff) -> str:
    return f"staff {staff.pk}"
