"""Where allauth asks us: its limits, its words, its secrets and its addresses become ours."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.models import Staff
from campaigns.models.encryption import decrypt, encrypt
from campaigns.services import guesses, second_factor, sessions

WAIT = _("Too many tries. Wait a quarter of an hour at most, and try again.")
WRONG_CODE = _("This code is not right, or it was used already. Wait for the next one.")


def address_of(request: HttpRequest) -> str:
    """The client's address; middleware has settled what proxies say."""
    return str(request.META.get("REMOTE_ADDR", ""))


class Accounts(DefaultAccountAdapter):
    """Signing in with a password."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "too_many_login_attempts": WAIT,
    }

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try before the password is looked at."""
        if not guesses.count(self._keys(request, credentials)):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """The right password gives the try back."""
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            guesses.forgive(self._keys(request, credentials))
        return user

    def _rollback_login_failed_rl_usage(self) -> None:
        """allauth's own counters are off."""

    def _keys(self, request: HttpRequest, credentials: dict[str, Any]) -> list[tuple[str, int]]:
        return guesses.password_keys(str(credentials.get("email", "")), address_of(request))

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: accounts are made by administrators."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """As our own middleware says."""
        return address_of(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """No: which pages ask again is said where the addresses are, in urls.py."""
        return False

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The second factor alone: a password may have been read over a shoulder."""
        kinds = second_factor.kinds(user) if isinstance(user, Staff) else set()
        known = {
            second_factor.TOTP: ("mfa_reauthenticate", gettext("With a code")),
            second_factor.PASSKEY: ("mfa_reauthenticate_webauthn", gettext("With a passkey")),
        }
        return [
            {"id": name, "url": reverse(name), "description": words}
            for kind, (name, words) in known.items()
            if kind in kinds
        ]

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """Whoever has left learns no more than a stranger."""
        messages.error(request, str(self.error_messages["email_password_mismatch"]))
        return redirect("account_login")

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Only what was said in words of ours."""
        if kwargs.get("message"):
            messages.add_message(request, level, str(kwargs["message"]))

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """No mail: the audit tells it, and mail of the clinic's goes to patients."""

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        """Note where somebody is signed in, and how they proved who they are."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        note_session(request, user)
        return response


def note_session(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Put the session that has just begun on its owner's list."""
    if not isinstance(user, Staff):
        return
    if not request.session.session_key:
        request.session.save()
    how = {str(one.get("type") or one["method"]) for one in get_authentication_records(request, user)}
    sessions.began(
        user,
        str(request.session.session_key),
        browser=str(request.META.get("HTTP_USER_AGENT", "")),
        address=address_of(request),
        how=how or {"link"},
    )


class Proofs(DefaultMFAAdapter):
    """The second factor."""

    error_messages = DefaultMFAAdapter.error_messages | {"incorrect_code": WRONG_CODE}

    def encrypt(self, text: str) -> str:
        """With the key that patients' addresses have."""
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """What `encrypt` was given."""
        return decrypt(encrypted_text)

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        """What the app writes beside the code."""
        return user.email if isinstance(user, Staff) else ""

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:
        """The name of a passkey that was given none."""
        return gettext("Passkey")
