"""A patient's text, from Twilio's request to what becomes of it."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from campaigns.domain.lifecycle import State
from campaigns.domain.visits import VisitKind, VisitState
from campaigns.models import (
    Alert,
    Answer,
    AuditEntry,
    Clinic,
    Consent,
    Message,
    OnCall,
    Patient,
    Reply,
    Suppression,
    Visit,
)
from campaigns.queries import clock
from campaigns.services.send import drain
from campaigns.services.understand import MOST_ANSWERS
from campaigns.services.visits import settle
from tests.factories import NOON, make_patient, make_staff, message, set_now
from tests.web.stored import everything_stored
from tests.webhooks.conftest import INBOUND, Post, Say


@pytest.fixture
def question(clinic: Clinic) -> Message:
    """The text that asks for the pain on the day after a treatment, just sent."""
    enrolled = make_patient(clinic, sequences=["aftercare"])
    set_now(NOON + timedelta(days=14, hours=2))  # an hour after the visit began
    settle(Visit.objects.get(course__patient=enrolled.patient).pk, VisitState.COMPLETED, by="test")
    asked = message(enrolled, "next_day")
    set_now(asked.send_at)
    drain()
    asked.refresh_from_db()
    assert asked.state == State.ACCEPTED
    return asked


def answers_of_ours(patient: Patient) -> list[Message]:
    return list(patient.messages.filter(sequence="auto").order_by("id"))


def changes_of_consent(patient: Patient, action: str) -> int:
    """How often the audit chain says that the patient said so."""
    said = AuditEntry.objects.filter(action=f"consent_{action}", object=f"patient {patient.pk}")
    return said.filter(actor="patient").count()


@pytest.mark.parametrize(("body", "value"), [("0", "0"), ("4", "4"), ("3/10", "3"), ("٤", "4")])
def test_it_stores_an_answer_with_the_question_that_asked(
    question: Message, say: Say, body: str, value: str
) -> None:
    say(body)
    answer = Answer.objects.get()
    assert (answer.message, answer.question, answer.value) == (question, "pain", value)
    assert Reply.objects.get().body == body
    assert [m.template for m in answers_of_ours(question.patient)] == ["auto/ok"]


@pytest.mark.parametrize(
    ("body", "language"), [("STOP", "en-CA"), ("ARRET", "fr-CA"), ("Arrêt", "fr-CA"), ("إيقاف", "ar")]
)
def test_it_stops_at_once_and_confirms_once_in_the_language_of_the_word(
    patient: Patient, say: Say, body: str, language: str
) -> None:
    say(body)
    say(body)
    drain()
    assert Suppression.objects.filter(lifted_at=None, channel="sms").count() == 1
    assert Consent.objects.filter(patient=patient, channel="sms", action="withdrawn").exists()
    assert changes_of_consent(patient, "withdrawn") == 1
    [confirmation] = answers_of_ours(patient)
    assert (confirmation.template, confirmation.language) == ("auto/stop", language)
    assert confirmation.state == State.ACCEPTED


def test_it_sends_no_text_after_stop(clinic: Clinic, say: Say) -> None:
    enrolled = make_patient(clinic)
    say("STOP")
    later = message(enrolled, "nsaids")
    set_now(later.send_at)
    drain()
    later.refresh_from_db()
    assert (later.state, later.reason) == (State.SKIPPED, "opted_out")


def test_it_starts_again_on_the_explicit_word_and_confirms_once(patient: Patient, say: Say) -> None:
    for body in ("STOP", "START", "START"):
        say(body)
        set_now(clock.now() + timedelta(minutes=1))
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert changes_of_consent(patient, "granted") == 1
    assert [m.template for m in answers_of_ours(patient)] == ["auto/stop", "auto/start"]


def test_it_leaves_the_confirmation_to_twilio_where_twilio_has_given_it(patient: Patient, say: Say) -> None:
    say("STOP", OptOutType="STOP")
    assert Suppression.objects.filter(lifted_at=None).count() == 1
    assert answers_of_ours(patient) == []


@pytest.mark.parametrize(
    ("body", "urgency"), [("Can I drive myself home?", "routine"), ("I cannot breathe", "emergency")]
)
def test_it_shows_free_text_to_a_person(patient: Patient, say: Say, body: str, urgency: str) -> None:
    say(body)
    alert = Alert.objects.get()
    assert (alert.patient, alert.urgency, alert.closed_at) == (patient, urgency, None)


def test_it_says_that_staff_will_phone_who_asks_for_a_call(patient: Patient, say: Say) -> None:
    say("CALL")
    assert Alert.objects.get().rule == "asks for a call"
    assert [m.template for m in answers_of_ours(patient)] == ["auto/call"]


def test_it_thanks_who_is_not_ready_and_tells_staff_the_same_day(clinic: Clinic, say: Say) -> None:
    enrolled = make_patient(clinic)
    asked = message(enrolled, "avoid")
    set_now(asked.send_at)
    drain()
    say("N")
    assert (Answer.objects.get().value, Alert.objects.get().urgency) == ("no", "urgent")
    assert [m.template for m in answers_of_ours(enrolled.patient)] == ["auto/not_ready"]


def test_it_does_not_frighten_who_is_not_coming(clinic: Clinic, say: Say) -> None:
    day = NOON.date() + timedelta(days=10)
    visits = [(VisitKind.CONSULTATION, day, time(14, 0))]
    enrolled = make_patient(clinic, sequences=["previsit"], visits=visits)
    asked = message(enrolled, "confirm")
    set_now(asked.send_at)
    drain()
    say("N")
    assert Alert.objects.get().rule == "answer.not_confirm"
    assert [m.template for m in answers_of_ours(enrolled.patient)] == ["auto/not_ready"]


NIGHT = NOON + timedelta(hours=10)
"""23:00 at the clinic."""


@pytest.mark.parametrize(("body", "kind"), [("I cannot breathe", "emergency"), ("I want to die", "crisis")])
@pytest.mark.parametrize(
    ("now", "when", "told"),
    [(NOON, "", True), (NIGHT, "", False), (NIGHT, "always", True), (NIGHT, "clinic", False)],
)
def test_the_safety_text_says_that_staff_know_only_where_somebody_is_told(
    patient: Patient, say: Say, body: str, kind: str, now: datetime, when: str, told: bool
) -> None:
    if when:
        staff = make_staff(patient.clinic)
        OnCall.objects.create(clinic=patient.clinic, staff=staff, email="a@alerts.example", when=when)
    set_now(now)
    say(body)
    drain()
    [answer] = answers_of_ours(patient)
    assert answer.template == f"auto/{kind}" + ("" if told else "_unread")
    assert answer.state == State.ACCEPTED
    assert ("We have told our staff" in answer.body) is told
    assert "911" in answer.body


def test_it_shows_a_text_from_an_unknown_number_to_a_person(clinic: Clinic, say: Say) -> None:
    say("Who is this?", From="+17785550177")
    assert Alert.objects.get().patient is None
    assert not Message.objects.filter(sequence="auto").exists()


@pytest.mark.parametrize("body", ["4", "STOP", "Can I drive myself home?"])
def test_it_changes_nothing_when_the_same_text_comes_twice(
    question: Message, say: Say, post: Post, body: str
) -> None:
    form = say(body)
    before = everything_stored()
    assert post(INBOUND, form).status_code == 200
    assert everything_stored() == before


@pytest.mark.parametrize(
    ("body", "outcome", "rules"),
    [
        ("7", "answer", [("routine", "sent files")]),
        ("", "alert", [("routine", "not understood")]),
        ("STOP", "opt_out", [("routine", "sent files")]),
        ("I cannot breathe", "alert", [("emergency", "en.breathing")]),
    ],
)
def test_a_picture_is_never_left_to_the_program(
    question: Message, say: Say, body: str, outcome: str, rules: list[tuple[str, str]]
) -> None:
    say(body, NumMedia="2")
    reply = Reply.objects.get()
    assert (reply.outcome, reply.files) == (outcome, 2)
    assert list(Alert.objects.values_list("urgency", "rule")) == rules


def test_a_wish_in_a_sentence_brings_nobody_back_and_a_person_reads_it(question: Message, say: Say) -> None:
    say("STOP")
    say("could I get your texts again please")
    assert Suppression.objects.filter(lifted_at=None).exists()
    assert list(Alert.objects.values_list("rule", flat=True)) == ["wants messages again, in their own words"]


def test_a_robot_that_texts_is_answered_only_so_often(patient: Patient, say: Say) -> None:
    """It repeats itself, or answers every text of ours. A person sees every word."""
    for _ in range(MOST_ANSWERS + 5):
        say("HELP")
        say("language")
    assert [m.template for m in answers_of_ours(patient)] == ["auto/help", "auto/languages"] * 5
    seen = Alert.objects.exclude(reply=None).values_list("reply", flat=True)
    assert Reply.objects.filter(outcome="help").count() == MOST_ANSWERS + 5
    assert set(seen) >= set(Reply.objects.order_by("id").values_list("pk", flat=True)[MOST_ANSWERS:])
    set_now(NOON + timedelta(hours=24, seconds=1))
    say("HELP")
    assert len(answers_of_ours(patient)) == MOST_ANSWERS + 1


def test_who_has_had_many_answers_still_hears_of_danger_stop_and_start(patient: Patient, say: Say) -> None:
    for _ in range(MOST_ANSWERS + 1):
        say("HELP")
    for body in ("I cannot breathe", "STOP", "START"):
        say(body)
    told = [m.template for m in answers_of_ours(patient)][MOST_ANSWERS:]
    assert told == ["auto/emergency", "auto/stop", "auto/start"]


def test_patients_who_share_a_number_share_its_answers(patient: Patient, clinic: Clinic, say: Say) -> None:
    """Whichever of them is written to: a robot there gets no second measure."""
    for _ in range(MOST_ANSWERS):
        say("HELP")
    other = make_patient(clinic, email="", sequences=["welcome"]).patient
    _, silent = sorted((patient, other), key=lambda one: one.pk)  # the first one is written to
    Message.objects.filter(sequence="auto").update(patient=silent)
    say("My knee is very swollen")
    assert Alert.objects.latest("id").urgency == "urgent"
    assert Message.objects.filter(sequence="auto").count() == MOST_ANSWERS
