"""What a person puts right: whose words, and what an answer was. The old stays on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from campaigns.models import Alert, Answer, AnswerCorrection, AuditEntry, Clinic, Message, Patient, Reply
from campaigns.queries import clock
from campaigns.services.send import drain
from campaigns.services.take_in import Inbound, receive_sms
from campaigns.web.beside import time_left
from tests.factories import make_patient, set_now
from tests.web import cast

PHONE = "+16045550161"


@pytest.fixture
def answered(patient: Patient) -> Answer:
    return cast.answer(cast.question(patient), "4")


def correct(pages: Client, answer: Answer, value: str) -> str:
    return pages.post(f"/answers/{answer.pk}/correct", {"value": value}, follow=True).content.decode()


def test_a_corrected_answer_shows_what_it_was_and_who_said_so(pages: Client, answered: Answer) -> None:
    page = correct(pages, answered, "6")
    answered.refresh_from_db()
    one = AnswerCorrection.objects.get()
    assert (answered.value, one.was, one.became, one.by.email) == ("6", "4", "6", "robin@clinic.example")
    assert "<del>4</del> <ins>6</ins>" in page
    entry = AuditEntry.objects.get(action="answer_corrected")
    assert (entry.object, entry.detail) == (f"reply {answered.reply_id}", {})


def test_a_corrected_answer_opens_what_the_same_answer_opens(pages: Client, answered: Answer) -> None:
    correct(pages, answered, "9")
    assert [(a.rule, a.urgency, a.patient) for a in Alert.objects.all()] == [
        ("answer.pain_high", "urgent", answered.patient)
    ]


def test_what_was_no_answer_is_taken_away_and_stays_on_record(pages: Client, answered: Answer) -> None:
    page = correct(pages, answered, "none")
    assert not Answer.objects.exists()
    assert "<del>4</del> <ins>no answer</ins>" in page
    assert Reply.objects.get().outcome == "alert"


@pytest.mark.parametrize("value", ["", "11", "yes", "4", "<b>"])
def test_nothing_changes_for_what_is_no_answer_or_the_same(
    pages: Client, answered: Answer, value: str
) -> None:
    page = correct(pages, answered, value)
    assert 'class="flash error"' in page
    assert Answer.objects.get().value == "4"
    assert not AnswerCorrection.objects.exists()


def test_a_late_answer_is_shown_as_late(pages: Client, answered: Answer) -> None:
    assert ">late<" not in pages.get(f"/patients/{answered.patient_id}").content.decode()
    Answer.objects.update(late=True)
    assert ">late<" in pages.get(f"/patients/{answered.patient_id}").content.decode()


@pytest.fixture
def shared(clinic: Clinic) -> tuple[Patient, Patient]:
    """Two patients with one phone, the first of whom has been asked and somebody has answered."""
    first, second = (
        make_patient(clinic, phone=PHONE, email="", sequences=["welcome"]).patient for _ in range(2)
    )
    Patient.objects.filter(pk=second.pk).update(given_name="Other")
    cast.question(first)
    receive_sms(Inbound(provider_id="SM1", sender=PHONE, recipient=clinic.sms_number, body="7"))
    return first, second


def test_staff_see_who_shares_the_phone_and_say_whose_words_they_are(
    pages: Client, shared: tuple[Patient, Patient]
) -> None:
    first, second = shared
    alert = Alert.objects.get()
    page = pages.get("/alerts").content.decode()
    assert page.count(f'value="{first.pk}"') == page.count(f'value="{second.pk}"') == 1
    page = pages.post(f"/alerts/{alert.pk}/patient", {"patient": str(first.pk)}, follow=True).content.decode()
    assert "Whose words are these?" not in page
    assert (Answer.objects.get().value, Answer.objects.get().patient) == ("7", first)
    assert AuditEntry.objects.get(action="reply_assigned").actor == "robin@clinic.example"
    again = pages.post(f"/alerts/{alert.pk}/patient", {"patient": str(second.pk)}, follow=True)
    assert "It is already known whose words these are." in again.content.decode()


@pytest.mark.parametrize("chosen", ["", "nobody"])
def test_nobody_who_is_no_patient_can_be_chosen(
    pages: Client, shared: tuple[Patient, Patient], chosen: str
) -> None:
    assert pages.post(f"/alerts/{Alert.objects.get().pk}/patient", {"patient": chosen}).status_code == 404


def test_nobody_who_does_not_have_the_phone_can_be_chosen(
    pages: Client, patient: Patient, shared: tuple[Patient, Patient]
) -> None:
    answer = pages.post(f"/alerts/{Alert.objects.get().pk}/patient", {"patient": patient.pk}, follow=True)
    assert "This patient does not have that phone." in answer.content.decode()
    assert Reply.objects.get().patient is None


def test_the_alert_says_how_long_until_the_visit(pages: Client, clinic: Clinic) -> None:
    patient = make_patient(clinic, phone=PHONE).patient
    asked = Message.objects.get(patient=patient, step="avoid")
    set_now(asked.send_at)
    drain()
    set_now(asked.send_at + timedelta(hours=30))
    receive_sms(Inbound(provider_id="SM1", sender=PHONE, recipient=clinic.sms_number, body="N"))
    assert clock.now() == asked.send_at + timedelta(hours=30)
    assert "Visit in 22 h" in pages.get("/alerts").content.decode()


@pytest.mark.parametrize(
    ("hours", "says"),
    [
        (-1, "The visit has begun."),
        (0.5, "Visit in less than an hour"),
        (1, "Visit in 1 h"),
        (17.9, "Visit in 17 h"),
        (60, "Visit in 2 days"),
    ],
)
def test_the_time_left_never_says_more_than_there_is(hours: float, says: str) -> None:
    assert time_left(timedelta(hours=hours)) == says
