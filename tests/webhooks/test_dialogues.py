"""Questions and answers over days: one at a time on a phone, late ones kept, nothing in the wrong chart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.domain.lifecycle import Purpose, State
from campaigns.models import Alert, Answer, Clinic, Enrollment, Message, Patient, Reply, Staff
from campaigns.queries import clock
from campaigns.services import set_right
from campaigns.services.plan import replan_patient
from campaigns.services.send import drain
from campaigns.services.take_in import Inbound, receive_sms
from tests.factories import make_patient, make_staff, set_now
from tests.webhooks.conftest import PHONE, Say

TEMPLATES = {
    "pain": "aftercare/next_day",
    "side_effects": "aftercare/side_effects",
    "ready": "aftercare/side_effects",
    "confirm": "aftercare/side_effects",
    "change": "aftercare/change",
    "nsaids_taken": "aftercare/week_nsaids",
}
_steps = count(1)


@dataclass(frozen=True)
class Ask:
    """A question that is due now."""

    asks: str = "pain"
    group: str = ""
    life: timedelta = timedelta(days=5)
    capped: bool = True
    topic: str = "check_ins"


def due(patient: Patient, ask: Ask) -> Message:
    """A planned text that asks."""
    now = clock.now()
    return Message.objects.create(
        clinic=patient.clinic,
        patient=patient,
        enrollment=Enrollment.objects.get(course__patient=patient) if ask.group else None,
        sequence="aftercare",
        step=f"step_{next(_steps)}",
        template=TEMPLATES[ask.asks],
        channel="sms",
        purpose=Purpose.STEP,
        topic=ask.topic,
        group=ask.group,
        asks=ask.asks,
        capped=ask.capped,
        visit=None,
        send_at=now,
        due_at=now,
        expires_at=now + ask.life,
        state=State.PLANNED,
        created_at=now,
    )


def later(**span: float) -> None:
    set_now(clock.now() + timedelta(**span))
    drain()


def send(patient: Patient, ask: Ask) -> Message:
    message = due(patient, ask)
    drain()
    message.refresh_from_db()
    return message


def state(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.state, message.reason


WENT = (State.ACCEPTED, "")
WAITS = (State.WAITING, "question_open")


@pytest.fixture(autouse=True)
def no_caps(clinic: Clinic) -> None:
    """More than two texts a day, so that only turns decide."""
    Clinic.objects.update(sms_per_day=20, sms_per_week=50)


@pytest.fixture
def second(clinic: Clinic, patient: Patient) -> Patient:
    """Somebody else with the same phone."""
    found = make_patient(clinic, sequences=["welcome"], email="second@patients.example").patient
    drain()
    return found


def test_two_check_ins_due_together_go_one_after_the_other(patient: Patient, say: Say) -> None:
    first, then = due(patient, Ask("pain")), due(patient, Ask("side_effects"))
    drain()
    assert (state(first), state(then)) == (WENT, WAITS)
    say("4")
    drain()
    assert state(then) == WENT
    say("N")
    assert [(a.message, a.value, a.late) for a in Answer.objects.order_by("pk")] == [
        (first, "4", False),
        (then, "no", False),
    ]


def test_of_two_patients_with_one_phone_only_one_is_asked_at_a_time(
    patient: Patient, second: Patient
) -> None:
    first, then = send(patient, Ask("pain")), send(second, Ask("pain"))
    assert (state(first), state(then)) == (WENT, WAITS)
    later(hours=72)
    assert state(then) == WENT


def test_it_asks_the_same_question_again_although_it_is_open(patient: Patient) -> None:
    send(patient, Ask("pain", group="week"))
    assert state(send(patient, Ask("pain", group="week"))) == WENT


def test_a_question_about_a_visit_does_not_wait_and_closes_the_older_one(patient: Patient, say: Say) -> None:
    older = send(patient, Ask("pain"))
    ready = send(patient, Ask("ready", topic="reminders"))
    assert state(ready) == WENT
    say("4")
    say("Y")
    assert [(a.message, a.value, a.late) for a in Answer.objects.order_by("pk")] == [
        (older, "4", True),
        (ready, "yes", False),
    ]


@pytest.mark.parametrize(
    ("capped", "then"), [(True, (State.SKIPPED, "question_open")), (False, WENT)], ids=["check-in", "safety"]
)
def test_what_waits_expires_with_its_reason_but_a_safety_check_in_goes_in_time(
    patient: Patient, capped: bool, then: tuple[str, str]
) -> None:
    send(patient, Ask("change"))
    waiting = send(patient, Ask("side_effects", life=timedelta(hours=20), capped=capped))
    assert state(waiting) == WAITS
    later(hours=19)
    later(hours=2)
    assert state(waiting) == then


@pytest.mark.parametrize(
    ("ask", "hours", "body", "value", "is_late", "rules"),
    [
        (Ask("pain", "week"), 71, "4", "4", False, []),
        (Ask("pain", "week"), 73, "4", "4", True, ["late answer"]),
        (Ask("pain", "week"), 73, "9", "9", True, ["answer.pain_high"]),
        (Ask("pain", "next_day"), 35, "4", "4", False, []),
        (Ask("pain", "next_day"), 37, "4", "4", True, ["late answer"]),
        (Ask("side_effects"), 73, "Y", "yes", True, ["answer.side_effects"]),
        (Ask("nsaids_taken"), 1, "Y", "yes", False, ["nsaids_taken"]),
        (Ask("nsaids_taken"), 1, "N", "no", False, []),
        (Ask("change"), 1, "7", "7", False, ["answer.much_worse"]),
        (Ask("ready"), 1, "N", "no", False, ["answer.not_ready"]),
        (Ask("confirm"), 1, "N", "no", False, ["answer.not_confirm"]),
        (Ask("confirm"), 1, "Y", "yes", False, []),
        (Ask("pain", "week"), 24 * 15, "4", "", False, ["not understood"]),
    ],
)
def test_an_answer_is_fresh_in_its_window_late_after_it_and_always_kept(
    patient: Patient, say: Say, ask: Ask, hours: int, body: str, value: str, is_late: bool, rules: list[str]
) -> None:
    asked = send(patient, ask)
    later(hours=hours)
    say(body)
    assert list(Alert.objects.values_list("rule", flat=True)) == rules
    answers = [(a.message, a.value, a.late) for a in Answer.objects.all()]
    assert answers == ([(asked, value, is_late)] if value else [])


@pytest.mark.parametrize(("then", "rules"), [("4", []), ("5", ["answer.pain_rise"])])
def test_a_rise_of_three_since_the_last_answer_in_time_is_seen(
    patient: Patient, say: Say, then: str, rules: list[str]
) -> None:
    send(patient, Ask("pain", group="next_day"))
    say("2")
    send(patient, Ask("pain", group="week"))
    say(then)
    assert list(Alert.objects.values_list("rule", flat=True)) == rules


def test_a_person_decides_where_a_late_answer_fits_two_questions(patient: Patient, say: Say) -> None:
    send(patient, Ask("pain", group="next_day"))
    later(hours=73)
    send(patient, Ask("change"))
    later(hours=80)
    say("4")
    assert (Answer.objects.count(), Alert.objects.get().rule) == (0, "not understood")


def test_nothing_follows_from_a_late_answer_and_a_rise_is_not_counted_from_it(
    patient: Patient, say: Say
) -> None:
    send(patient, Ask("pain", group="week"))
    later(hours=73)
    say("1")
    asked = send(patient, Ask("pain", group="end"))
    say("5")
    assert Answer.objects.get(message=asked).late is False
    assert not Alert.objects.filter(rule="answer.pain_rise").exists()
    replan_patient(patient.pk)
    assert not patient.messages.filter(step="week_nsaids").exists()


SHARED = [
    ("4", "routine", ["auto/which_patient"]),
    ("9", "urgent", ["auto/which_patient"]),
    ("my chest hurts", "emergency", ["auto/emergency"]),
    ("may I swim?", "routine", []),
]


@pytest.mark.parametrize(("body", "urgency", "says"), SHARED)
def test_words_from_a_shared_phone_are_in_no_chart_until_a_person_says_whose(
    patient: Patient, second: Patient, say: Say, body: str, urgency: str, says: list[str]
) -> None:
    send(patient, Ask("pain"))
    say(body)
    reply, alert = Reply.objects.get(), Alert.objects.get()
    assert (reply.patient, reply.message, reply.answer, reply.outcome) == (None, None, "", "alert")
    assert (alert.patient, alert.urgency, Answer.objects.count()) == (None, urgency, 0)
    assert [m.template for m in Message.objects.filter(sequence="auto")] == says
    drain()
    for text in Message.objects.filter(sequence="auto"):
        assert "Test" not in text.body


def test_a_person_says_whose_words_they_are_and_they_become_the_answer(
    patient: Patient, second: Patient, say: Say
) -> None:
    asked = send(patient, Ask("pain"))
    waiting = send(second, Ask("pain"))
    say("9")
    later(hours=5)
    set_right.assign(Alert.objects.get().pk, patient.pk, make_staff(patient.clinic))
    answer, reply = Answer.objects.get(), Reply.objects.get()
    assert (answer.message, answer.value, answer.late, answer.patient) == (asked, "9", False, patient)
    assert (reply.outcome, reply.patient, answer.answered_at) == ("answer", patient, reply.received_at)
    assert [(a.patient, a.rule) for a in Alert.objects.all()] == [(patient, "answer.pain_high")]
    drain()
    assert state(waiting) == WENT


def test_words_given_to_the_patient_who_was_not_asked_are_no_answer(
    patient: Patient, second: Patient, say: Say
) -> None:
    send(patient, Ask("pain"))
    say("4")
    set_right.assign(Alert.objects.get().pk, second.pk, make_staff(patient.clinic))
    assert (Reply.objects.get().patient, Answer.objects.count()) == (second, 0)


KINDS = {"pain": "4", "side_effects": "N", "change": "3"}
WORDS = ["4", "N", "9", "what?", "STOP", "START"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 2), st.sampled_from(sorted(KINDS))),
        st.tuples(st.just("say"), st.integers(0, 2), st.sampled_from(WORDS)),
        st.tuples(st.just("wait"), st.sampled_from([1, 30, 40, 75]), st.just("")),
        st.tuples(st.just("pick"), st.integers(0, 1), st.just("")),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_asked_and_said_every_reply_ends_once_and_in_no_other_chart(
    clinic: Clinic, patient: Patient, second: Patient, steps: list[tuple[str, int, str]]
) -> None:
    """Two patients share a phone, a third has one of her own."""
    begun = clock.now()
    with transaction.atomic():
        alone = make_patient(clinic, phone="+16045550102", sequences=["welcome"]).patient
        _live(steps, [patient, second, alone], make_staff(clinic))
        _holds()
        transaction.set_rollback(True)
    set_now(begun)


def _live(steps: list[tuple[str, int, str]], patients: list[Patient], staff: Staff) -> None:
    for number, (act, which, what) in enumerate(steps):
        if act == "ask":
            send(patients[which], Ask(what))
        elif act == "say":
            phone = PHONE if which < 2 else "+16045550102"
            receive_sms(Inbound(provider_id=f"SM{number}", sender=phone, recipient="+16045550199", body=what))
            drain()
        elif act == "wait":
            later(hours=which)
        else:
            for alert in Alert.objects.filter(reply__patient=None)[:1]:
                set_right.assign(alert.pk, patients[which].pk, staff)


def _holds() -> None:
    for reply in Reply.objects.all():
        answers, alerts = Answer.objects.filter(reply=reply).count(), reply.alerts.count()
        assert (reply.outcome == "answer") == (answers == 1)
        assert reply.outcome != "alert" or alerts
        assert alerts <= 2
    for answer in Answer.objects.select_related("message", "reply"):
        assert answer.patient_id == answer.message.patient_id == answer.reply.patient_id
        assert answer.reply.message_id == answer.message_id
        assert (answer.message.sent_at or clock.now()) <= answer.answered_at
    told = Counter(Answer.objects.values_list("message", flat=True))
    assert set(told.values()) <= {1}
