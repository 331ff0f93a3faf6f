"""A patient's number or address: another one, or whether it works. Shown first, then done."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.delivery.formats import format_phone
from campaigns.domain.recipients import Channel
from campaigns.models import ContactPoint, Patient
from campaigns.services import contact_points, stale
from campaigns.services.consent import Told
from campaigns.services.contact_points import NewAddress
from campaigns.services.plan import Changes
from campaigns.web import access
from campaigns.web.patient_acts import Change, decide, filled
from campaigns.web.patient_forms import AddressForm, MarkForm


def _found(request: HttpRequest, patient_id: UUID, name: str) -> tuple[Patient, Channel, ContactPoint | None]:
    patient = access.patient(request, patient_id)
    if name not in tuple(Channel):
        raise Http404
    return patient, Channel(name), patient.contact_points.filter(channel=name).first()


def _said(point: ContactPoint | None) -> str:
    """What there is now, in one line."""
    if point is None:
        return _("There is none yet.")
    address = format_phone(point.address) if point.channel == Channel.SMS else point.address
    return _("Now: %(address)s") % {"address": address}


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, patient_id: UUID, channel: str) -> HttpResponse:
    """Write down another number or address, with what the patient agrees to there."""
    patient, way, point = _found(request, patient_id, channel)
    by, form = access.staff(request).email, AddressForm(Channel(channel), request.POST or None)

    def run(shown: str | None) -> Changes:
        data = form.cleaned_data
        told = Told(source=data["way"], by=by, evidence=data["evidence"]) if data["agreed"] else None
        new = NewAddress(channel=way, address=data["address"], agreed=told)
        return contact_points.change(patient.pk, new, by=by, shown=shown)

    is_text = way is Channel.SMS
    return decide(
        request,
        Change(
            patient=patient,
            title=_("Change the number") if is_text else _("Change the e-mail address"),
            about=_said(point),
            run=run,
            mark=stale.address_mark(point),
            done=_("Saved."),
            button=_("Save"),
            section="reach",
            form=form,
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def mark(request: HttpRequest, patient_id: UUID, channel: str) -> HttpResponse:
    """Say that a number or address works, does not work, or is a landline."""
    patient, way, point = _found(request, patient_id, channel)
    by, form = access.staff(request).email, MarkForm(way, filled(request, "state"))

    def run(shown: str | None) -> Changes:
        state = ContactPoint.State(form.cleaned_data["state"])
        return contact_points.mark(patient.pk, way, state, by=by, shown=shown)

    return decide(
        request,
        Change(
            patient=patient,
            title=_("Does it work?"),
            about=_said(point),
            run=run,
            mark=stale.address_mark(point),
            done=_("Saved."),
            button=_("Save"),
            section="reach",
            form=form,
        ),
    )
