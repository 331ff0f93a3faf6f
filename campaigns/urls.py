"""The whole URL map. Every route asks for a sign-in except those named in PUBLIC."""

from __future__ import annotations

from django.urls import path

from campaigns.api import door
from campaigns.patient import pages
from campaigns.web import (
    account,
    answers,
    calling,
    consents,
    enrolling,
    errors,
    finding,
    going_out,
    health,
    home,
    inbox,
    keys,
    lexicon_files,
    lexicons,
    mine,
    on_call,
    patients,
    people,
    readiness,
    rewording,
    rights,
    roster,
    unsent,
    visits,
    wordings,
)
from campaigns.web.proof import confirmed
from campaigns.webhooks import email, twilio

PUBLIC = frozenset(
    {
        "account_login",
        "mfa_authenticate",
        "mfa_login_webauthn",
        "api",
        "sign-in-link",
        "site-language",
        "healthz",
        "readyz",
        "unsubscribe",
        "patient-page",
        "email-inbound",
        "twilio-inbound",
        "twilio-status",
    }
)
"""Routes that a stranger may open. A test holds this list against what the routes do."""

TEXT = "<str:edition>/<str:sequence>/<str:step>/<str:channel>"
"""What names one text: a language or the variant of one, a folder and a name in it, sms, email or page."""

urlpatterns = [
    path("", home.home, name="home"),
    path("today/seen", home.seen, name="today-seen"),
    path("today/going-out", going_out.page, name="going-out"),
    path("sending/pause", home.pause, name="pause"),
    path("sending/resume", home.resume, name="resume"),
    path("language", account.site_language, name="site-language"),
    # allauth finds its own steps by these names.
    path("sign-in", account.password, name="account_login"),
    path("sign-in/code", account.second_step, name="mfa_authenticate"),
    path("sign-in/passkey", account.by_passkey, name="mfa_login_webauthn"),
    path("confirm", account.confirm, name="mfa_reauthenticate"),
    path("confirm/passkey", account.confirm_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("sign-in/<str:token>", account.by_link, name="sign-in-link"),
    path("sign-out", account.sign_out, name="sign-out"),
    path("account", mine.account, name="account"),
    path("account/password", mine.password, name="password"),
    path("account/authenticator", mine.authenticator, name="authenticator"),
    path("account/passkeys", mine.add_passkey, name="passkey-add"),
    path("account/recovery-codes", confirmed(mine.recovery_codes), name="recovery-codes"),
    path("account/proofs/<int:authenticator_id>/remove", confirmed(mine.remove), name="proof-remove"),
    path("account/sessions/<int:session_id>/end", mine.end_session, name="session-end"),
    path("account/sessions/end-others", mine.end_others, name="sessions-end"),
    path("staff", confirmed(people.people), name="staff"),
    path("staff/<int:staff_id>/link", confirmed(people.link), name="staff-link"),
    path("staff/<int:staff_id>/lost-phone", confirmed(people.lost_phone), name="staff-lost-phone"),
    path("staff/<int:staff_id>/do/<str:act>", confirmed(people.change), name="staff-change"),
    path("keys", confirmed(keys.keys), name="keys"),
    path("keys/<uuid:key_id>/revoke", confirmed(keys.revoke), name="key-revoke"),
    path("patients", roster.patients, name="patients"),
    path("patients/find", finding.find, name="find"),
    path("patients/new", enrolling.new, name="enroll"),
    path("patients/<uuid:patient_id>/enroll", enrolling.again, name="enroll-again"),
    path("consent/<str:tag>", enrolling.consent_text, name="consent-text"),
    path("patients/<uuid:patient_id>", patients.patient, name="patient"),
    path("patients/<uuid:patient_id>/consent", consents.told, name="patient-consent"),
    path("patients/<uuid:patient_id>/address/<str:channel>", consents.confirm, name="address-confirm"),
    path("patients/<uuid:patient_id>/export", confirmed(rights.export), name="patient-export"),
    path("patients/<uuid:patient_id>/forget", confirmed(rights.forget), name="patient-forget"),
    path("patients/<uuid:patient_id>/status", rights.status, name="patient-status"),
    path("contactability", confirmed(consents.export), name="contactability"),
    path("messages/unsent", unsent.unsent, name="unsent"),
    path("messages/<int:message_id>/html", patients.mail, name="mail"),
    path("visits/<uuid:visit_id>/move", visits.move, name="visit-move"),
    path("visits/<uuid:visit_id>/settle/<str:state>", visits.settle, name="visit-settle"),
    path("courses/<uuid:course_id>/complete", visits.complete_course, name="course-complete"),
    path("alerts", inbox.alerts, name="alerts"),
    path("alerts/<int:alert_id>/acknowledge", inbox.acknowledge, name="alert-acknowledge"),
    path("alerts/<int:alert_id>/close", inbox.close, name="alert-close"),
    path("alerts/<int:alert_id>/patient", answers.assign, name="alert-patient"),
    path("answers/<int:answer_id>/correct", answers.correct, name="answer-correct"),
    path("call-list", calling.call_list, name="call-list"),
    path("call-list/<uuid:patient_id>/called", calling.called, name="called"),
    path("readiness", readiness.readiness, name="readiness"),
    path("alerts/people", on_call.people, name="on-call"),
    path("alerts/people/<int:staff_id>/remove", on_call.remove, name="on-call-remove"),
    path("alerts/ladder", on_call.ladder, name="alert-ladder"),
    path("alerts/test", on_call.test, name="alert-test"),
    path("replies/<int:reply_id>/original", inbox.original, name="mail-original"),
    path("wording", wordings.languages, name="wordings"),
    path("wording/comments/<int:comment_id>/settle", wordings.settle, name="wording-settle"),
    path("wording/<str:language>", wordings.language, name="wording-language"),
    path("wording/<str:language>/approve", confirmed(wordings.approve_all), name="wording-approve"),
    path("wording/<str:language>/export", rewording.export, name="wording-export"),
    path("wording/<str:language>/import", rewording.import_file, name="wording-import"),
    path("wording/<str:language>/words/<str:context>", rewording.words, name="wording-words"),
    path(f"wording/{TEXT}", wordings.text, name="wording-text"),
    path(f"wording/{TEXT}/comment", wordings.comment, name="wording-comment"),
    path(f"wording/{TEXT}/sample/<str:shown>", wordings.sample, name="wording-sample"),
    path(f"wording/{TEXT}/do/<str:act>", confirmed(wordings.act, act="approve"), name="wording-act"),
    path("words", lexicons.languages, name="lexicons"),
    path("words/changes/<int:change_id>/comment", lexicons.comment, name="lexicon-comment"),
    path("words/<str:language>", lexicons.language, name="lexicon"),
    path("words/<str:language>/try", lexicons.try_reply, name="lexicon-try"),
    path("words/<str:language>/propose", lexicons.propose, name="lexicon-propose"),
    path("words/<str:language>/decide", confirmed(lexicons.decide), name="lexicon-decide"),
    path("words/<str:language>/export", lexicon_files.export, name="lexicon-export"),
    path("words/<str:language>/import", lexicon_files.import_file, name="lexicon-import"),
    path("u/<str:token>", pages.unsubscribe, name="unsubscribe"),
    path("p/<str:token>", pages.linked, name="patient-page"),
    path("api/v1/<path:rest>", door.enter, name="api"),
    path("webhooks/email/inbound", email.inbound, name="email-inbound"),
    path("webhooks/twilio/inbound", twilio.inbound, name="twilio-inbound"),
    path("webhooks/twilio/status/<uuid:attempt_id>", twilio.status, name="twilio-status"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.failed
