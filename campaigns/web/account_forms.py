"""Forms at the door and of one's own account: allauth's, in our words and with our limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.forms import LoginForm
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from campaigns.models import Staff
from campaigns.services import guesses, second_factor
from campaigns.web.adapters import WAIT, WRONG_CODE

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise  # the name that the type stubs give a lazy text

HINT = _("Six digits from your authenticator app, or one of your recovery codes.")


class SignInForm(LoginForm):
    """E-mail and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.EmailField(
            label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        )
        self.fields["password"] = password_field(_("Password"), "current-password")


def password_field(label: str | _StrPromise, autocomplete: str) -> forms.CharField:
    """A password, never sent back to the page."""
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, strip=False, widget=widget, max_length=128)


def code_field(hint: str | _StrPromise) -> forms.CharField:
    """A code that the browser may fill in, and never remembers."""
    widget = forms.TextInput(
        attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
    )
    return forms.CharField(label=_("Code"), max_length=20, widget=widget, help_text=hint)


class _Code(forms.Form):
    """How a code is judged, when signing in and later."""

    user: Staff
    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = code_field(HINT)

    def clean_code(self) -> str:
        """Counted before it is looked at; right once only."""
        keys, text = guesses.code_keys(self.user.pk), str(self.cleaned_data["code"])
        if not guesses.count(keys):
            raise forms.ValidationError(WAIT)
        found = second_factor.use_code(self.user, text)
        if found is None:
            raise get_adapter().validation_error("incorrect_code")
        guesses.forgive(keys)
        self.authenticator = found
        return text


class CodeForm(_Code, AuthenticateForm):
    """The second step of signing in."""


class ConfirmForm(_Code, ReauthenticateForm):
    """The same, asked again later."""


class PasskeyCodeForm(AuthenticateWebAuthnForm):
    """A passkey as the second step."""


class PasskeyConfirmForm(ReauthenticateWebAuthnForm):
    """A passkey, asked for again later."""


class PasskeySignInForm(LoginWebAuthnForm):
    """A passkey instead of everything else."""


class PasskeyForm(AddWebAuthnForm):
    """A new passkey and what its owner calls it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(
            label=_("Name of the passkey"),
            max_length=60,
            required=False,
            help_text=_("So that you know it again: the phone or computer it is on."),
        )


class AuthenticatorForm(forms.Form):
    """The code that a new authenticator app shows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = code_field(_("Six digits that the app shows for this site."))

    def wrong(self) -> None:
        """The app shows another one."""
        self.add_error("code", forms.ValidationError(WRONG_CODE))


class PasswordForm(forms.Form):
    """A new password, twice."""

    password = password_field(_("New password"), "new-password")
    again = password_field(_("The same again"), "new-password")

    def __init__(self, staff: Staff, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._staff = staff
        self.fields["password"].help_text = _(
            "12 characters or more. Several words are easier to remember than signs."
        )

    def clean_password(self) -> str:
        """Long enough, and none that everybody uses."""
        text = str(self.cleaned_data["password"])
        validate_password(text, self._staff)
        return text

    def clean(self) -> None:
        """Typed alike both times."""
        first, second = self.cleaned_data.get("password"), self.cleaned_data.get("again")
        if first and second and first != second:
            self.add_error("again", _("The two are not the same."))


class InvitationForm(forms.Form):
    """Somebody who is to have an account."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.TextInput(attrs={"type": "email", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, roles: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles  # type: ignore[attr-defined]
