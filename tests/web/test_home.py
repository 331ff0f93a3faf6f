"""The first page: what needs a person, what goes out, and how much it asks of the database."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.models import Alert, ChannelState, Clinic, Installation, Message, Patient
from campaigns.services.examine import examine
from tests.factories import NOON
from tests.web import cast


def text(client: Client, address: str = "/") -> str:
    return client.get(address).content.decode()


def test_it_greets_a_new_clinic_with_a_way_to_begin(pages: Client) -> None:
    page = text(pages)
    assert "No patients yet." in page
    assert "No open alerts." in page
    assert "Nothing is planned." in page


def test_it_shows_patients_with_their_next_visit_and_message(pages: Client, patient: Patient) -> None:
    page = text(pages)
    assert "Test Patient" in page
    assert "Thu Nov 12, 2:00 pm" in page
    assert "العربية · Arabic" in page


def test_it_lists_the_most_urgent_alert_first(pages: Client, patient: Patient) -> None:
    for urgency in ("routine", "emergency", "urgent"):
        Alert.objects.create(
            clinic=patient.clinic,
            patient=patient,
            urgency=urgency,
            rule="free_text",
            opened_at=patient.created_at,
        )
    page = text(pages)
    places = [page.index(words) for words in ("<b>Emergency", "<b>Urgent", "<b>When you can")]
    assert places == sorted(places)
    assert '<b class="count">3</b>' in page


def test_it_says_why_messages_did_not_go_and_folds_what_was_meant(pages: Client, patient: Patient) -> None:
    late, moved = Message.objects.filter(patient=patient, state="planned")[:2]
    for message, reason in ((late, "expired"), (moved, "visit_moved")):
        message.state, message.reason, message.settled_at = "skipped", reason, NOON
        message.save(update_fields=["state", "reason", "settled_at"])
    page = text(pages)
    assert page.index("It was too late to be of use.") < page.index("<details>")
    assert page.index("The visit was moved") > page.index("<details>")


def test_it_names_the_patients_by_whose_own_clock_nothing_can_go(pages: Client, patient: Patient) -> None:
    assert "time zone" not in text(pages)
    Patient.objects.filter(pk=patient.pk).update(time_zone="Pacific/Auckland")
    assert "time zone" not in text(pages)
    Patient.objects.filter(pk=patient.pk).update(time_zone="Mars/Olympus")
    told, _, _ = text(pages).partition('<section class="card"')
    assert "The time zone of these patients does not exist" in told
    assert f"/patients/{patient.pk}" in told
    [found] = [one for one in examine() if "time zone" in one.what]
    assert found.level == "warning"
    assert "1 of its patients with a time zone that does not exist (Mars/Olympus)" in found.what
    assert "Test Patient" not in str(found)


def test_it_says_on_each_page_that_the_demo_reaches_nobody(pages: Client, clinic: Clinic) -> None:
    assert "no message leaves this machine" not in text(pages)
    Clinic.objects.filter(pk=clinic.pk).update(is_demo=True)
    for address in ("/", "/alerts", "/patients/new"):
        assert "no message leaves this machine" in text(pages, address)


def test_it_pauses_and_resumes_all_sending(pages: Client) -> None:
    pages.post("/sending/pause")
    assert Installation.objects.get(pk=1).paused
    assert "Sending is paused" in text(pages)
    pages.post("/sending/resume")
    assert not Installation.objects.get(pk=1).paused


def test_it_asks_the_database_the_same_few_questions_for_any_number_of_patients(
    pages: Client, clinic: Clinic, patient: Patient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for last in range(3):
        cast.new_patient(clinic, phone=f"+1604555012{last}")
    with django_assert_max_num_queries(21):  # four of them put the look on record
        pages.get("/")


@pytest.mark.parametrize(
    ("channel", "why", "said"),
    [
        ("sms", "provider_config", "refuses our account"),
        ("email", "provider_down", "does not answer or asks us to wait"),
    ],
)
def test_it_says_that_a_channel_takes_nothing_and_since_when(
    pages: Client, clinic: Clinic, channel: str, why: str, said: str
) -> None:
    assert "are not going out" not in text(pages)
    shut = {"failures": 5, "since": NOON, "shut_until": NOON, "why": why}
    ChannelState.objects.create(clinic=clinic, channel=channel, **shut)
    page = text(pages)
    assert ("Texts" if channel == "sms" else "E-mails") + " are not going out." in page
    assert said in page
    assert "1:00 pm" in page
