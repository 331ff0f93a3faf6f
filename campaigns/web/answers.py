"""What a person puts right: whose words these are, and what an answer was."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.domain.errors import NotAllowed
from campaigns.services import set_right
from campaigns.web import access
from campaigns.web.returning import INBOX, after_alert
from campaigns.web.told import told


@require_POST
def assign(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Say whose words from a shared phone these are."""
    alert = access.alert(request, alert_id)
    patient = access.patient(request, _uuid(request.POST.get("patient", "")))
    try:
        set_right.assign(alert.pk, patient.pk, access.staff(request))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("These words now stand with the patient that you chose."))
        alert.refresh_from_db()
    return after_alert(request, alert)


def _uuid(text: str) -> UUID:
    """The id that a form sent; one that is none belongs to nobody."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


@require_POST
def correct(request: HttpRequest, answer_id: int) -> HttpResponse:
    """Put an answer right, or say that it was none."""
    answer = access.answer(request, answer_id)
    value = request.POST.get("value")
    try:
        if value is None:
            raise NotAllowed("Choose one of the answers that the question takes.")
        set_right.correct(answer.pk, "" if value == "none" else value or "?", access.staff(request))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("The answer is corrected; what it was stays on record."))
    if request.POST.get("from") == INBOX:
        return redirect("inbox-patient", answer.patient_id)
    return redirect("patient", patient_id=answer.patient_id)
