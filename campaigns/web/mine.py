"""One's own account: the password, what else proves who one is, and where one is signed in."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.internal.auth import begin_registration
from allauth.mfa.webauthn.views import AddWebAuthnView
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from markupsafe import Markup

from campaigns.domain.errors import NotAllowed
from campaigns.services import passwords, second_factor, sessions
from campaigns.web import access
from campaigns.web.account_forms import AuthenticatorForm, PasswordForm
from campaigns.web.proof import is_fresh, now_proved, proved_at, to_confirm
from campaigns.web.told import told

NEW_SECRET = "new_authenticator"  # noqa: S105  the name of a place in the session


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """What one has, and where one is signed in."""
    me = access.staff(request)
    rows = list(second_factor.of(me).order_by("pk"))
    context = {
        "app": next((row for row in rows if row.type == second_factor.TOTP), None),
        "passkeys": [(row, str(row.data["name"])) for row in rows if row.type == second_factor.PASSKEY],
        "codes_left": second_factor.codes_left(me),
        "sessions": sessions.of(me),
        "this_session": request.session.session_key,
        "is_off": second_factor.is_off(me),
    }
    return render(request, "web/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Set a password; the first step for somebody who came by an invitation."""
    if request.method == "POST" and not _may_change(request):
        return _ask(request)
    me = access.staff(request)
    form = PasswordForm(me, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        passwords.set_password(me, form.cleaned_data["password"], keep=str(request.session.session_key))
        _stay(request)
        messages.success(request, _("The password is set."))
        return redirect("account" if proved_at(request) or second_factor.is_off(me) else "authenticator")
    return render(request, "web/password.html", {"form": form, "halfway": not _proved(request)})


def _stay(request: HttpRequest) -> None:
    """A new password ends every session but this one, which goes on under another key."""
    old = str(request.session.session_key)
    update_session_auth_hash(request, access.staff(request))
    if not request.session.session_key:
        request.session.save()
    sessions.moved(old, str(request.session.session_key))


@require_http_methods(["GET", "HEAD", "POST"])
def authenticator(request: HttpRequest) -> HttpResponse:
    """Set up the app, or another one in its place. The secret waits in the session, encrypted."""
    if not _may_change(request):
        return _ask(request)
    me, adapter = access.staff(request), get_adapter()
    form = AuthenticatorForm(request.POST if request.method == "POST" else None)
    kept = request.session.get(NEW_SECRET)
    secret = adapter.decrypt(kept) if kept else second_factor.new_secret()
    if request.method == "POST" and kept and form.is_valid():
        codes = second_factor.set_app(me, secret, form.cleaned_data["code"])
        if codes is not None:
            del request.session[NEW_SECRET]
            now_proved(request, second_factor.TOTP)
            return _done(request, codes)
        form.wrong()
    request.session[NEW_SECRET] = adapter.encrypt(secret)
    url = adapter.build_totp_url(me, secret)
    svg = adapter.build_totp_svg(url)
    picture = Markup(svg[svg.index("<svg") :])  # noqa: S704  made here, of squares
    context = {
        "form": form,
        "picture": picture,
        "secret": secret,
        "link": url,
        "halfway": not _proved(request),
    }
    return render(request, "web/authenticator.html", context)


class AddPasskey(AddWebAuthnView):
    """Add a passkey. Without JavaScript there is none."""

    template_name = "web/passkey.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Asks again first, like everything that changes how one signs in."""
        if not _may_change(request):
            return _ask(request)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the browser is asked for: a passkey that signs in alone, so with a finger or a PIN."""
        found: dict[str, Any] = super().get_context_data(**kwargs)
        options = begin_registration(access.staff(self.request), True)
        return found | {"js_data": {"creation_options": options}, "halfway": not _proved(self.request)}

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it; the first proof of somebody new comes with codes for paper."""
        me = access.staff(self.request)
        is_first = not second_factor.kinds(me)
        super().form_valid(form)
        added = second_factor.of(me).filter(type=second_factor.PASSKEY).latest("pk")
        now_proved(self.request, second_factor.PASSKEY)
        second_factor.passkey_added(me, added)
        # allauth has made codes that nobody has seen; these take their place.
        return _done(self.request, second_factor.new_codes(me) if is_first else [])

    def get_success_url(self) -> str:
        """Never followed: `form_valid` answers."""
        return "/"


add_passkey = AddPasskey.as_view()


@require_POST
def remove(request: HttpRequest, authenticator_id: int) -> HttpResponse:
    """Remove a passkey or the app."""
    me = access.staff(request)
    get_object_or_404(second_factor.of(me), pk=authenticator_id)
    try:
        second_factor.remove(me, authenticator_id)
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("Removed."))
    return redirect("account")


@require_POST
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make fresh codes for paper, and show them this once."""
    try:
        codes = second_factor.new_codes(access.staff(request))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
        return redirect("account")
    return render(request, "web/recovery_codes.html", {"codes": codes})


@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out in one other browser."""
    me = access.staff(request)
    if not sessions.end(me, session_id, by=me):
        raise Http404
    messages.success(request, _("Signed out there."))
    return redirect("account")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    me = access.staff(request)
    sessions.end_others(me, str(request.session.session_key), by=me.email)
    messages.success(request, _("You are signed in here only."))
    return redirect("account")


def _proved(request: HttpRequest) -> bool:
    return bool(proved_at(request)) or second_factor.is_off(access.staff(request))


def _may_change(request: HttpRequest) -> bool:
    """Who is still to prove anything came by a link and has no second factor: proof.py let nobody else in."""
    return is_fresh(request) or not proved_at(request)


def _ask(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("Confirm that it is you first."))
    return to_confirm(request, back=request.path)


def _done(request: HttpRequest, codes: list[str]) -> HttpResponse:
    if codes:
        return render(request, "web/recovery_codes.html", {"codes": codes})
    messages.success(request, _("Saved."))
    return redirect("account")
