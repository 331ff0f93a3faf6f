"""Why we can or cannot write to a patient: seen, told by phone, taken away as a list."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from campaigns.domain.recipients import Channel
from campaigns.models import AuditEntry, Clinic, Consent, ContactPoint, Patient, Staff, Suppression
from campaigns.services import addresses, consent
from tests.factories import NOON
from tests.web import cast
from tests.web.test_enroll_page import previewed, send


@pytest.fixture
def administrator(pages: Client, coordinator: Staff) -> Client:
    """The same browser, of somebody who may take lists away."""
    Staff.objects.filter(pk=coordinator.pk).update(role=Staff.Role.ADMINISTRATOR)
    return pages


def said(**changes: str) -> dict[str, str]:
    form = {"action": "withdrawn", "channel": "sms", "topic": "every", "way": "phone", "evidence": "rang us"}
    return {**form, **changes}


def tell(pages: Client, patient: Patient, **changes: str) -> str:
    answer = pages.post(f"/patients/{patient.pk}/consent", said(**changes), follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def stop_texts(patient: Patient) -> None:
    index = ContactPoint.objects.get(patient=patient, channel="sms").address_index
    consent.opt_out(index, Channel.SMS, source="reply", now=NOON)


def test_the_page_says_who_agreed_to_what_when_and_how(pages: Client, patient: Patient) -> None:
    stop_texts(patient)
    page = pages.get(f"/patients/{patient.pk}").content.decode()
    assert "Why we can or cannot write" in page
    assert "The patient asked us to stop on this channel." in page
    assert "by texting START" in page
    assert "said yes at the desk" in page
    line = Consent.objects.filter(patient=patient, action="granted")[0]
    assert line.wording_shown[:8] in page
    assert "in a reply" in page


def test_a_stop_told_by_phone_stops_the_number_at_once(pages: Client, patient: Patient) -> None:
    assert "Opted out" in tell(pages, patient)
    stop = Suppression.objects.get(lifted_at=None)
    assert (stop.channel, stop.source) == ("sms", "phone")
    line = Consent.objects.filter(patient=patient).latest("id")
    assert (line.action, line.by, line.proof) == ("withdrawn", "robin@clinic.example", "rang us")
    assert AuditEntry.objects.filter(action="consent_withdrawn", actor="robin@clinic.example").exists()
    assert "This address has opted out already." in tell(pages, patient)


def test_one_topic_told_in_person_is_one_line_of_the_ledger(pages: Client, patient: Patient) -> None:
    tell(pages, patient, topic="check_ins", way="in_person")
    line = Consent.objects.get(patient=patient, action="withdrawn")
    assert (line.topic, line.source) == ("check_ins", "in_person")
    assert not Suppression.objects.exists()
    assert "The patient had not agreed to this." in tell(pages, patient, topic="check_ins")


def test_staff_record_consent_with_its_evidence_and_lift_no_opt_out(pages: Client, patient: Patient) -> None:
    stop_texts(patient)
    tell(pages, patient, action="granted", topic="reminders", way="in_writing", evidence="letter of May 2")
    line = Consent.objects.filter(patient=patient).latest("id")
    assert (line.action, line.proof, bool(line.wording_shown)) == ("granted", "letter of May 2", True)
    assert Suppression.objects.filter(lifted_at=None).exists()


@pytest.mark.parametrize(
    "changes",
    [{"evidence": ""}, {"channel": "fax"}, {"topic": "money"}, {"action": ""}, {"way": "telepathy"}],
)
def test_nothing_is_recorded_without_all_that_the_record_needs(
    pages: Client, patient: Patient, changes: dict[str, Any]
) -> None:
    before = Consent.objects.count()
    page = tell(pages, patient, **changes)
    assert 'class="error"' in page
    assert (Consent.objects.count(), Suppression.objects.count()) == (before, 0)


def test_a_channel_without_an_address_takes_no_consent(pages: Client, patient: Patient) -> None:
    ContactPoint.objects.filter(patient=patient, channel="sms").delete()
    for action in ("granted", "withdrawn"):
        assert "There is no number or address for this channel." in tell(pages, patient, action=action)


def test_staff_take_a_paused_number_up_again(pages: Client, patient: Patient) -> None:
    point = ContactPoint.objects.get(patient=patient, channel="sms")
    addresses.pause(point.address_index, Channel.SMS, NOON)
    assert "Ask, then say so here." in pages.get(f"/patients/{patient.pk}").content.decode()
    french = pages.get(f"/patients/{patient.pk}", headers={"Accept-Language": "fr-CA"}).content.decode()
    assert "Demandez, puis indiquez-le ici." in french
    address = f"/patients/{patient.pk}/address/sms"
    assert "Saved." in pages.post(address, follow=True).content.decode()
    point.refresh_from_db()
    assert point.state == "good"
    assert AuditEntry.objects.get(action="address_confirmed").actor == "robin@clinic.example"
    again = pages.post(address, follow=True).content.decode()
    assert "This address is not paused." in again
    assert pages.post(f"/patients/{patient.pk}/address/fax").status_code == 404


def test_the_enroll_page_says_that_a_number_opted_out_and_it_stays_so(pages: Client) -> None:
    earlier = cast.new_patient(Clinic.objects.get(), phone="+16045550177")
    stop_texts(earlier)
    earlier.delete()
    assert "This number opted out:" in send(pages, "preview")
    pages.post("/patients/new", previewed(pages))
    again = Patient.objects.get()
    assert cast.granted(again, Channel.SMS)
    assert Suppression.objects.filter(lifted_at=None).exists()
    assert (
        "The patient asked us to stop on this channel." in pages.get(f"/patients/{again.pk}").content.decode()
    )


def test_an_administrator_takes_the_list_of_the_clinic_away(administrator: Client, patient: Patient) -> None:
    stranger = cast.new_patient(cast.new_clinic("Far Clinic"), phone="+16045550122")
    tell(administrator, patient, channel="email", topic="reminders", evidence="=cmd()")
    answer = administrator.post("/contactability")
    assert answer.headers["Content-Type"].startswith("text/csv")
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["patient"] for row in rows} == {str(patient.pk)}
    assert str(stranger.pk) not in text
    [row] = [row for row in rows if (row["channel"], row["topic"]) == ("email", "reminders")]
    assert (row["contactable"], row["reason"], row["action"]) == ("False", "opted_out", "withdrawn")
    assert (row["source"], row["by"], row["evidence"]) == ("phone", "robin@clinic.example", "'=cmd()")
    assert "patient@patients.example" not in text
    assert AuditEntry.objects.get(action="contactability_exported").actor == "robin@clinic.example"


def test_nobody_else_may(pages: Client, patient: Patient) -> None:
    assert pages.post("/contactability").status_code == 403
    assert (
        escape("Download this for every patient") not in pages.get(f"/patients/{patient.pk}").content.decode()
    )
    assert not AuditEntry.objects.filter(action="contactability_exported").exists()
