"""What programs write: once however often it is sent, rehearsed first, by the same services as the pages."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.models import (
    Alert,
    ApiAnswer,
    AuditEntry,
    Clinic,
    Consent,
    ContactPoint,
    Course,
    Enrollment,
    Message,
    Patient,
    PatientReference,
    Visit,
)
from campaigns.models.encryption import blind_index
from campaigns.services import consent, outbox
from campaigns.services.escalate import open_alert
from campaigns.services.forget import forget
from campaigns.services.record import broken_link
from campaigns.services.send import send_batch
from tests.api.caller import Caller, caller
from tests.factories import NOON, make_clinic, make_staff, set_now

PERSON: dict[str, Any] = {
    "given_name": "Amandeep",
    "family_name": "Test",
    "language": "fr-CA",
    "time_zone": "America/Toronto",
    "reference": "MRN-7",
    "contact_points": [
        {
            "channel": "sms",
            "address": "604-555-0161",
            "agreed": {"source": "in_person", "evidence": "signed the form"},
        },
        {"channel": "email", "address": "amandeep@patients.example"},
    ],
}


def states(patient_id: UUID) -> dict[str, int]:
    """How many messages of a patient are in each state."""
    found: dict[str, int] = {}
    for state in Message.objects.filter(patient=patient_id).values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def test_what_staff_could_say_of_a_patient_is_sealed_and_comes_back(program: Caller, clinic: Clinic) -> None:
    patient = program.post("patients", {**PERSON, "interpreter_language": "Saraiki"}, 201)["id"]
    row = Patient.objects.get(pk=patient)
    assert (row.interpreter, row.interpreter_language) == ("Saraiki", "")
    assert program.get(f"patients/{patient}")["interpreter_language"] == "Saraiki"
    lines = program.get(f"patients/{patient}/consents")["items"]
    assert {line["evidence"] for line in lines} == {"signed the form"}
    assert not Consent.objects.exclude(evidence="").exists()


def test_a_program_takes_a_patient_through_a_course(program: Caller, clinic: Clinic) -> None:
    patient = program.post("patients", PERSON, 201)["id"]
    row = Patient.objects.get(pk=patient)
    assert (row.given_name, row.language, row.time_zone) == ("Amandeep", "fr-CA", "America/Toronto")
    assert consent.granted(row, "sms") == set(consent.EVERY_TOPIC)  # type: ignore[arg-type]
    assert consent.granted(row, "email") == set()  # type: ignore[arg-type]
    assert program.post("patients/search", {"reference": "mrn-7"})["items"][0]["id"] == patient
    assert program.ask("POST", "patients", {**PERSON, "given_name": "Other"})[0] == 409

    course = {
        "patient": patient,
        "visits": [{"kind": "session", "date": "2026-11-16", "time": "14:00"}],
        "sequences": ["pretreatment"],
    }
    rehearsed = program.post("courses?dry_run=true", course)
    assert rehearsed["dry_run"]
    assert len(rehearsed["effects"]) == sum(rehearsed["changes"][name] for name in ("planned", "skipped"))
    assert {one["message"] for one in rehearsed["effects"]} == {None}
    assert not Course.objects.exists()
    made = program.post("courses", course, 201)
    assert made["changes"] == rehearsed["changes"]
    assert made["effects"] is None
    stored = program.get(f"messages?patient={patient}")["items"]
    assert sorted((m["step"], m["send_at"]) for m in stored) == sorted(
        (m["step"], m["send_at"]) for m in rehearsed["effects"]
    )

    shown = program.get(f"courses/{made['id']}")
    [visit] = shown["visits"]
    assert (visit["date"], visit["time"], visit["version"]) == ("2026-11-16", "14:00", 1)
    moved = program.post(f"visits/{visit['id']}/move?dry_run=true", {"date": "2026-11-18", "time": "09:30"})
    assert moved["changes"]["planned"] > 0
    assert program.get(f"visits/{visit['id']}") == visit
    program.post(f"visits/{visit['id']}/move", {"date": "2026-11-18", "time": "09:30"})
    assert program.get(f"visits/{visit['id']}")["version"] == 2
    assert [v["id"] for v in program.get("visits?first=2026-11-18&last=2026-11-18")["items"]] == [visit["id"]]
    assert program.get("visits?first=2026-11-19")["items"] == []

    second = {"course": made["id"], "kind": "session", "date": "2026-12-09", "time": "09:30"}
    later = program.post("visits", second, 201)["id"]
    assert program.get(f"visits/{later}")["number"] == 2
    program.post(f"visits/{visit['id']}/no-show")
    program.post(f"visits/{visit['id']}/complete")
    status, refused = program.ask("POST", f"visits/{visit['id']}/cancel")
    assert (status, refused["detail"]) == (422, "This visit is already completed.")

    stop_and_go_on(program, made["id"])
    program.post(f"courses/{made['id']}/complete")
    assert program.ask("POST", "visits", second)[0] == 409
    assert broken_link() is None
    assert AuditEntry.objects.filter(actor__startswith="key cmp_", action="visit_moved").count() == 1


def stop_and_go_on(program: Caller, course: str) -> None:
    """Let a course follow a sequence, stop, and follow it again."""
    wanted = {"course": course, "sequence": "aftercare"}
    added = program.post("enrollments", wanted, 201)
    assert added["changes"]["planned"] > 0
    assert program.ask("POST", "enrollments", wanted)[0] == 409
    assert program.ask("POST", "enrollments", {**wanted, "sequence": "no"})[0] == 422
    stopped = program.post(f"enrollments/{added['id']}/stop?dry_run=true", {"why": "patient_asked"})
    assert {one["reason"] for one in stopped["effects"]} == {"enrollment_stopped"}
    program.post(f"enrollments/{added['id']}/stop", {"why": "patient_asked"})
    assert Enrollment.objects.get(pk=added["id"]).reason == "patient_asked"
    assert program.post("enrollments", wanted, 201)["id"] == added["id"]


def test_a_program_changes_how_a_patient_is_written_to(program: Caller, visit: Visit) -> None:
    patient = visit.course.patient
    path = f"patients/{patient.pk}"
    assert program.ask("PATCH", path, {"language": "ar", "time_zone": "Mars/Olympus"})[0] == 422
    assert Patient.objects.get(pk=patient.pk).language == "en-CA"
    half = {"language": "tlh", "time_zone": "America/Toronto"}
    assert program.ask("PATCH", path, half, **{"Idempotency-Key": ""})[0] == 422
    assert Patient.objects.get(pk=patient.pk).time_zone == ""
    program.ask("PATCH", path, {"language": "ar", "time_zone": "America/Toronto"})
    shown = program.get(path)
    assert (shown["language"], shown["time_zone"]) == ("ar", "America/Toronto")

    program.post(f"{path}/pause", {"until": "2026-11-30T12:00:00-07:00", "why": "away"})
    assert program.get(path)["status"] == "paused"
    last = Message.objects.filter(patient=patient).latest("send_at")
    set_now(last.send_at)
    assert send_batch().tried == 0
    set_now(NOON)
    assert program.ask("POST", f"{path}/pause", {"until": "2026-11-01T12:00:00Z", "why": "away"})[0] == 409
    assert program.ask("POST", f"{path}/pause", {"why": "because she said so"})[0] == 400
    program.post(f"{path}/resume")

    program.ask("PUT", f"{path}/contact-points/sms", {"address": "604-555-0177"})
    assert program.last.status_code == 200
    ledger = program.get(f"{path}/consents")["items"]
    assert {(line["action"], line["source"]) for line in ledger if line["channel"] == "sms"} == {
        ("granted", "enrollment"),
        ("withdrawn", "address_changed"),
    }
    told = {"channel": "sms", "action": "granted", "source": "phone", "evidence": "said yes on Monday"}
    program.post(f"{path}/consents", told, 201)
    assert consent.granted(patient, "sms") == set(consent.EVERY_TOPIC)  # type: ignore[arg-type]
    program.post(f"{path}/consents", {**told, "action": "withdrawn"}, 201)
    points = program.get(f"{path}/contact-points")["items"]
    assert {point["channel"]: point["opted_out"] for point in points} == {"sms": True, "email": False}
    assert program.ask("POST", f"{path}/consents", {**told, "evidence": ""})[0] == 400
    other = ContactPoint.objects.get(patient=patient, channel="sms")
    assert other.address_index == blind_index("+16045550177")

    program.post(f"{path}/leave", {"status": "left"})
    assert set(states(patient.pk)) == {"cancelled"}
    assert program.ask("POST", "visits", {
        "course": str(visit.course_id), "kind": "session", "date": "2026-12-01", "time": "10:00",
    })[0] == 409  # fmt: skip
    PatientReference.objects.create(patient=patient, clinic=patient.clinic, name="MRN-9", name_index="x")
    forget(patient.pk, by="test")
    assert not PatientReference.objects.exists()
    assert program.ask("GET", path)[0] == 404


def test_an_alert_is_taken_and_closed_by_a_named_person(
    program: Caller, clinic: Clinic, visit: Visit
) -> None:
    make_staff(clinic, "robin@clinic.example")
    make_staff(make_clinic(name="Far Clinic", approved=False), "kit@far.example")
    alert = open_alert(
        clinic=clinic,
        reply=None,
        patient=visit.course.patient,
        urgency="urgent",
        rule="x",
        matched=[],
        now=NOON,
    )
    path = f"alerts/{alert.pk}"
    assert program.ask("POST", f"{path}/acknowledge", {"by": "kit@far.example"})[0] == 422
    assert program.post(f"{path}/acknowledge", {"by": "Robin@clinic.example"})["acknowledged_by"] == (
        "robin@clinic.example"
    )
    assert (
        program.ask("POST", f"{path}/close", {"by": "robin@clinic.example", "outcome": "handed_on"})[0] == 409
    )
    closed = program.post(
        f"{path}/close", {"by": "robin@clinic.example", "outcome": "handed_on", "note": "to Dr. Example"}
    )
    assert (closed["outcome"], closed["closed_by"]) == ("handed_on", "robin@clinic.example")
    assert Alert.objects.get().note == "to Dr. Example"
    entries = AuditEntry.objects.filter(object=f"alert {alert.pk}", actor__startswith="key cmp_")
    assert [one.action for one in entries.order_by("seq")] == [
        "alert_acknowledged_by_key",
        "alert_closed_by_key",
    ]


def test_a_repeat_is_answered_as_the_first_and_does_nothing(program: Caller, clinic: Clinic) -> None:
    first = program.ask("POST", "patients", PERSON, **{"Idempotency-Key": "one"})
    turned = dict(reversed(PERSON.items()))
    again = program.ask("POST", "patients", turned, **{"Idempotency-Key": "one"})
    assert first[0] == 201
    assert again == first
    assert program.last.headers["Idempotent-Replayed"] == "true"
    assert Patient.objects.count() == 1
    other = program.ask("POST", "patients", {**PERSON, "language": "ar"}, **{"Idempotency-Key": "one"})
    assert other[0] == 422
    elsewhere = program.ask("POST", f"patients/{first[1]['id']}/resume", **{"Idempotency-Key": "one"})
    assert elsewhere[0] == 422
    assert program.ask("POST", "patients", PERSON, **{"Idempotency-Key": ""})[0] == 400
    # Another program has names of its own; and what was refused may be tried again under the same one.
    assert caller(clinic).ask("POST", "patients", PERSON, **{"Idempotency-Key": "one"})[0] == 409
    bad = {**PERSON, "reference": "", "language": "tlh"}
    assert program.ask("POST", "patients", bad, **{"Idempotency-Key": "two"})[0] == 422
    good = {**bad, "language": "ar"}
    assert program.ask("POST", "patients", good, **{"Idempotency-Key": "two"})[0] == 201
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(body, ' ') FROM api_answer")
        assert first[1]["id"] not in cursor.fetchone()[0]
    ApiAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    outbox.tell()
    assert not ApiAnswer.objects.exists()


@pytest.mark.usefixtures("committed")
def test_two_at_once_under_one_name_are_one() -> None:
    set_now(NOON)
    clinic = make_clinic()
    first = caller(clinic)
    together, found = Barrier(2), []

    def ask() -> None:
        together.wait(10)
        found.append(Caller(first.secret).ask("POST", "patients", PERSON, **{"Idempotency-Key": "both"}))
        connection.close()

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 2
    assert found[0] == found[1]
    assert found[0][0] == 201
    assert Patient.objects.count() == 1


def test_a_rehearsal_leaves_nothing_behind(program: Caller, visit: Visit) -> None:
    def stored() -> tuple[object, ...]:
        messages = Message.objects.order_by("pk").values_list("pk", "state", "send_at")
        acts = AuditEntry.objects.exclude(action="looked_at").count()
        return (
            *messages,
            acts,
            Consent.objects.count(),
            ApiAnswer.objects.count(),
            Visit.objects.get().state,
        )

    before = stored()
    for path, body in (
        (f"visits/{visit.pk}/cancel", None),
        (f"visits/{visit.pk}/move", {"date": "2026-11-24", "time": "08:15"}),
        (f"enrollments/{visit.course.enrollments.get().pk}/stop", {"why": "mistake"}),
    ):
        document = program.post(f"{path}?dry_run=true", body)
        assert document["effects"], path
        assert stored() == before
