"""What a patient can ask of the clinic: all that is stored, the part for a chart, to be forgotten."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.domain.errors import NotAllowed
from campaigns.models import Patient, Staff, Visit
from campaigns.queries import one_patient
from campaigns.services import forget as forgetting
from campaigns.services import hand_out
from campaigns.web import access, words
from campaigns.web.told import told


def may(staff: Staff) -> bool:
    """Whether somebody may take one patient's data away or erase them."""
    return staff.is_active and forgetting.may(staff.role)


def _require(request: HttpRequest) -> Staff:
    staff = access.staff(request)
    if not may(staff):
        raise PermissionDenied
    return staff


@require_POST
def export(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Everything about one patient, as a JSON file. Not on GET: it is audited."""
    patient, staff = access.patient(request, patient_id), _require(request)
    document = json.dumps(hand_out.one(patient.pk, by=staff.email), ensure_ascii=False, indent=2)
    headers = {"Content-Disposition": f'attachment; filename="patient-{patient.pk}.json"'}
    return HttpResponse(document, content_type="application/json; charset=utf-8", headers=headers)


@require_POST
def chart(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What belongs in the clinic's own chart, as a JSON file. Not on GET: it is audited."""
    patient, staff = access.patient(request, patient_id), _require(request)
    document = json.dumps(hand_out.chart(patient.pk, by=staff.email), ensure_ascii=False, indent=2)
    headers = {"Content-Disposition": f'attachment; filename="chart-{patient.pk}.json"'}
    return HttpResponse(document, content_type="application/json; charset=utf-8", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
def forget(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Erase a patient. GET says what goes and what stays; POST needs the name, typed."""
    patient, staff = access.patient(request, patient_id), _require(request)
    if request.method == "POST":
        if _same(request.POST.get("name", ""), patient.full_name):
            return _forget(request, patient, staff)
        messages.error(request, _("The name is not the patient's. Nothing was erased."))
    context = {
        "patient": patient,
        "booked": Visit.objects.filter(course__patient=patient, state="booked").count(),
        "shared": one_patient.sharing(patient.pk),
    }
    return render(request, "web/forget.html", context)


def _same(typed: str, name: str) -> bool:
    return bool(name) and " ".join(typed.split()).casefold() == " ".join(name.split()).casefold()


def _forget(request: HttpRequest, patient: Patient, staff: Staff) -> HttpResponse:
    try:
        done = forgetting.forget(patient.pk, by=staff.email)
    except NotAllowed as error:
        messages.error(request, told(str(error)))
        return redirect("patient", patient.pk)
    messages.success(request, _("The patient's data are erased."))
    for channel in done.shared:
        what = {"channel": words.CHANNELS[channel]}
        messages.warning(
            request, _("Another patient has the same address (%(channel)s): it stays theirs.") % what
        )
    return redirect("home")
