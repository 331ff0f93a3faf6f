"""What a patient may ask of the clinic, on the pages: their data, to be forgotten; and who is in care."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from campaigns.models import AuditEntry, Clinic, Message, Patient, Staff
from campaigns.queries import calls, clock
from campaigns.services.send import drain
from tests.factories import make_staff, set_now
from tests.web import cast
from tests.web.chart_steps import change, looked
from tests.web.test_enroll_page import send


@pytest.fixture
def clinician(clinic: Clinic) -> Client:
    """A browser with a clinician signed in."""
    staff = make_staff(clinic, "doctor@clinic.example")
    Staff.objects.filter(pk=staff.pk).update(role=Staff.Role.CLINICIAN)
    client = Client()
    client.force_login(staff)
    return client


def test_only_who_may_takes_a_patient_s_data_away(
    pages: Client, clinician: Client, patient: Patient, stranger: Staff
) -> None:
    where = f"/patients/{patient.pk}/export"
    assert where not in pages.get(f"/patients/{patient.pk}").content.decode()
    assert pages.post(where).status_code == 403
    assert not AuditEntry.objects.filter(action="patient_exported").exists()
    assert where in clinician.get(f"/patients/{patient.pk}").content.decode()
    answer = clinician.post(where)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert json.loads(answer.content)["patient"][0]["given_name"] == "Test"
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.actor) == ("patient_exported", "doctor@clinic.example")


def test_a_patient_is_forgotten_only_when_the_name_is_typed(
    pages: Client, clinician: Client, patient: Patient, clinic: Clinic
) -> None:
    where = f"/patients/{patient.pk}/forget"
    cast.new_patient(clinic, language="en-CA", phone="+16045550111")  # a household with one mailbox and phone
    page = clinician.get(where).content.decode()
    assert "3 visits are still booked" in page
    assert page.count("1 other patient has the same.") == 2
    assert pages.post(where, {"name": "Test Patient"}).status_code == 403
    for name in ("", "Test", "Test Patient 2"):
        assert "Nothing was erased" in clinician.post(where, {"name": name}).content.decode()
    assert not Patient.objects.exclude(forgotten_at=None).exists()
    told = clinician.post(where, {"name": " test  PATIENT"}, follow=True).content.decode()
    assert told.count("it stays theirs") == 2
    patient.refresh_from_db()
    assert (patient.forgotten_at, patient.full_name) == (clock.now(), "\u2013")
    page = clinician.get(f"/patients/{patient.pk}").content.decode()
    assert "data were erased" in page
    assert "Erase the patient" not in page
    for listing in ("/", "/patients"):
        assert str(patient.pk) not in clinician.get(listing).content.decode()
    assert "erased" in clinician.post(where, {"name": "\u2013"}, follow=True).content.decode()


@pytest.mark.parametrize("status", ["deceased", "left"])
def test_who_has_died_or_left_is_written_to_no_more_and_by_mistake_comes_back(
    pages: Client, patient: Patient, clinic: Clinic, status: str
) -> None:
    where = f"/patients/{patient.pk}/status?status={status}"
    waiting = Message.objects.filter(patient=patient, state="planned")
    before = {row.pk: row.send_at for row in waiting}
    asked = cast.question(patient)
    change(pages, where, {"status": status})
    assert not waiting.all().exists()
    # What is planned all the same, and an answer to what the family writes, stops at the gate.
    Message.objects.filter(pk=min(before)).update(state="planned", due_at=clock.now(), enrollment=None)
    Message.objects.filter(pk=asked.pk).update(
        state="planned", sent_at=None, purpose="auto_reply", due_at=clock.now()
    )
    drain()
    stopped = {"deceased": "patient_deceased_or_merged", "left": "patient_left"}[status]
    for pk in (min(before), asked.pk):
        assert Message.objects.values_list("state", "reason").get(pk=pk) == ("skipped", stopped)
    Message.objects.filter(pk=asked.pk).update(
        state="accepted",
        purpose="step",
        sent_at=cast.evening(cast.on(-5)),
        expires_at=cast.evening(cast.on(-4)),
    )
    assert calls.call_list(clinic, clock.now()) == calls.CallList([], [], 0, 0)
    assert "says so already" in looked(pages, where, {"status": status})[0]
    change(pages, where, {"status": "active"})
    assert sorted(row.send_at for row in waiting.all()) == sorted(before.values())
    assert calls.call_list(clinic, clock.now()).today != []
    pages.post(where, {"status": "unheard of", "confirm": "yes"})
    patient.refresh_from_db()
    assert patient.status == "active"
    last = AuditEntry.objects.filter(action="patient_status").latest("seq")
    assert (last.detail, last.actor) == ({"status": "active"}, "robin@clinic.example")


def test_each_page_with_a_patient_on_it_says_who_looked(
    pages: Client, patient: Patient, clinic: Clinic
) -> None:
    day = cast.first_visit(patient).on_date
    mail, visit = cast.sent_mail(patient), cast.first_visit(patient)
    looked: dict[str, str] = {
        "/": "home",
        f"/readiness?day={day}": "readiness",
        f"/patients/{patient.pk}": "patient",
        f"/messages/{mail.pk}/html": "mail",
    }
    for path, page in looked.items():
        before = AuditEntry.objects.count()
        assert pages.get(path).status_code == 200
        entry = AuditEntry.objects.latest("seq")
        assert (AuditEntry.objects.count(), entry.action) == (before + 1, "looked_at"), path
        assert entry.detail == {"page": page, "patients": [str(patient.pk)]}
    before = AuditEntry.objects.count()
    for path in (*looked, f"/patients/{patient.pk}/consent", f"/visits/{visit.pk}/move"):
        pages.get(path)
    assert AuditEntry.objects.count() == before
    assert pages.get("/patients/00000000-0000-0000-0000-000000000001").status_code == 404
    assert AuditEntry.objects.count() == before


def test_staff_see_that_a_number_is_another_patient_s_too(
    pages: Client, patient: Patient, clinic: Clinic
) -> None:
    assert "has the same" not in pages.get(f"/patients/{patient.pk}").content.decode()
    far = cast.new_clinic("Far Clinic")
    other = cast.new_patient(far, phone="+16045550111")
    other.contact_points.filter(channel="email").delete()
    set_now(clock.now())
    page = pages.get(f"/patients/{patient.pk}").content.decode()
    assert page.count("1 other patient has the same.") == 1
    assert str(other.pk) not in page


def test_who_enrolls_sees_that_a_number_or_mailbox_is_another_patient_s_too(
    pages: Client, patient: Patient
) -> None:
    assert "has the same" not in send(pages, "preview")
    page = send(pages, "preview", phone="604 555 0111", email="PATIENT@patients.example")
    assert "1 other patient has the same number." in page
    assert "1 other patient has the same e-mail address." in page
