"""What staff hold in their hands when they sign in: a phone with an authenticator app."""

from __future__ import annotations

import time
from functools import cache

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.test import Client

from campaigns.domain import one_time_codes
from campaigns.models import Staff
from campaigns.services import second_factor

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "a long pass phrase for tests"


@cache
def _hashed() -> str:
    return make_password(PASSWORD)


def shown(secret: str = SECRET, ahead: int = 0) -> str:
    """What the app shows now, or so many half minutes later."""
    return one_time_codes.code(secret, one_time_codes.step_at(time.time()) + ahead)


def with_app(staff: Staff) -> list[str]:
    """Give somebody a password and an app; the codes for paper that come with it."""
    staff.password = _hashed()
    staff.save(update_fields=["password"])
    codes = second_factor.set_app(staff, SECRET, shown())
    assert codes is not None
    half_a_minute_later(staff)
    return codes


def half_a_minute_later(staff: Staff) -> None:
    """The app shows a fresh code: as if none had been used so far."""
    row = Authenticator.objects.get(user=staff, type=Authenticator.Type.TOTP)
    row.data["last_step"] = 0
    row.save()


def sign_in(staff: Staff, client: Client | None = None) -> Client:
    """A browser in which somebody has signed in with password and code."""
    client = client or Client()
    half_a_minute_later(staff)
    client.post("/sign-in", {"login": staff.email, "password": PASSWORD})
    client.post("/sign-in/code", {"code": shown()})
    assert is_in(client)
    return client


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200
