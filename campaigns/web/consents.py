"""Why we may or may not write to a patient: what staff were told about it, and the list for the clinic."""

from __future__ import annotations

from uuid import UUID

from django import forms, http
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _p
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.domain.errors import NotAllowed
from campaigns.domain.recipients import Channel
from campaigns.models import Consent, Patient, Staff
from campaigns.queries import clock, contactability
from campaigns.services import addresses, consent
from campaigns.services.consent import EVERY_TOPIC, Told
from campaigns.services.record import record
from campaigns.web import access, sheet, words
from campaigns.web.once import once
from campaigns.web.patient_acts import key_of, require
from campaigns.web.told import told as said

EVERY = "every"


WAYS = [
    ("phone", _p("how it was said", "By phone")),
    ("in_person", _p("how it was said", "In person")),
    ("in_writing", _p("how it was said", "In writing")),
]
"""How somebody says something to the staff."""


class ConsentForm(forms.Form):
    """What the patient said, and how."""

    action = forms.ChoiceField(
        label=_("What did the patient say?"),
        widget=forms.RadioSelect,
        choices=[
            (Consent.Action.WITHDRAWN.value, _("No more of these messages")),
            (Consent.Action.GRANTED.value, _("Yes, send these messages")),
        ],
    )
    channel = forms.ChoiceField(
        label=_("By which channel?"),
        widget=forms.RadioSelect,
        choices=[(channel.value, words.CHANNELS[channel]) for channel in Channel],
    )
    topic = forms.ChoiceField(
        label=_("Which messages?"),
        widget=forms.RadioSelect,
        choices=[(EVERY, _p("topic", "All of them")), *words.TOPICS.items()],
    )
    way = forms.ChoiceField(
        label=_("How did the patient say it?"),
        widget=forms.RadioSelect,
        choices=WAYS,
    )
    evidence = forms.CharField(
        label=_("In which words, or where is it written?"),
        max_length=200,
        help_text=_("For the record. For example: called on Monday, said that e-mail is enough."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def told(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Record what a patient said by phone, in person or in writing."""
    patient = access.patient(request, patient_id)
    require(request)
    form, key = ConsentForm(request.POST or None), key_of(request)
    if request.method == "POST" and form.is_valid():
        try:
            once(request, key, lambda: _record(patient, form, access.staff(request)))
        except NotAllowed as error:
            form.add_error("topic", said(str(error)))
        else:
            messages.success(request, _("Saved."))
            return redirect("patient", patient.pk)
    return render(request, "web/consent.html", {"patient": patient, "form": form, "key": key})


def _record(patient: Patient, form: ConsentForm, staff: Staff) -> str:
    data = form.cleaned_data
    topics = EVERY_TOPIC if data["topic"] == EVERY else (data["topic"],)
    how = Told(source=data["way"], by=staff.email, evidence=data["evidence"])
    is_grant = data["action"] == Consent.Action.GRANTED
    act = consent.grant_as_told if is_grant else consent.withdraw_as_told
    act(patient, Channel(data["channel"]), topics, how, clock.now())
    return "recorded"


@require_POST
def confirm(request: HttpRequest, patient_id: UUID, channel: str) -> HttpResponse:
    """Staff have asked, and the number or address is the patient's: write to it again."""
    patient = access.patient(request, patient_id)
    require(request)
    if channel not in tuple(Channel):
        raise Http404
    try:
        addresses.confirm(patient, Channel(channel), by=access.staff(request).email, now=clock.now())
    except NotAllowed as error:
        messages.error(request, said(str(error)))
    else:
        messages.success(request, _("Saved."))
    return redirect("patient", patient.pk)


def may_export(staff: Staff) -> bool:
    """Whether somebody may take the list of the whole clinic away."""
    return staff.is_active and staff.role == Staff.Role.ADMINISTRATOR


@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """Why each patient of the clinic may or may not be written to, as CSV. Not on GET: it is audited."""
    staff = access.staff(request)
    if not may_export(staff):
        raise PermissionDenied
    rows = list(contactability.rows(access.patients(request)))
    with transaction.atomic():
        record("contactability_exported", f"clinic {staff.clinic_id}", actor=staff.email, now=clock.now())
    return http.HttpResponse(
        _csv(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="contactability.csv"'},
    )


def _csv(rows: list[dict[str, object]]) -> str:
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    table = ([row[name] for name in contactability.FIELDS] for row in rows)
    return "\ufeff" + sheet.lines([contactability.FIELDS, *table])
