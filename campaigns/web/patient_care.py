"""Leave a patient in peace for a while, go on, in care or not, which language: shown first, then done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.domain.timing import to_instant
from campaigns.models import Patient
from campaigns.services import foresee, in_care, pausing, prefer, stale
from campaigns.services.plan import Changes
from campaigns.web import access
from campaigns.web.patient_acts import Change, decide, filled
from campaigns.web.patient_forms import LanguageForm, PauseForm, StatusForm


@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Send nothing planned until a day, or until somebody says so."""
    patient, by = access.patient(request, patient_id), access.staff(request).email
    form = PauseForm(request.POST or None)

    def run(shown: str | None) -> Changes:
        pausing.pause(patient.pk, _until(patient, form), form.reason, by=by, shown=shown)
        return Changes()

    return decide(
        request,
        Change(
            patient=patient,
            title=_("Pause the messages"),
            about=_("Nothing that is planned goes meanwhile. Safety texts and answers still do."),
            run=run,
            mark=stale.status_mark(patient),
            done=_("The messages to this patient are paused."),
            button=_("Pause the messages"),
            section="record",
            form=form,
            more=lambda: {"waits": pausing.waits(patient.pk, _until(patient, form))},
        ),
    )


def _until(patient: Patient, form: PauseForm) -> datetime | None:
    """The beginning of that day at the clinic."""
    day = form.cleaned_data["until"]
    return to_instant(day, time(0), ZoneInfo(patient.clinic.time_zone)) if day else None


@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """End a pause."""
    patient, by = access.patient(request, patient_id), access.staff(request).email
    active = Patient.Status.ACTIVE
    return decide(
        request,
        Change(
            patient=patient,
            title=_("Go on with the messages"),
            run=lambda shown: in_care.set_status(patient.pk, active, by=by, shown=shown),
            mark=stale.status_mark(patient),
            done=_("The messages to this patient go on."),
            button=_("Go on"),
            section="record",
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def status(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Say that a patient left or has died, or is in care again."""
    patient, by = access.patient(request, patient_id), access.staff(request).email
    form = StatusForm(filled(request, "status"))

    def run(shown: str | None) -> Changes:
        return in_care.set_status(patient.pk, form.cleaned_data["status"], by=by, shown=shown)

    return decide(
        request,
        Change(
            patient=patient,
            title=_("Is the patient in care?"),
            about=_("Who has left or died is written to no more, whatever was planned."),
            run=run,
            mark=stale.status_mark(patient),
            done=_("Saved."),
            button=_("Save"),
            section="record",
            form=form,
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def language(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Write to the patient in another language, or by the clock of another place."""
    patient, by = access.patient(request, patient_id), access.staff(request).email
    form = LanguageForm(patient.clinic, patient, request.POST or None)

    def run(shown: str | None) -> Changes:
        data = form.cleaned_data
        return prefer.at_desk(patient.pk, data["language"], data["time_zone"], by=by, shown=shown)

    def reads() -> Mapping[str, Any]:
        return {
            "reads_ahead": foresee.reads(patient.pk, lambda: run(None)),
            "wanted": form.cleaned_data["language"],
        }

    return decide(
        request,
        Change(
            patient=patient,
            title=_("Language and clock"),
            about=_("What is planned stays planned: each text gets its words when it leaves."),
            run=run,
            mark=stale.preferences_mark(patient),
            done=_("Saved."),
            button=_("Save"),
            section="reach",
            form=form,
            more=reads,
        ),
    )
