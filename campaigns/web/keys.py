"""The keys of other programs: an administrator makes them, sees when they were last used, and ends them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.domain.errors import CampaignsError
from campaigns.models import Staff
from campaigns.services import accounts, api_keys
from campaigns.web import access
from campaigns.web.names import SCOPE_WORDS
from campaigns.web.told import told


class KeyForm(forms.Form):
    """A new key: for which program, and what it may do."""

    name = forms.CharField(
        label=_("Which program is it for?"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What may it do?"),
        widget=forms.CheckboxSelectMultiple,
        choices=list(SCOPE_WORDS.items()),
        help_text=_("Tick as little as it needs. To change is not to see."),
    )
    per_minute = forms.IntegerField(
        label=_("How often it may ask in a minute"),
        min_value=1,
        max_value=100_000,
        initial=api_keys.PER_MINUTE,
    )


def _administrator(request: HttpRequest) -> Staff:
    me = access.staff(request)
    if not accounts.may(me):
        raise PermissionDenied
    return me


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """The keys of this clinic, and the form for a new one, which is shown once."""
    me = _administrator(request)
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        asked: dict[str, Any] = form.cleaned_data
        key, secret = api_keys.create(
            me.clinic, asked["name"], asked["scopes"], by=me.email, per_minute=asked["per_minute"]
        )
        return render(request, "web/key_made.html", {"key": key, "secret": secret})
    return render(request, "web/keys.html", {"form": form, "keys": api_keys.of_clinic(me.clinic_id)})


@require_POST
def revoke(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """End a key at once."""
    key, me = access.api_key(request, key_id), _administrator(request)
    try:
        api_keys.revoke(str(key.pk), by=me.email)
    except CampaignsError as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, str(_("This key opens nothing any more.")))
    return redirect("keys")
