"""Where somebody goes back to after acting on an alert: to the inbox if that is where they came from."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from campaigns.models import Alert

INBOX = "inbox"


def after_alert(request: HttpRequest, alert: Alert) -> HttpResponse:
    """To the item in the inbox, or to the page of alerts."""
    if request.POST.get("from") != INBOX:
        return redirect("alerts")
    if alert.patient_id:
        return redirect("inbox-patient", alert.patient_id)
    return redirect("inbox-alert", alert.pk)
