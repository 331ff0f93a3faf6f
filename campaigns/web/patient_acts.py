"""A change to one patient, shown before it is done: what it does to messages, what the patient will be told.

One way for all: a form, a dry run with the words, a button. The button does what was shown or nothing. It
sends along the mark of what the page showed, a digest of what was typed, and a key that makes it count once.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.domain.errors import CampaignsError
from campaigns.models import Patient, Staff
from campaigns.services.foresee import Outlook, foresee
from campaigns.services.plan import Changes
from campaigns.web import access
from campaigns.web.once import once
from campaigns.web.told import told

CARERS = frozenset({Staff.Role.COORDINATOR, Staff.Role.CLINICIAN, Staff.Role.ADMINISTRATOR})
"""Who changes what concerns a patient. Translators and auditors read."""


def may(staff: Staff) -> bool:
    """Whether somebody may change a patient's visits, addresses and messages."""
    return staff.is_active and staff.role in CARERS


def require(request: HttpRequest) -> None:
    """Refuse who may not. Asked once the row is found: another clinic's is there for nobody."""
    if not may(access.staff(request)):
        raise PermissionDenied


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What somebody is about to do. `run` does it and is told the mark that the page showed, None in a dry
    run; `mark` is what the page shows now; `more` is what else the page says of it, read when it is shown."""

    patient: Patient
    title: str
    run: Callable[[str | None], Changes]
    mark: str
    done: str
    button: str
    about: str = ""
    warning: str = ""
    section: str = ""
    form: forms.Form | None = None
    more: Callable[[], Mapping[str, Any]] = dict

    @property
    def back(self) -> str:
        """Where the patient's page shows what is changed here."""
        return reverse("patient", args=[self.patient.pk]) + (f"#{self.section}" if self.section else "")

    @property
    def typed(self) -> str:
        """A digest of what was typed: the button does what was shown and nothing else."""
        data = self.form.cleaned_data if self.form else {}
        return hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest()[:16]


@dataclass(slots=True)
class Shown:
    """What the page says of a change: the dry run, or why it cannot be done."""

    key: str
    outlook: Outlook | None = None
    refused: str = ""
    notice: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def filled(request: HttpRequest, *names: str) -> QueryDict | None:
    """What a form is filled with: what was sent, or what a link asked for."""
    if request.method == "POST":
        return request.POST
    return request.GET if any(name in request.GET for name in names) else None


def decide(request: HttpRequest, change: Change) -> HttpResponse:
    """Show what the change would do, or do it if that is what was shown."""
    require(request)
    page = Shown(key_of(request))
    form = change.form
    if form is None or (form.is_bound and form.is_valid()):
        if "confirm" in request.POST and _do(request, change, page):
            messages.success(request, change.done)
            return redirect(change.back)
        _foresee(change, page)
    return render(request, "web/patient_change.html", {"change": change, "page": page, **page.more})


def _do(request: HttpRequest, change: Change, page: Shown) -> bool:
    """Whether it was done, now or by the same press before."""
    if request.POST.get("typed") != change.typed:
        page.notice = _("Something was typed since you looked. Here is what it would change now.")
        return False
    shown = request.POST.get("shown", "")

    def act() -> str:
        change.run(shown)
        return "done"

    try:
        once(request, page.key, act)
    except CampaignsError as error:
        page.refused = told(str(error))
        return False
    return True


def _foresee(change: Change, page: Shown) -> None:
    try:
        page.outlook = foresee(change.patient.pk, lambda: change.run(None))
        page.more = change.more()
    except CampaignsError as error:
        page.refused = page.refused or told(str(error))


def key_of(request: HttpRequest) -> str:
    """The key that makes a press count once: the one that came with it, or a fresh one."""
    try:
        return str(uuid.UUID(request.POST.get("key", "")))
    except ValueError:
        return str(uuid.uuid4())
