"""Signing in and out: by password or by a link that works once, each with a second proof; or by passkey."""

from __future__ import annotations

from typing import Any

from allauth.account.utils import perform_login
from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView, ReauthenticateView
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from campaigns.services import sign_in
from campaigns.web.proof import BY_LINK


class SignIn(LoginView):
    """E-mail and password, or a passkey."""

    template_name = "web/sign_in.html"

    @method_decorator(login_not_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """`?again` gives up a sign-in that waits for its code, so that somebody else may begin."""
        if "again" in request.GET and not request.user.is_authenticated:
            request.session.flush()
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


class SecondStep(AuthenticateView):
    """A code or a passkey, after the password or the link."""

    template_name = "web/sign_in_code.html"


class Confirm(ReauthenticateView):
    """The code again, for what asks again."""

    template_name = "web/confirm_code.html"


class ConfirmByPasskey(ReauthenticateWebAuthnView):
    """The passkey again."""

    template_name = "web/confirm_passkey.html"


password = SignIn.as_view()
second_step = SecondStep.as_view()
confirm = Confirm.as_view()
confirm_by_passkey = ConfirmByPasskey.as_view()
by_passkey = LoginWebAuthnView.as_view()


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, because mail scanners open links; only the button's POST uses the link up."""
    if request.method != "POST":
        owner = sign_in.owner(token)
        return render(request, "web/sign_in_link.html", {"owner": owner}, status=200 if owner else 404)
    staff = sign_in.redeem(token)
    if staff is None:
        return render(request, "web/sign_in_link.html", {"owner": None}, status=404)
    logout(request)
    request.session[BY_LINK] = staff.pk
    answer: HttpResponse = perform_login(request, staff)
    return answer


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, on the server too."""
    logout(request)
    return redirect("account_login")


@login_not_required
@require_POST
def site_language(request: HttpRequest) -> HttpResponse:
    """Read the site in another language from now on; back to the page, never to another site."""
    if request.POST.get("language", "").lower() not in dict(settings.LANGUAGES):
        raise SuspiciousOperation("The site has no such language.")
    return set_language(request)
