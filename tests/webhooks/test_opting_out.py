"""Leaving and coming back by text: the clinic's scope, what the provider has heard, and the wrong person."""

from __future__ import annotations

import pytest

from campaigns.domain.lifecycle import State
from campaigns.domain.recipients import Channel
from campaigns.models import Alert, Clinic, Consent, ContactPoint, Message, Patient, Reply, Suppression
from campaigns.queries import clock
from campaigns.services import addresses
from campaigns.services.send import drain
from tests.factories import make_patient, message, set_now
from tests.web import cast
from tests.webhooks.conftest import PHONE, Say


def is_out(channel: str = "sms") -> bool:
    return Suppression.objects.filter(channel=channel, lifted_at=None).exists()


def ours(patient: Patient) -> list[tuple[str, str]]:
    """What we answered: template and language."""
    sent = patient.messages.filter(sequence="auto").order_by("id")
    return [(one.template, one.language) for one in sent]


def rules() -> list[str]:
    return list(Alert.objects.order_by("id").values_list("rule", flat=True))


@pytest.mark.parametrize(
    ("language", "word", "or_visit"),
    [
        ("en-CA", "STOP", "Cancel"),
        ("fr-CA", "ARRÊT", "annuler"),
        ("pa", "ਬੰਦ ਕਰੋ", "ਰੱਦ"),
        ("zh-Hant", "停止", "取消"),
        ("zh-Hans", "退订", "取消"),
        ("fil", "itigil", "ikansela"),
        ("ko", "수신거부", "취소"),
        ("fa", "توقف", "لغو"),
        ("es", "alto", "cancelar"),
        ("vi", "dừng", "hủy"),
        ("ar", "إيقاف", "إلغاء"),
        ("hi", "रोकें", "रद्द"),
        ("ru", "отписаться", "отмена"),
        ("uk", "відписатися", "скасувати"),
    ],
)
def test_it_stops_in_every_language_and_asks_whether_the_visit_was_meant(
    clinic: Clinic, say: Say, language: str, word: str, or_visit: str
) -> None:
    enrolled = make_patient(clinic, language=language, sequences=["welcome"])
    say(word)
    assert is_out()
    assert ours(enrolled.patient) == [("auto/stop", language)]
    assert rules() == []
    say("START")
    assert not is_out()
    say(or_visit)
    assert is_out()
    assert rules() == ["may have meant the visit"]


@pytest.mark.parametrize("body", ["YES", "ok", "oui", "نعم", "Y"])
def test_a_yes_brings_nobody_back_not_even_where_the_provider_says_so(
    patient: Patient, say: Say, body: str
) -> None:
    say("STOP")
    say(body)
    say(body, OptOutType="START")
    assert is_out()


def test_start_lifts_nothing_where_nothing_was_stopped(patient: Patient, say: Say) -> None:
    before = Consent.objects.count()
    say("START")
    assert (Consent.objects.count(), ours(patient)) == (before, [])


@pytest.mark.parametrize(
    ("body", "told", "outcome"),
    [("adios amigos", "STOP", "opt_out"), ("STOP", "STOP", "opt_out"), ("hjelp", "HELP", "help")],
)
def test_it_records_what_the_provider_heard_and_says_nothing_twice(
    patient: Patient, say: Say, body: str, told: str, outcome: str
) -> None:
    say(body, OptOutType=told)
    assert Reply.objects.get().outcome == outcome
    assert is_out() == (told == "STOP")
    assert ours(patient) == []


def test_no_word_of_the_provider_undoes_a_stop(patient: Patient, say: Say) -> None:
    say("please stop texting me", OptOutType="HELP")
    assert is_out()


def test_stop_and_danger_in_one_text_count_both(patient: Patient, say: Say) -> None:
    say("Stop texting me, I cannot breathe")
    assert is_out()
    assert Alert.objects.get(urgency="emergency").patient == patient


@pytest.mark.parametrize(("scope", "email_too"), [("channel", False), ("all", True)])
def test_one_stop_ends_what_the_clinic_s_profile_says(
    clinic: Clinic, say: Say, scope: str, email_too: bool
) -> None:
    Clinic.objects.update(opt_out_scope=scope)
    enrolled = make_patient(clinic)
    say("STOP")
    assert (is_out("sms"), is_out("email")) == (True, email_too)
    assert [template for template, _ in ours(enrolled.patient)] == ["auto/stop"]
    set_now(message(enrolled, "nsaids", Channel.EMAIL).send_at)
    drain()
    mail = message(enrolled, "nsaids", Channel.EMAIL)
    assert (mail.state, mail.reason) == ((State.SKIPPED, "opted_out") if email_too else (State.ACCEPTED, ""))
    say("START")
    assert (is_out("sms"), is_out("email")) == (False, email_too)


def test_coming_back_brings_only_what_that_stop_ended(patient: Patient, say: Say) -> None:
    cast.withdraw(patient, Channel.SMS, "education")
    set_now(clock.now().replace(minute=1))
    say("STOP")
    set_now(clock.now().replace(minute=2))
    say("START")
    assert cast.granted(patient, Channel.SMS) == {"reminders", "check_ins"}


def test_a_number_that_two_patients_share_stops_for_both_with_one_confirmation(
    clinic: Clinic, say: Say
) -> None:
    for _ in range(2):
        make_patient(clinic, email="")
    for _ in range(2):
        say("STOP")
    drain()
    [confirmation] = Message.objects.filter(template="auto/stop")
    assert confirmation.state == State.ACCEPTED
    assert Consent.objects.filter(action="withdrawn").values("patient").distinct().count() == 2
    say("START")
    assert Message.objects.filter(template="auto/start").count() == 1
    assert not is_out()


def test_a_stop_from_a_number_that_is_no_patient_s_holds_for_whoever_gets_it(
    clinic: Clinic, say: Say
) -> None:
    say("STOP")
    assert is_out()
    assert not Message.objects.exists()
    later = make_patient(clinic, email="")
    first = message(later, "nsaids")
    set_now(first.send_at)
    drain()
    first.refresh_from_db()
    assert (first.state, first.reason) == (State.SKIPPED, "opted_out")


def test_a_stop_outlives_the_patient(clinic: Clinic, say: Say) -> None:
    gone = make_patient(clinic, email="").patient
    say("STOP")
    gone.delete()
    assert is_out()
    again = message(make_patient(clinic, email=""), "nsaids")
    set_now(again.send_at)
    drain()
    again.refresh_from_db()
    assert again.reason == "opted_out"


def test_a_stop_outlives_the_address_that_a_patient_gave_up(clinic: Clinic, say: Say) -> None:
    make_patient(clinic)
    say("STOP")
    ContactPoint.objects.filter(channel="sms").delete()
    other = make_patient(clinic, email="other@patients.example").patient
    assert ContactPoint.objects.get(patient=other, channel="sms").address == PHONE
    assert is_out()


WRONG = [
    ("en-CA", "Sorry, you have the wrong number"),
    ("en-CA", "who is this??"),
    ("fr-CA", "vous vous trompez de numéro"),
    ("pa", "ਗਲਤ ਨੰਬਰ ਹੈ ਜੀ"),
    ("zh-Hant", "你打錯電話了"),
    ("zh-Hans", "你是谁？"),
    ("fil", "sino po ito"),
    ("ko", "누구세요?"),
    ("fa", "ببخشید اشتباه گرفتید"),
    ("es", "¿Quién es?"),
    ("vi", "nhầm số rồi"),
    ("ar", "الرقم غلط"),
    ("hi", "आप कौन हैं?"),
    ("ru", "вы ошиблись номером"),
    ("uk", "хто це?"),
]


@pytest.mark.parametrize(("language", "body"), WRONG)
def test_the_wrong_person_pauses_the_number_and_asks_staff_the_same_day(
    clinic: Clinic, say: Say, language: str, body: str
) -> None:
    enrolled = make_patient(clinic, language=language, email="")
    say(body)
    alert = Alert.objects.get()
    assert (alert.urgency, alert.rule) == ("urgent", "may be the wrong person")
    assert ContactPoint.objects.get(channel="sms").state == "paused"
    assert ours(enrolled.patient) == []


def test_nothing_planned_goes_to_a_paused_number_until_staff_have_asked(clinic: Clinic, say: Say) -> None:
    enrolled = make_patient(clinic, email="")
    say("wrong number")
    first, second = message(enrolled, "nsaids"), message(enrolled, "avoid")
    set_now(first.send_at)
    drain()
    first.refresh_from_db()
    assert (first.state, first.reason) == (State.SKIPPED, "channel_paused")
    addresses.confirm(enrolled.patient, Channel.SMS, by="robin@clinic.example", now=clock.now())
    set_now(second.send_at)
    drain()
    second.refresh_from_db()
    assert second.state == State.ACCEPTED


def test_the_wrong_person_may_stop_and_call_for_help_too(patient: Patient, say: Say) -> None:
    say("Wrong number! Stop texting me. My chest hurts")
    drain()
    assert is_out()
    assert {"may be the wrong person"} < set(rules())
    assert Alert.objects.filter(urgency="emergency").exists()
    assert ("auto/stop", State.ACCEPTED) in patient.messages.values_list("template", "state")


@pytest.mark.parametrize(
    ("language", "body"),
    [
        ("en-CA", "please stop. why do you text me?"),
        ("en-CA", "Stop! What is this about?"),
        ("fr-CA", "arrêtez! pourquoi ces textos?"),
        ("es", "Paren ya. ¿Cuánto cuesta?"),
    ],
)
def test_an_opt_out_in_doubt_pauses_the_number_until_a_person_has_decided(
    clinic: Clinic, say: Say, language: str, body: str
) -> None:
    enrolled = make_patient(clinic, language=language, email="")
    say(body)
    assert not is_out()
    assert Alert.objects.get().rule == "may want no more messages"
    first, second = message(enrolled, "nsaids"), message(enrolled, "avoid")
    set_now(first.send_at)
    drain()
    first.refresh_from_db()
    assert (first.state, first.reason) == (State.SKIPPED, "channel_paused")
    addresses.confirm(enrolled.patient, Channel.SMS, by="robin@clinic.example", now=clock.now())
    set_now(second.send_at)
    drain()
    second.refresh_from_db()
    assert second.state == State.ACCEPTED


@pytest.mark.parametrize(
    "body",
    ["4", "who is my doctor?", "打错针了", "sorry wrong send po", "من انتفاخ", "no sé quién es el doctor"],
)
def test_what_only_looks_like_it_pauses_nothing(patient: Patient, say: Say, body: str) -> None:
    say(body)
    assert ContactPoint.objects.get(patient=patient, channel="sms").state == "good"
