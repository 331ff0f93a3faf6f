"""The form of a question: opened from an e-mail, answered once, never lost. The page says what is true."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from campaigns.domain.lifecycle import State
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitState
from campaigns.models import Alert, Answer, Clinic, Message, Patient, PatientLink, Reply, Suppression, Wording
from campaigns.queries import clock
from campaigns.services import answer_form
from campaigns.services.consent import opt_out
from campaigns.services.plan import replan
from campaigns.services.send import drain
from campaigns.services.visits import move, settle
from tests.factories import NOON, make_patient, message, set_now
from tests.web import cast
from tests.web.stored import everything_stored

FORM = "application/x-www-form-urlencoded"
THANKS, WORRY, DANGER, CLOSED = (
    "We have noted",
    "read this in clinic hours",
    "This may be serious",
    "is closed",
)
CRISIS = "Call or text 9-8-8"


@pytest.fixture
def clinic(db: None) -> Clinic:
    return cast.new_clinic()


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    """Somebody who has e-mail only, an hour after a treatment."""
    return treated(clinic)


def treated(clinic: Clinic, language: str = "en-CA", phone: str = "") -> Patient:
    found = make_patient(
        clinic, language=language, phone=phone, sequences=["aftercare", "pretreatment"]
    ).patient
    set_now(NOON + timedelta(days=14, hours=2))
    settle(cast.first_visit(found).pk, VisitState.COMPLETED, by="test")
    return found


def asked(patient: Patient, step: str = "next_day") -> str:
    """Send the e-mail of a step; the address of the form in it."""
    mail = patient.messages.get(step=step, channel="email")
    set_now(mail.send_at)
    drain()
    return address(mail)


def address(mail: Message) -> str:
    mail.refresh_from_db()
    assert mail.state == State.ACCEPTED, (mail.state, mail.reason)
    found = re.search(r'class="button"[^>]*href="[^"]*(/p/[\w-]+)"|href="[^"]*(/p/[\w-]+)"', mail.html)
    assert found
    return found[1] or found[2]


def ask(patient: Patient, question: str) -> str:
    """The form of any question, whatever its step would be."""
    path = asked(patient)
    Message.objects.filter(patient=patient, step="next_day").update(asks=question, group="", visit=None)
    return path


def post(path: str, answer: str = "", note: str = "") -> str:
    """Send the form as a phone without cookies does; the page that comes back."""
    sent = Client(enforce_csrf_checks=True).post(
        path, urlencode({"answer": answer, "note": note}), content_type=FORM
    )
    assert sent.status_code == 200
    return sent.content.decode()


QUESTIONS = [
    ("pain", "0", "", THANKS, [], "72514-3"),
    ("pain", "7", "", THANKS, [], "72514-3"),
    ("pain", "8", "", WORRY, ["answer.pain_high"], "72514-3"),
    ("pain", "10", "", WORRY, ["answer.pain_high"], "72514-3"),
    ("function", "2", "", THANKS, [], ""),
    ("change", "4", "", THANKS, [], ""),
    ("change", "7", "", WORRY, ["answer.much_worse"], ""),
    ("side_effects", "no", "", THANKS, [], ""),
    ("side_effects", "yes", "", WORRY, ["answer.side_effects"], ""),
    ("nsaids_taken", "yes", "", THANKS, ["nsaids_taken"], ""),
    ("nsaids_taken", "no", "", THANKS, [], ""),
    ("ready", "yes", "", THANKS, [], ""),
    ("ready", "no", "", THANKS, ["answer.not_ready"], ""),
    ("confirm", "no", "", THANKS, ["answer.not_confirm"], ""),
    ("pain", "3", "may I swim?", THANKS, ["not understood"], "72514-3"),
    ("pain", "3", "CALL", THANKS, ["asks for a call"], "72514-3"),
    ("pain", "3", "I cannot breathe", DANGER, ["resp"], "72514-3"),
    ("pain", "3", "je ne peux pas respirer", DANGER, ["resp"], "72514-3"),
    ("pain", "3", "صعوبة في التنفس", DANGER, ["resp"], "72514-3"),
    ("pain", "3", "I want to die", CRISIS, ["crisis"], "72514-3"),
]


@pytest.mark.parametrize(("question", "choice", "note", "says", "rules", "code"), QUESTIONS)
def test_it_takes_an_answer_and_does_what_the_same_text_does(
    patient: Patient, question: str, choice: str, note: str, says: str, rules: list[str], code: str
) -> None:
    page = post(ask(patient, question), choice, note)
    assert says in re.sub(r"<[^>]+>", "", page)
    assert ("We have told our staff" in page) == (says in {DANGER, CRISIS})
    answer, reply = Answer.objects.get(), Reply.objects.get()
    assert (answer.question, answer.value, answer.code) == (question, choice, code)
    assert (answer.message.step, answer.reply, answer.patient) == ("next_day", reply, patient)
    assert (reply.body, reply.channel, reply.outcome) == (note, "email", "answer")
    found = list(Alert.objects.values_list("rule", "closed_at", "patient"))
    assert len(found) == len(rules)
    for (rule, closed, whose), expected in zip(found, rules, strict=True):
        assert expected in rule or says in {DANGER, CRISIS}
        assert (closed, whose) == (None, patient.pk)


def test_a_danger_sign_is_an_emergency_and_the_safety_text_follows_by_e_mail(patient: Patient) -> None:
    assert DANGER in post(asked(patient), "4", "chest pain")
    assert Alert.objects.get().urgency == "emergency"
    assert [(m.template, m.channel) for m in patient.messages.filter(sequence="auto")] == [
        ("auto/emergency", "email")
    ]


@pytest.mark.parametrize(
    ("note", "template"), [("chest pain", "emergency_unread"), ("I want to die", "crisis_unread")]
)
def test_while_nobody_is_on_duty_the_page_says_so(patient: Patient, note: str, template: str) -> None:
    link = asked(patient)
    Clinic.objects.update(staffed_hours={})
    page = post(link, "4", note)
    assert "We have told our staff" not in page
    assert "Our staff will read this" in page
    assert [m.template for m in patient.messages.filter(sequence="auto")] == [f"auto/{template}"]


def test_a_rise_of_three_is_a_worry(patient: Patient) -> None:
    assert THANKS in post(asked(patient), "3")
    assert WORRY in post(asked(patient, "week_pain"), "6")
    assert Alert.objects.get().rule == "answer.pain_rise"


def test_it_shows_the_question_in_the_patient_s_language_and_changes_nothing(clinic: Clinic) -> None:
    path = asked(treated(clinic, "ar"))
    before = everything_stored()
    found = Client().get(path)
    page = found.content.decode()
    assert '<html lang="ar" dir="rtl">' in page
    assert [f'value="{number}"' in page for number in range(12)] == [True] * 11 + [False]
    assert "<script" not in page
    assert not found.cookies
    assert found.headers["Referrer-Policy"] == "no-referrer"
    Client().head(path)
    assert everything_stored() == before


def test_it_falls_back_where_the_page_is_not_approved(clinic: Clinic) -> None:
    path = asked(treated(clinic, "ar"))
    Wording.objects.filter(template="patient/check_in", language="ar").update(state=Wording.State.DRAFT)
    assert '<html lang="en-CA" dir="ltr">' in Client().get(path).content.decode()


@pytest.mark.parametrize("answer", ["", "11", "-1", "４", "4 ", "yes", "<b>", "4\x00", "9" * 5000])
def test_it_asks_for_one_answer_beside_the_question_and_keeps_what_was_written(
    patient: Patient, answer: str
) -> None:
    path = asked(patient)
    page = post(path, answer, "may I <swim>?")
    assert 'role="alert" id="missing">Please choose one answer.' in page
    assert "may I &lt;swim&gt;?</textarea>" in page
    assert not Reply.objects.exists()
    assert THANKS in post(path, "4", "may I <swim>?")


@pytest.mark.parametrize(("note", "says", "alerts"), [("I cannot breathe", DANGER, 1), ("STOP", THANKS, 0)])
def test_danger_and_stop_never_wait_for_a_choice(patient: Patient, note: str, says: str, alerts: int) -> None:
    path = asked(patient)
    assert says in post(path, "", note)
    assert (Reply.objects.count(), Alert.objects.count(), Answer.objects.count()) == (1, alerts, 0)
    assert THANKS in post(path, "4")


def test_the_same_again_changes_nothing_and_says_the_same(patient: Patient) -> None:
    path = asked(patient)
    first = post(path, "9", "it hurts")
    before = everything_stored()
    assert post(path, "9", "it hurts") == first
    assert everything_stored() == before


def test_another_answer_after_the_first_is_closed_and_shown_to_a_person(patient: Patient) -> None:
    path = asked(patient)
    post(path, "4")
    assert CLOSED in Client().get(path).content.decode()
    assert CLOSED in post(path, "5")
    assert [answer.value for answer in Answer.objects.all()] == ["4"]
    late = Reply.objects.latest("id")
    assert (late.answer, late.message, late.outcome) == ("5", Answer.objects.get().message, "alert")
    assert Alert.objects.get().reply == late


def test_a_second_answer_that_worries_is_told_to_staff_as_such(patient: Patient) -> None:
    path = asked(patient)
    post(path, "4")
    assert WORRY in post(path, "9")
    assert Alert.objects.get().urgency == "urgent"
    assert DANGER in post(path, "9", "now I cannot breathe")


def test_one_link_keeps_a_limited_number_of_submissions(patient: Patient) -> None:
    path = asked(patient)
    for number in range(answer_form.MOST_KEPT + 3):
        post(path, "4", f"note {number}")
    assert Reply.objects.count() == answer_form.MOST_KEPT


@pytest.mark.parametrize(("days", "status"), [(8, 200), (60, 404)])
def test_too_late_is_kept_for_a_person_until_nobody_knows_the_link(
    patient: Patient, days: int, status: int
) -> None:
    path = asked(patient)
    set_now(clock.now() + timedelta(days=days))
    assert Client().get(path).status_code == status
    found = Client().post(path, urlencode({"answer": "4"}), content_type=FORM)
    assert found.status_code == status
    kept = 1 if status == 200 else 0
    assert Reply.objects.count() == Alert.objects.filter(rule="late answer").count() == kept
    assert list(Answer.objects.values_list("value", "late")) == [("4", True)] * kept


def test_a_link_lives_for_seven_days_and_only_its_hash_is_kept(patient: Patient) -> None:
    token = asked(patient).removeprefix("/p/")
    link = PatientLink.objects.get(purpose="check_in")
    assert link.expires_at - clock.now() == timedelta(days=7)
    assert token not in link.token_hash
    assert link.message.step == "next_day"


@pytest.mark.parametrize("purpose", ["information", "preferences", "unsubscribe"])
def test_a_link_opens_its_own_page_only(patient: Patient, purpose: str) -> None:
    path = asked(patient)
    PatientLink.objects.filter(purpose="check_in").update(purpose=purpose)
    before = everything_stored()
    Client().post(path, urlencode({"answer": "9"}), content_type=FORM)
    assert everything_stored() == before
    PatientLink.objects.filter(message__step="next_day").update(purpose="check_in")
    assert Client().post(path.replace("/p/", "/u/")).status_code == 404
    assert not Suppression.objects.exists()


def test_hostile_notes_are_kept_readable_and_capped(patient: Patient) -> None:
    path = asked(patient)
    body = b"answer=4&note=a%00b%ED%A0%80%FF" + b"x" * 10_000_000
    found = Client().post(path, body, content_type=FORM)
    assert found.status_code == 200
    kept = Reply.objects.get().body
    assert kept.startswith("a\ufffdb\ufffd")
    assert len(kept) == 20_000
    assert Answer.objects.get().value == "4"


def test_a_lone_surrogate_does_not_stop_an_answer(patient: Patient) -> None:
    token = asked(patient).removeprefix("/p/")
    assert answer_form.answer_form(token, "4", "a\ud800\x00b") is not None
    assert Reply.objects.get().body == "a\ufffd\ufffdb"


@pytest.mark.parametrize("note", ["STOP", "arrêt", "إيقاف"])
def test_stop_in_the_note_stops_the_e_mail_and_the_answer_counts(patient: Patient, note: str) -> None:
    assert THANKS in post(asked(patient), "4", note)
    assert Suppression.objects.get(lifted_at=None).channel == "email"
    assert (Answer.objects.get().value, Reply.objects.get().outcome) == ("4", "opt_out")


def test_an_answer_about_a_visit_counts_for_its_date_only(clinic: Clinic) -> None:
    found = make_patient(clinic, phone="", sequences=["pretreatment"])
    mail = message(found, "avoid", Channel.EMAIL)
    set_now(mail.send_at)
    drain()
    path = address(mail)
    assert "Are you ready for your visit?" in Client().get(path).content.decode()
    visit = cast.first_visit(found.patient)
    move(visit.pk, visit.on_date + timedelta(days=7), visit.at_time, by="test")
    assert CLOSED in Client().get(path).content.decode()
    assert CLOSED in post(path, "no")  # staff must know all the same
    assert (Answer.objects.count(), Alert.objects.get().rule) == (0, "answer.not_ready")


def test_silence_is_broken_once_on_the_other_channel(clinic: Clinic) -> None:
    both = treated(clinic, phone="+16045550111")
    first, again = both.messages.get(step="next_day"), both.messages.get(step="next_day_again")
    assert (first.channel, again.channel) == ("sms", "email")
    set_now(first.send_at)
    drain()
    path = asked(both, "next_day_again")
    assert THANKS in post(path, "4")
    assert Answer.objects.get().message == again


def test_the_reminder_stays_on_the_phone_of_who_has_not_agreed_to_e_mail(clinic: Clinic) -> None:
    both = treated(clinic, phone="+16045550111")
    point = both.contact_points.get(channel="email")
    opt_out(point.address_index, Channel.EMAIL, source="link", now=clock.now())
    replan(both.pk, clock.now())
    waiting = both.messages.get(step="next_day_again", state="planned")
    assert waiting.channel == "sms"
    assert both.messages.get(step="next_day_again", channel="email").reason == "superseded"


def test_an_answer_by_text_closes_the_form_of_the_reminder(clinic: Clinic) -> None:
    both = treated(clinic, phone="+16045550111")
    first = both.messages.get(step="next_day")
    set_now(first.send_at)
    drain()
    path = asked(both, "next_day_again")
    reply = Reply.objects.create(
        provider_id="SM1", patient=both, channel="sms", body="4", received_at=clock.now(), parser_version="1"
    )
    Answer.objects.create(
        reply=reply, patient=both, message=first, question="pain", value="4", answered_at=clock.now()
    )
    assert CLOSED in Client().get(path).content.decode()


def test_an_answer_leads_to_the_next_question_by_e_mail(patient: Patient) -> None:
    post(asked(patient, "week_pain"), "4")
    assert patient.messages.get(step="week_nsaids").channel == "email"


def test_an_unknown_link_says_so_in_every_language(db: None) -> None:
    found = Client().post("/p/unknown", urlencode({"answer": "4"}), content_type=FORM)
    assert found.status_code == 404
    assert "This link does not work any more" in found.content.decode()


def test_a_note_of_the_wrong_person_pauses_the_mailbox_and_asks_staff(patient: Patient) -> None:
    post(asked(patient), note="You have the wrong person")
    assert Alert.objects.get().rule == "may be the wrong person"
    assert patient.contact_points.get(channel="email").state == "paused"
