"""The whole URL map. Every route asks for a sign-in except those named in PUBLIC."""

from __future__ import annotations

from django.urls import path

from campaigns.patient import pages
from campaigns.web import account, enrolling, errors, health, home, inbox, patients, visits
from campaigns.webhooks import twilio

PUBLIC = frozenset(
    {
        "sign-in",
        "sign-in-link",
        "healthz",
        "readyz",
        "unsubscribe",
        "information",
        "twilio-inbound",
        "twilio-status",
    }
)
"""Routes that a stranger may open. A test holds this list against what the routes do."""

urlpatterns = [
    path("", home.home, name="home"),
    path("sending/pause", home.pause, name="pause"),
    path("sending/resume", home.resume, name="resume"),
    path("sign-in", account.password, name="sign-in"),
    path("sign-in/<str:token>", account.by_link, name="sign-in-link"),
    path("sign-out", account.sign_out, name="sign-out"),
    path("patients/new", enrolling.new, name="enroll"),
    path("patients/<uuid:patient_id>", patients.patient, name="patient"),
    path("messages/<int:message_id>/html", patients.mail, name="mail"),
    path("visits/<uuid:visit_id>/move", visits.move, name="visit-move"),
    path("visits/<uuid:visit_id>/settle/<str:state>", visits.settle, name="visit-settle"),
    path("courses/<uuid:course_id>/complete", visits.complete_course, name="course-complete"),
    path("alerts", inbox.alerts, name="alerts"),
    path("alerts/<int:alert_id>/acknowledge", inbox.acknowledge, name="alert-acknowledge"),
    path("alerts/<int:alert_id>/close", inbox.close, name="alert-close"),
    path("u/<str:token>", pages.unsubscribe, name="unsubscribe"),
    path("p/<str:token>", pages.information, name="information"),
    path("webhooks/twilio/inbound", twilio.inbound, name="twilio-inbound"),
    path("webhooks/twilio/status/<uuid:attempt_id>", twilio.status, name="twilio-status"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.failed
