"""A text is stored before anything is made of it, and what was stored is always read in the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from campaigns import tasks
from campaigns.models import Alert, Clinic, Message, Reply
from campaigns.services import receive, take_in
from campaigns.services.take_in import Inbound, receive_sms, take_up_waiting
from tests.factories import make_patient

PHONE = "+16045550101"
WORDS = "please move my visit"
DANGER = "I cannot breathe"


@pytest.fixture(autouse=True)
def patient(clinic: Clinic) -> None:
    make_patient(clinic, phone=PHONE)


@pytest.fixture
def crowd() -> Iterator[None]:
    """This process has another text in hand."""
    with take_in._in_hand:
        yield


def text(words: str, number: int = 1) -> Inbound:
    return Inbound(provider_id=f"SM{number}", sender=PHONE, recipient="+16045550199", body=words)


def fail(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules fail that often, and say what they failed on."""
    left, rules = [*range(times)], receive.act_on

    def act_on(reply: Reply) -> None:
        Alert.objects.create(
            clinic=None, reply=reply, urgency="routine", rule="", opened_at=reply.received_at
        )
        if left:
            left.pop()
            raise ValueError(reply.body)
        Alert.objects.all().delete()
        rules(reply)

    monkeypatch.setattr(receive, "act_on", act_on)


def test_a_fault_in_the_rules_loses_no_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail(1, monkeypatch)
    assert receive_sms(text(WORDS)) == Reply.Outcome.WAITING
    assert not Alert.objects.exists()
    assert WORDS not in caplog.text
    [line] = caplog.records
    assert line.why.startswith("ValueError at test_take_in.py:")  # type: ignore[attr-defined]
    tasks.take_up_waiting.apply(throw=True)
    assert Reply.objects.get().outcome == Reply.Outcome.ALERT
    assert Alert.objects.get().rule == "not understood"


def test_what_the_rules_cannot_get_through_goes_to_a_person(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(99, monkeypatch)
    receive_sms(text(WORDS))
    take_up_waiting()
    take_up_waiting()
    alert = Alert.objects.get()
    assert (alert.rule, alert.urgency, alert.clinic) == ("could not be read", "urgent", clinic)
    assert (alert.reply and alert.reply.body, alert.reply and alert.reply.sender) == (WORDS, PHONE)
    assert take_up_waiting() is False
    assert Alert.objects.count() == 1


def test_a_crowd_waits_for_the_worker_in_the_order_in_which_it_came(crowd: None) -> None:
    for number, words in enumerate((WORDS, "STOP", WORDS)):
        assert receive_sms(text(words, number)) == Reply.Outcome.WAITING
    assert Reply.objects.filter(patient=None).count() == 3
    assert take_up_waiting() is False
    assert [reply.outcome for reply in Reply.objects.order_by("pk")] == ["alert", "opt_out", "alert"]


def test_danger_never_waits(crowd: None) -> None:
    assert receive_sms(text(DANGER)) == Reply.Outcome.ALERT
    assert Alert.objects.get().urgency == "emergency"
    assert Message.objects.filter(template="auto/emergency").exists()


def test_a_text_that_is_being_read_is_not_read_twice(crowd: None) -> None:
    receive_sms(text("STOP"))
    reply = Reply.objects.get()
    assert {take_in.take_up(reply.pk), take_in.take_up(reply.pk)} == {Reply.Outcome.OPT_OUT}
    assert Message.objects.filter(template="auto/stop").count() == 1


def test_a_repeat_changes_nothing(crowd: None) -> None:
    receive_sms(text(WORDS))
    assert receive_sms(text("other words")) == Reply.Outcome.WAITING
    assert Reply.objects.get().body == WORDS


def test_a_slice_of_time_ends_and_says_that_there_is_more(
    crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        receive_sms(text(WORDS, number))
    monkeypatch.setattr(take_in, "LONGEST_SLICE", -1.0)
    assert [take_up_waiting() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    "broken", [{"staffed_hours": {"0": ["nine", "five"], "x": 7}}, {"time_zone": "Mars"}]
)
def test_hours_that_cannot_be_read_hold_up_no_danger(clinic: Clinic, broken: dict[str, object]) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(**broken)
    assert receive_sms(text(DANGER)) == Reply.Outcome.ALERT
    assert receive_sms(text(WORDS, 2)) == Reply.Outcome.ALERT
    assert {alert.urgency for alert in Alert.objects.all()} >= {"emergency"}
    # Nobody can say that somebody is there, so nobody does.
    assert Message.objects.filter(template="auto/emergency_unread").exists()
