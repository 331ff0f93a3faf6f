"""Who has proved to be who they say: no page opens without the second factor, and some ask for it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.models import Staff
from campaigns.services import second_factor
from campaigns.web import access
from campaigns.web.middleware import GetResponse

View = Callable[..., HttpResponseBase]

FRESH = 15 * 60
"""Seconds for which a proof is enough for what asks again: exports, erasing, approvals, accounts."""
LONGEST = 12 * 60 * 60
"""Seconds after which a session ends, however busy it is."""
BY_LINK = "came_by_link"
"""In the session of somebody who came by a one-time link, who that is: they may set up what they lack."""
OPEN_HALFWAY = frozenset({"sign-out", "site-language", "password", "authenticator", "passkey-add"})
"""Routes that are open to whoever is still to set up the second factor."""


def proved_at(request: HttpRequest) -> float:
    """When the second factor was last proved in this session (seconds since 1970), 0 for never."""
    records = get_authentication_records(request, access.staff(request))
    return max((float(one["at"]) for one in records if one["method"] == "mfa"), default=0.0)


def now_proved(request: HttpRequest, kind: str) -> None:
    """The second factor was set up just now, and proved by it."""
    record_authentication(request, access.staff(request), "mfa", type=kind)
    request.session.pop(BY_LINK, None)


def came_by_link(request: HttpRequest) -> bool:
    """Whether this session began with a link made for this person, and with nothing else yet."""
    return bool(request.session.get(BY_LINK) == access.staff(request).pk)


def is_fresh(request: HttpRequest) -> bool:
    """Whether the proof is recent enough for what asks again."""
    return second_factor.is_off(access.staff(request)) or time.time() - proved_at(request) < FRESH


def confirmed(view: View, **only: str) -> View:
    """The view, whose POST asks for the second factor again after a while. `only` narrows it to addresses
    with these parts.

    What was typed is not kept for later: a session would hold it where no key protects it. One presses again.
    """

    @wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        meant = all(kwargs.get(name) == value for name, value in only.items())
        if request.method != "POST" or not meant or is_fresh(request):
            return view(request, *args, **kwargs)
        messages.warning(request, _("Confirm that it is you. Nothing was done: press the button again then."))
        return to_confirm(request)

    return asking


def to_confirm(request: HttpRequest, back: str = "") -> HttpResponse:
    """To the page that asks for the second factor, and from there back to where the button is."""
    known = second_factor.kinds(access.staff(request))
    name = "mfa_reauthenticate" if second_factor.TOTP in known else "mfa_reauthenticate_webauthn"
    return redirect(f"{reverse(name)}?{urlencode({'next': back or _came_from(request)})}")


def _came_from(request: HttpRequest) -> str:
    came = urlsplit(request.headers.get("Referer", ""))
    return came.path if came.netloc == request.get_host() and came.path.startswith("/") else "/"


class SecondFactor:
    """Lets nobody past who has signed in with one proof only: a password, or a link."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Django calls this before the view; what it returns is the answer."""
        if not getattr(view, "login_required", True) or not isinstance(request.user, Staff):
            return None  # public, or a stranger, whom LoginRequiredMiddleware has sent to sign in
        if second_factor.is_off(request.user):
            return None
        at = proved_at(request)
        if at:
            return self._too_old(request)
        route = request.resolver_match.view_name if request.resolver_match else ""
        if came_by_link(request) and not second_factor.kinds(request.user):
            return None if route in OPEN_HALFWAY else redirect("password")
        return self._out(
            request, _("Ask your administrator for a sign-in link: a second proof is still missing.")
        )

    def _too_old(self, request: HttpRequest) -> HttpResponse | None:
        began = min(float(one["at"]) for one in request.session[AUTHENTICATION_METHODS_SESSION_KEY])
        if time.time() - began < LONGEST:
            return None
        return self._out(request, _("You were signed in for half a day. Please sign in again."))

    def _out(self, request: HttpRequest, words: str) -> HttpResponse:
        logout(request)
        messages.warning(request, words)
        return redirect("account_login")
