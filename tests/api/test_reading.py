"""Who may read what: keys, scopes, clinics, pages; and what every refusal looks like."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from ninja.operation import Operation

from campaigns.api import app, asking
from campaigns.api.reasons import REASONS
from campaigns.domain.errors import NotAllowed
from campaigns.domain.lifecycle import Reason
from campaigns.domain.scopes import SCOPES
from campaigns.models import Alert, Answer, ApiKey, AuditEntry, Clinic, Message, Reply, Visit
from campaigns.services import api_keys, endpoints
from campaigns.services.compose import token_hash
from campaigns.services.escalate import open_alert
from campaigns.web import words
from tests.api.caller import Caller, caller
from tests.factories import NOON, make_patient, make_staff, set_now
from tests.house.sources import ROOT

NOWHERE = "https://203.0.113.7/hook"
"""An address of nobody's (RFC 5737)."""
DOCUMENT: dict[str, Any] = json.loads(app.description())
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def _scope(operation: Operation) -> str:
    [key] = operation.auth_callbacks
    assert isinstance(key, asking.Key)
    return key.scope


SCOPE_OF = {
    operation.view_func.__name__: _scope(operation)
    for bound in app.api._get_bound_routers()
    for view in bound.path_operations.values()
    for operation in view.operations
}


def told(visit: Visit, provider_id: str = "SM1") -> Answer:
    """An answer of the patient, and an alert about it."""
    message = visit.course.patient.messages.first()
    assert message
    reply = Reply.objects.create(
        provider_id=provider_id,
        clinic_id=message.clinic_id,
        patient=visit.course.patient,
        channel="sms",
        body="9, very bad",
        received_at=NOON,
        parser_version="1",
        outcome="answer",
    )
    open_alert(
        clinic=message.clinic,
        reply=reply,
        patient=reply.patient,
        urgency="urgent",
        rule="high pain",
        matched=["very bad"],
        now=NOON,
    )
    return Answer.objects.create(
        reply=reply,
        patient=visit.course.patient,
        message=message,
        question="pain",
        value="9",
        answered_at=NOON,
    )


def ids(visit: Visit) -> dict[str, Any]:
    """A real thing of the clinic for every id in a path."""
    endpoint = endpoints.create(visit.course.patient.clinic_id, NOWHERE, ["alert"], by="test")
    answer = told(visit)
    enrollment = visit.course.enrollments.get()
    return {
        "patient_id": visit.course.patient_id,
        "course_id": visit.course_id,
        "visit_id": visit.pk,
        "enrollment_id": enrollment.pk,
        "message_id": answer.message_id,
        "answer_id": answer.pk,
        "alert_id": Alert.objects.get().pk,
        "endpoint_id": endpoint.pk,
        "channel": "sms",
    }


BODIES: dict[str, object] = {
    "search_patients": {"phone": "604-555-0101"},
    "change_patient": {"language": "ar"},
    "pause_patient": {"why": "away"},
    "end_patient": {"status": "left"},
    "put_contact_point": {"address": "604-555-0102"},
    "record_consent": {"channel": "sms", "action": "withdrawn", "source": "phone", "evidence": "said so"},
    "move_visit": {"date": "2026-11-20", "time": "10:00"},
    "stop": {"why": "mistake"},
    "acknowledge_alert": {"by": "coordinator@clinic.example"},
    "close_alert": {"by": "coordinator@clinic.example", "outcome": "reached"},
    "create_patient": {"given_name": "Test", "language": "en-CA"},
    "create_endpoint": {"url": NOWHERE, "events": ["alert"]},
}


def body_of(operation: dict[str, Any], known: dict[str, Any]) -> object:
    """A body that the operation takes, about what is known."""
    name = operation["operationId"]
    if name == "open_course":
        return {"patient": str(known["patient_id"])}
    if name == "book_visit":
        return {"course": str(known["course_id"]), "kind": "session", "date": "2026-12-01", "time": "10:00"}
    if name == "enroll":
        return {"course": str(known["course_id"]), "sequence": "welcome"}
    return BODIES.get(name)


NAMES_NOTHING = {"list_endpoints", "list_sequences", "create_patient", "create_endpoint", "search_patients"}
"""Operations whose address and body name no row."""


def paths(known: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation with real ids in its path."""
    return [
        (method, path.removeprefix("/api/v1/").format(**known), operation)
        for method, path, operation in OPERATIONS
    ]


def test_nobody_gets_in_without_a_key_or_with_one_for_something_else(
    clinic: Clinic, program: Caller, visit: Visit
) -> None:
    known = ids(visit)
    nobody, forger = Caller(""), Caller("cmp_" + "x" * 43)
    revoked = caller(clinic)
    without = {scope: caller(clinic, *(one for one in SCOPES if one != scope)) for scope in SCOPES}
    call_command("revoke_api_key", revoked.secret[:12], "--by", "test")
    for method, path, operation in paths(known):
        body = body_of(operation, known)
        for one in (nobody, forger, revoked):
            assert one.ask(method, path, body)[0] == 401, path
            assert one.last.headers["WWW-Authenticate"] == "Bearer"
        scope = SCOPE_OF[operation["operationId"]]
        status, refused = without[scope].ask(method, path, body)
        assert (status, refused["detail"]) == (403, f"This key lacks the scope {scope}."), path
        assert without[scope].last.headers["Content-Type"] == "application/problem+json"
    assert set(SCOPE_OF.values()) == set(SCOPES)


def test_what_belongs_to_another_clinic_does_not_exist(
    program: Caller, stranger: Caller, visit: Visit
) -> None:
    known = ids(visit)
    make_staff(visit.course.patient.clinic)
    before = [row.pk for row in AuditEntry.objects.all()]
    for method, path, operation in paths(known):
        status, document = stranger.ask(method, path, body_of(operation, known))
        if "{" in next(p for m, p, o in OPERATIONS if o is operation):
            assert status == 404, (method, path, document)
        elif method == "GET" and operation["operationId"] != "list_sequences":
            assert document["items"] == [], path
        elif operation["operationId"] not in NAMES_NOTHING:
            assert status == 404, (method, path, document)
    assert not AuditEntry.objects.exclude(pk__in=before).filter(object__contains=str(visit.pk)).exists()
    assert Message.objects.filter(patient=visit.course.patient, state="planned").count() > 0
    # The same with the owner: there the others could pass for the wrong reason.
    for method, path, _ in paths(known):
        if method == "GET":
            document = program.get(path)
            assert document.get("items", True), path


def test_it_shows_a_patient_with_why_a_message_did_not_go(program: Caller, visit: Visit) -> None:
    patient = visit.course.patient
    told(visit)
    shown = program.get(f"patients/{patient.pk}")
    assert (shown["given_name"], shown["language"], shown["status"]) == ("Test", "en-CA", "active")
    points = program.get(f"patients/{patient.pk}/contact-points")["items"]
    assert {point["channel"]: point["address"] for point in points}["sms"] == "+16045550101"
    [found] = program.post("patients/search", {"phone": "(604) 555-0101"})["items"]
    assert found["id"] == str(patient.pk)
    assert program.post("patients/search", {})["items"] == []
    program.post(f"visits/{visit.pk}/cancel")
    [enrollment] = program.get(f"enrollments?patient={patient.pk}")["items"]
    line = program.get(f"enrollments/{enrollment['id']}/timeline")["items"]
    assert {(one["state"], one["why"]) for one in line} == {("cancelled", "The visit was cancelled.")}
    assert program.get("messages?state=planned")["items"] == []
    assert not {"body", "subject", "stated"} & set(program.get("messages")["items"][0])
    [alert] = program.get("alerts?state=open")["items"]
    assert "very bad" not in json.dumps(alert)
    assert [one["value"] for one in program.get(f"answers?patient={patient.pk}")["items"]] == ["9"]
    looks = AuditEntry.objects.filter(action="looked_at", actor__startswith="key cmp_")
    assert {entry.detail["page"] for entry in looks} >= {"api patient", "api messages", "api alerts"}


def test_a_list_asks_the_database_the_same_few_questions_for_any_number_of_rows(
    program: Caller, clinic: Clinic, visit: Visit
) -> None:
    told(visit)
    lists = [path for method, path, _ in OPERATIONS if method == "GET" and "{" not in path]

    def asked() -> dict[str, int]:
        found = {}
        for path in lists:
            # The first look is put on record; the second is what a program that goes on asking costs.
            program.get(path.removeprefix("/api/v1/"))
            with CaptureQueriesContext(connection) as queries:
                program.get(path.removeprefix("/api/v1/"))
            found[path] = len(queries)
        return found

    few = asked()
    for number in range(4):
        told_of = make_patient(clinic, phone=f"+1604555013{number}", email="").course.visits.get()
        told(told_of, provider_id=f"SM-{number}")
    assert asked() == few
    assert max(few.values()) <= 5


def test_pages_lose_and_repeat_nothing_while_rows_come_in(program: Caller, clinic: Clinic) -> None:
    for number in range(9):
        set_now(NOON + timedelta(minutes=min(number, 7)))
        make_patient(clinic, phone=f"+1604555012{number}", email="", visits=[])
    seen: list[str] = []
    after: str | None = ""
    while after is not None and len(seen) < 20:
        found = program.get(f"patients?limit=2&cursor={after}")
        seen += [row["id"] for row in found["items"]]
        if len(seen) == 4:
            set_now(NOON + timedelta(hours=1))
            make_patient(clinic, phone="+16045550140", email="", visits=[])
        after = found["next"]
    assert len(seen) == len(set(seen)) == 10
    cursor = program.get("patients?limit=2")["next"]
    assert program.ask("GET", f"messages?cursor={cursor}")[0] == 422
    assert program.ask("GET", "patients?cursor=x")[0] == 422
    assert program.ask("GET", "messages?settled_after=0.5")[0] == 400
    assert program.get("messages?settled_after=2026-11-02T20:00:00Z") == {"items": [], "next": None}
    assert program.ask("GET", "patients?limit=0")[0] == 400


def test_a_refusal_is_a_problem_document_that_repeats_nothing(program: Caller, visit: Visit) -> None:
    status, document = program.ask("POST", "patients", {"given_name": "Zorbat", "langage": "Zorbat"})
    assert (status, document["status"], document["title"]) == (400, 400, "The request cannot be read")
    assert {one["where"] for one in document["errors"]} == {"body.language", "body.langage"}
    assert "Zorbat" not in json.dumps(document)
    for method, path, status in (
        ("GET", "nothing", 404),
        ("GET", f"patients/{visit.pk}", 404),
        ("GET", "patients/x", 400),
        ("DELETE", "patients", 405),
        ("POST", "patients", 400),
    ):
        found, document = program.ask(method, path, None)
        assert (found, document["status"], document["type"]) == (status, status, "about:blank"), path
        assert program.last.headers["Content-Type"] == "application/problem+json"
    assert program.ask("POST", "patients", {"given_name": "x" * 300_000})[0] == 413
    assert program.client.get("/api/v1/openapi.json").json() == DOCUMENT


def test_a_database_that_is_away_is_said_as_a_problem_too(
    program: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(secret: str) -> None:
        raise OperationalError("gone")

    def broken(secret: str) -> None:
        raise RuntimeError("+16045550101")

    monkeypatch.setattr(asking, "admit", away)
    assert program.ask("GET", "patients")[0] == 503
    assert program.last.headers["Retry-After"] == "30"
    monkeypatch.setattr(asking, "admit", broken)
    status, document = program.ask("GET", "patients")
    assert status == 500
    assert "0101" not in json.dumps(document)


def test_a_key_is_shown_once_and_asks_so_often_and_no_more(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command(
        "create_api_key",
        "--name",
        "front desk",
        "--scope",
        "sequences:read",
        "--per-minute",
        "3",
        "--by",
        "Kim",
    )
    secret = capsys.readouterr().out.strip()
    key = ApiKey.objects.get()
    assert secret not in json.dumps(ApiKey.objects.values().get(), default=str)
    assert key.digest == token_hash(secret)
    slow = Caller(secret)
    assert [slow.ask("GET", "sequences")[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert 1 <= int(slow.last.headers["Retry-After"]) <= 40
    ApiKey.objects.update(left_at=timezone.now() - timedelta(seconds=45))
    assert slow.ask("GET", "sequences")[0] == 200
    call_command("list_api_keys")
    listed = capsys.readouterr().out
    assert key.prefix in listed
    assert "never used" not in listed
    assert secret not in listed
    actions = AuditEntry.objects.filter(object=f"api_key {key.pk}").values_list("action", "actor")
    assert list(actions) == [("api_key_created", "Kim")]
    with pytest.raises(NotAllowed):
        api_keys.create(clinic, "x", ["patients:everything"], by="Kim")


def test_every_reason_is_said_as_the_staff_pages_say_it() -> None:
    assert {reason.value for reason in Reason} == set(REASONS)
    assert {str(reason): str(said) for reason, said in words.REASONS.items()} == REASONS


def test_the_description_that_is_kept_is_the_one_that_is_served() -> None:
    kept = (ROOT / "docs/openapi.json").read_text(encoding="utf-8")
    assert kept == app.description(), "keep anew what /api/v1/openapi.json serves"
