"""Signing in and out: by password, or by a link that works once."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from campaigns.services import sign_in
from campaigns.web.forms import SignInForm

BACKEND = "django.contrib.auth.backends.ModelBackend"

# Guessing is slowed by argon2 alone here; a limit by address and account comes with the second factor.
password = LoginView.as_view(
    template_name="web/sign_in.html", authentication_form=SignInForm, redirect_authenticated_user=True
)


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
    login(request, staff, backend=BACKEND)
    return redirect("home")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, on the server too."""
    logout(request)
    return redirect("sign-in")


@login_not_required
@require_POST
def site_language(request: HttpRequest) -> HttpResponse:
    """Read the site in another language from now on; back to the page, never to another site."""
    if request.POST.get("language", "").lower() not in dict(settings.LANGUAGES):
        raise SuspiciousOperation("The site has no such language.")
    return set_language(request)
