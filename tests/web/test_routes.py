"""Every route: who may open it, with which headers, and that looking changes nothing."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, reverse

from campaigns.models import (
    Alert,
    ApiKey,
    Clinic,
    ClinicChange,
    HeldAct,
    Import,
    InboundMail,
    LexiconChange,
    OnCall,
    Patient,
    Reply,
    Staff,
    StaffSession,
    WordingComment,
)
from campaigns.services import api_keys
from campaigns.urls import PUBLIC, urlpatterns
from tests.factories import make_staff
from tests.house.sources import ROOT
from tests.web import cast
from tests.web.proofs import with_app
from tests.web.stored import everything_stored

ROUTES = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)]
NAMES = [str(route.name) for route in ROUTES]
SIGNED_IN = [name for name in NAMES if name not in PUBLIC]
BY_TOKEN = {"unsubscribe", "patient-page"}
ANYTHING: dict[str, Any] = {
    "token": "no-such-token",
    "rest": "no-such-thing",
    "patient_id": uuid.UUID(int=1),
    "visit_id": uuid.UUID(int=2),
    "course_id": uuid.UUID(int=3),
    "enrollment_id": uuid.UUID(int=6),
    "attempt_id": uuid.UUID(int=4),
    "message_id": 1,
    "alert_id": 1,
    "reply_id": 1,
    "state": "completed",
    "tag": "nonsense",
    "language": "xx",
    "context": "no.such.entry",
    "edition": "xx",
    "sequence": "no",
    "step": "such",
    "channel": "sms",
    "shown": "normal",
    "act": "approve",
    "comment_id": 1,
    "answer_id": 1,
    "staff_id": 1,
    "change_id": 1,
    "authenticator_id": 1,
    "session_id": 1,
    "key_id": uuid.UUID(int=5),
    "held_id": 1,
    "report": "no-such-report",
    "import_id": uuid.UUID(int=6),
    "planned_id": 1,
}
OF_EVERY_CLINIC = {"tag", "language", "edition", "report", "sequence"}
"""What is in a path that names the same thing at every clinic: a language or a sequence, not a row."""


def address(name: str, **known: Any) -> str:
    """The address of a route, filled with what is known and otherwise with what does not exist."""
    route = next(route for route in ROUTES if route.name == name)
    return reverse(name, kwargs={key: known.get(key, ANYTHING[key]) for key in route.pattern.converters})


def alert_of(patient: Patient) -> Alert:
    return Alert.objects.create(
        clinic=patient.clinic,
        patient=patient,
        urgency="urgent",
        rule="free_text",
        opened_at=patient.created_at,
    )


def on_call_of(patient: Patient) -> OnCall:
    staff, _ = Staff.objects.get_or_create(
        email="oncall@clinic.example",
        defaults={
            "clinic": patient.clinic,
            "name": "Robin",
            "role": "administrator",
            "created_at": patient.created_at,
        },
    )
    listed = {"clinic": patient.clinic, "email": staff.email, "phone": "+16045550140"}
    return OnCall.objects.get_or_create(staff=staff, defaults=listed)[0]


def mail_of(patient: Patient) -> Reply:
    """A reply that came by e-mail, with the mail it came in."""
    reply = Reply.objects.create(
        provider_id="mail:1",
        clinic=patient.clinic,
        patient=patient,
        channel="email",
        body="?",
        received_at=patient.created_at,
        outcome="alert",
    )
    InboundMail.objects.create(
        digest="1", way="smtp", raw=b"?", size=1, received_at=patient.created_at, reply=reply
    )
    return reply


def comment_of(patient: Patient) -> WordingComment:
    return WordingComment.objects.create(
        clinic=patient.clinic,
        template="welcome/hello",
        channel="email",
        language="ar",
        text="?",
        by="x",
        at=patient.created_at,
    )


def word_of(patient: Patient) -> LexiconChange:
    return LexiconChange.objects.create(
        clinic=patient.clinic,
        language="ar",
        entry="yes",
        word="زورب",
        kind="add",
        proposed_by="x",
        proposed_at=patient.created_at,
    )


def app_of(patient: Patient) -> Authenticator:
    """What somebody at the patient's clinic proves with who they are."""
    staff = on_call_of(patient).staff
    app: Authenticator = Authenticator.objects.get_or_create(user=staff, type="totp", defaults={"data": {}})[
        0
    ]
    return app


def session_of(patient: Patient) -> StaffSession:
    """Where somebody at the patient's clinic is signed in."""
    known = {"staff": on_call_of(patient).staff, "began_at": patient.created_at, "browser": "", "address": ""}
    Session.objects.get_or_create(
        session_key="theirs", defaults={"expire_date": datetime.max.replace(tzinfo=UTC)}
    )
    return StaffSession.objects.get_or_create(session_key="theirs", defaults=known)[0]


def key_of(patient: Patient) -> ApiKey:
    """A key of another program at the patient's clinic."""
    found = ApiKey.objects.filter(clinic=patient.clinic).first()
    return found or api_keys.create(patient.clinic, "booking", ["courses:read"], by="test")[0]


def held_of(patient: Patient) -> HeldAct:
    """An act at the patient's clinic that waits for a second person."""
    somebody = Staff.objects.filter(clinic=patient.clinic).first()
    asked = somebody or make_staff(patient.clinic, "h@clinic.example")
    about = {"object_id": str(import_of(patient).pk), "recipients": 900, "asked_by": asked}
    more = {"kind": "import", "asked_at": patient.created_at}
    return HeldAct.objects.get_or_create(clinic=patient.clinic, defaults=about | more)[0]


def import_of(patient: Patient) -> Import:
    """A file that somebody at the patient's clinic has taken in."""
    known = {"kind": "table", "rows": 1, "header": '["Phone"]', "columns": ["phone"], "encoding": "utf-8"}
    dated = {"uploaded_at": patient.created_at, "uploaded_by": "x", "source": "Jane"}
    return Import.objects.get_or_create(clinic=patient.clinic, defaults=known | dated)[0]


def change_of(patient: Patient) -> ClinicChange:
    """A change of the settings of the patient's clinic that nobody has made yet."""
    about = {"before": {"fee_text": ""}, "after": {"fee_text": "$1"}, "proposed_at": patient.created_at}
    return ClinicChange.objects.get_or_create(clinic=patient.clinic, defaults=about)[0]


def objects(patient: Patient) -> dict[str, Any]:
    """Real things of one patient for every kind of id."""
    visit = cast.first_visit(patient)
    return {
        "patient_id": patient.pk,
        "visit_id": visit.pk,
        "course_id": visit.course_id,
        "enrollment_id": visit.course.enrollments.order_by("sequence")[0].pk,
        "message_id": cast.sent_mail(patient).pk,
        "alert_id": alert_of(patient).pk,
        "answer_id": cast.answer(cast.question(patient), "4").pk,
        "staff_id": on_call_of(patient).staff_id,
        "reply_id": mail_of(patient).pk,
        "tag": "ar",
        "language": "ar",
        "context": "shared.email.hello",
        "edition": "ar",
        "sequence": "welcome",
        "step": "hello",
        "channel": "email",
        "comment_id": comment_of(patient).pk,
        "change_id": word_of(patient).pk,
        "authenticator_id": app_of(patient).pk,
        "session_id": session_of(patient).pk,
        "key_id": key_of(patient).pk,
        "held_id": held_of(patient).pk,
        "report": "delivery",
        "import_id": import_of(patient).pk,
        "planned_id": change_of(patient).pk,
    }


def test_it_names_every_route_once_and_only_real_ones_as_public() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(NAMES) >= PUBLIC


def test_it_sends_a_stranger_to_the_sign_in(client: Client, db: None) -> None:
    for name in SIGNED_IN:
        for answer in (client.get(address(name)), client.post(address(name))):
            assert answer.status_code == 302, name
            assert answer.headers["Location"].startswith("/sign-in?next="), name


def test_it_answers_a_stranger_on_public_routes(client: Client, db: None) -> None:
    for name in sorted(PUBLIC):
        answer = client.get(address(name))
        assert not (answer.status_code == 302 and "sign-in?next=" in answer.headers["Location"]), name


def test_it_sets_the_security_headers_on_every_route(client: Client, db: None) -> None:
    for name in NAMES:
        headers = client.get(address(name)).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"], name
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], name
        assert "unsafe" not in headers["Content-Security-Policy"], name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        # `no-referrer` on a page with a form would make browsers send `Origin: null`, which CSRF refuses.
        assert headers["Referrer-Policy"] == ("no-referrer" if name in BY_TOKEN else "same-origin"), name
        assert headers["X-Frame-Options"] == "DENY", name
        assert "no-store" in headers["Cache-Control"], name
        assert "noindex" in headers["X-Robots-Tag"], name


def test_it_changes_nothing_on_get_or_head(pages: Client, patient: Patient) -> None:
    known = objects(patient)
    before = everything_stored()
    for name in NAMES:
        pages.get(address(name, **known))
        pages.head(address(name, **known))
    assert everything_stored() == before


OF_ONE_CLINIC = [
    str(route.name)
    for route in ROUTES
    if set(route.pattern.converters) - {"token", "attempt_id", "rest"}
    and not OF_EVERY_CLINIC & set(route.pattern.converters)
]


@pytest.mark.parametrize("role", Staff.Role.values)
def test_it_hides_what_belongs_to_another_clinic(stranger: Staff, patient: Patient, role: str) -> None:
    """Every role, at every route of the map that takes the id of something."""
    known = objects(patient)
    Staff.objects.filter(pk=stranger.pk).update(role=role)
    outsider = Client()
    outsider.force_login(stranger)
    before = everything_stored()
    form = {"outcome": "reached", "confirm": "yes"}
    codes = {
        name: {outsider.get(where).status_code, outsider.post(where, form).status_code}
        for name, where in ((name, address(name, **known)) for name in OF_ONE_CLINIC)
    }
    assert {name: found for name, found in codes.items() if not found <= {404, 405}} == {}
    assert everything_stored() == before


WHO = {
    "administrators": {"administrator"},
    "clinicians, administrators": {"clinician", "administrator"},
    "coordinators, clinicians, administrators": {"coordinator", "clinician", "administrator"},
    "auditors, administrators": {"auditor", "administrator"},
}
"""What docs/reference.md says of who may open a route, where that is not everybody on the staff."""
TYPED = {
    "name": "Test Patient",
    "email": "n@clinic.example",
    "role": "auditor",
    "next_person": "1",
    "scopes": "courses:read",
    "per_minute": "9",
}


def kept_for() -> dict[str, set[str]]:
    """Route -> the roles that it is kept for, by the reference; the rest are for all staff, or public."""
    text = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| `(/[^`]*)` \| ([^|]+?) \|", text, re.MULTILINE))
    paths = {
        name: "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(route.pattern))
        for name, route in zip(NAMES, ROUTES, strict=True)
    }
    return {name: WHO[said[path]] for name, path in paths.items() if said[path] in WHO}


def test_a_route_that_is_kept_for_some_roles_lets_the_others_change_nothing(
    clinic: Clinic, patient: Patient
) -> None:
    known = objects(patient) | {"act": "close"}
    kept = kept_for()
    assert {"staff", "staff-change", "patient-forget", "contactability", "on-call-remove"} <= set(kept)
    someone = make_staff(clinic, "someone@clinic.example")
    browser = Client()
    browser.force_login(someone)
    before = everything_stored()
    for role in Staff.Role.values:
        Staff.objects.filter(pk=someone.pk).update(role=role)
        for name in (name for name in kept if role not in kept[name]):
            assert browser.post(address(name, **known), TYPED).status_code in {302, 403, 405}, (role, name)
            assert browser.get(address(name, **known)).status_code in {403, 405}, (role, name)
    Staff.objects.filter(pk=someone.pk).update(role=Staff.Role.COORDINATOR)
    assert everything_stored() == before
    Staff.objects.filter(pk=someone.pk).update(role=Staff.Role.ADMINISTRATOR)
    for name in kept:
        assert browser.get(address(name, **known)).status_code in {200, 405}, name


def test_it_opens_its_own_clinic_s_pages(pages: Client, patient: Patient, coordinator: Staff) -> None:
    """The set-up of the test above, with the owner: there it could otherwise pass for the wrong reason."""
    known = objects(patient)
    with_app(coordinator)
    pages.force_login(coordinator)
    asked = {"lexicon-decide": {"change": known["change_id"]}}
    codes = {
        name: pages.get(address(name, **known), asked.get(name, {})).status_code
        for name in sorted(SIGNED_IN, key=lambda name: name == "sign-out")
    }
    # A coordinator neither erases nor invites nor reads the audit; the test above opens these for those who
    # do. Without a passkey there is none to confirm with.
    others = {
        "patient-forget": 403,
        "staff": 403,
        "keys": 403,
        "audit": 403,
        "sequence-step": 403,
        "mfa_reauthenticate_webauthn": 302,
    }
    assert {name: code for name, code in codes.items() if code not in {200, 405}} == others


def test_it_refuses_a_form_without_its_token(strict: Client, patient: Patient) -> None:
    known = objects(patient)
    before = everything_stored()
    form = {"outcome": "reached", "confirm": "yes", "action": "enroll"}
    codes = {name: strict.post(address(name, **known), form).status_code for name in SIGNED_IN}
    assert {name: code for name, code in codes.items() if code not in {403, 405}} == {}
    assert everything_stored() == before


def test_it_lists_only_the_clinic_s_own_patients(stranger: Staff, patient: Patient, clinic: Clinic) -> None:
    outsider = Client()
    outsider.force_login(stranger)
    for where in ("/", "/patients", "/today/going-out", "/call-list", "/messages/unsent"):
        assert "Test Patient" not in outsider.get(where).content.decode(), where


def test_it_shows_a_plain_page_for_an_unknown_address(client: Client, db: None) -> None:
    answer = client.get("/nothing-here")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_it_says_it_is_alive(client: Client) -> None:
    assert json.loads(client.get("/healthz").content) == {"alive": True}
