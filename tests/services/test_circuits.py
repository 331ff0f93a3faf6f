"""A channel that takes nothing is left alone, and used again as soon as it answers."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from campaigns.delivery.channels import Ending, Outcome, Outgoing
from campaigns.domain.lifecycle import Reason, State
from campaigns.models import ChannelState, Clinic, Message
from campaigns.services import deliver, send
from tests.factories import make_patient, message, set_now
from tests.services.fakes import FakeSender, accept, due_text

DOWN = Outcome(ending=Ending.NOT_SENT, detail="nobody answers")


def _texts(clinic: Clinic, count: int) -> list[Message]:
    """So many texts that are due now, to different numbers."""
    return [
        due_text(make_patient(clinic, email="", phone=f"+160455501{last:02}"))
        for last in range(10, 10 + count)
    ]


def _tick(at: datetime) -> int:
    """One look for due messages at an instant; how many were tried."""
    set_now(at)
    return send.drain()


@pytest.fixture
def few_threads(settings: object) -> None:
    """One round tries as many messages as there are threads, so the first tries of an outage are few."""
    settings.SENDER_THREADS = 4  # type: ignore[attr-defined]


@pytest.mark.usefixtures("few_threads")
@pytest.mark.parametrize(
    "outcome", [DOWN, Outcome(ending=Ending.UNCERTAIN, detail="500")], ids=["refused", "uncertain"]
)
def test_an_outage_costs_a_few_tries_and_then_one_at_a_time(
    clinic: Clinic, provider: FakeSender, outcome: Outcome
) -> None:
    texts = _texts(clinic, 30)
    start = texts[0].send_at
    provider.answer = lambda outgoing: outcome
    _tick(start)
    first = len(provider.sent)
    for seconds in range(2, 600, 2):
        _tick(start + timedelta(seconds=seconds))
    # At 15, 45, 105, 225 and 465 seconds; five rounds later at most.
    assert len(provider.sent) - first == 5
    assert ChannelState.objects.get().why == Reason.PROVIDER_DOWN
    provider.answer = accept
    _tick(start + timedelta(minutes=20))
    _tick(start + timedelta(minutes=21))
    uncertain = Message.objects.filter(state=State.UNCERTAIN).count()
    assert Message.objects.filter(state=State.ACCEPTED).count() == 30 - uncertain
    assert (ChannelState.objects.get().shut_until, uncertain) == (
        None,
        first + 5 if outcome.ending is Ending.UNCERTAIN else 0,
    )


def test_what_one_round_learns_the_rest_of_its_batch_heeds(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    settings.SENDER_THREADS = 2  # type: ignore[attr-defined]
    monkeypatch.setattr(deliver, "FRESH_SECONDS", 0)
    texts = _texts(clinic, 12)
    provider.answer = lambda outgoing: DOWN
    _tick(texts[0].send_at)
    assert len(provider.sent) == 6
    kept = {message.due_at > texts[0].send_at for message in Message.objects.filter(state=State.WAITING)}
    assert kept == {True}


@pytest.mark.usefixtures("few_threads")
def test_a_wish_to_wait_holds_for_the_whole_channel(clinic: Clinic, provider: FakeSender) -> None:
    texts = _texts(clinic, 20)
    start = texts[0].send_at
    provider.answer = lambda outgoing: Outcome(ending=Ending.NOT_SENT, retry_after=60)
    for seconds in range(0, 60, 2):
        _tick(start + timedelta(seconds=seconds))
    assert len(provider.sent) <= 16
    provider.answer = accept
    _tick(start + timedelta(seconds=61))
    _tick(start + timedelta(seconds=200))
    assert Message.objects.filter(state=State.ACCEPTED).count() == 20


@pytest.mark.usefixtures("few_threads")
def test_other_clinics_and_other_channels_go_on(clinic: Clinic, provider: FakeSender) -> None:
    enrolled = make_patient(clinic)
    start = message(enrolled, "nsaids").send_at
    others = _texts(clinic, 8)

    def no_texts(outgoing: Outgoing) -> Outcome:
        return DOWN if outgoing.to.startswith("+") else accept(outgoing)

    provider.answer = no_texts
    _tick(start)
    _tick(start + timedelta(seconds=4))
    assert ChannelState.objects.get().channel == "sms"
    mails = Message.objects.filter(channel="email", step="nsaids")
    assert [mail.state for mail in mails] == [State.ACCEPTED]
    assert Message.objects.filter(pk__in=[one.pk for one in others], state=State.ACCEPTED).count() == 0


@pytest.mark.usefixtures("few_threads")
def test_the_most_urgent_message_is_the_probe(clinic: Clinic, provider: FakeSender) -> None:
    texts = _texts(clinic, 12)
    start = texts[0].send_at
    provider.answer = lambda outgoing: DOWN
    _tick(start)
    waiting = Message.objects.filter(pk__in=[text.pk for text in texts]).order_by("-pk").first()
    assert waiting is not None
    Message.objects.filter(pk=waiting.pk).update(priority=0, due_at=start)
    set_now(start + timedelta(seconds=16))
    send.send_batch()
    assert provider.sent[-1].to == waiting.patient.contact_points.get().address


@pytest.mark.usefixtures("few_threads")
def test_what_becomes_too_late_meanwhile_says_so_and_never_goes(clinic: Clinic, provider: FakeSender) -> None:
    texts = _texts(clinic, 6)
    provider.answer = lambda outgoing: DOWN
    _tick(texts[0].send_at)
    provider.answer = accept
    _tick(texts[0].expires_at)
    ended = Message.objects.filter(pk__in=[text.pk for text in texts])
    assert set(ended.values_list("state", "reason")) == {(State.SKIPPED, Reason.EXPIRED)}


def test_a_number_is_given_no_more_than_it_carries(clinic: Clinic, provider: FakeSender) -> None:
    Clinic.objects.update(segments_per_second=1)
    texts = _texts(clinic, 30)
    start, seconds = texts[0].send_at, 0
    given: list[int] = []
    while Message.objects.filter(pk__in=[text.pk for text in texts]).exclude(state=State.ACCEPTED).exists():
        _tick(start + timedelta(seconds=seconds))
        given.append(len(provider.sent))
        seconds += 2
        assert seconds < 300
    segments = Message.objects.filter(state=State.ACCEPTED).values_list("segments", flat=True)[0]
    # The first ones fill the ten seconds ahead, the others follow at the pace of the number.
    assert 10 <= given[0] * segments <= 10 + segments
    assert 30 * segments - 10 - 2 * segments <= seconds <= 30 * segments + 20
    assert Message.objects.filter(reason=Reason.SENDER_BUSY).count() == 0


def test_an_answer_to_a_patient_does_not_wait_for_the_pace(clinic: Clinic, provider: FakeSender) -> None:
    Clinic.objects.update(segments_per_second=0.05)
    texts = _texts(clinic, 4)
    _tick(texts[0].send_at)
    waiting = Message.objects.filter(state=State.WAITING, reason=Reason.SENDER_BUSY).first()
    assert waiting is not None
    Message.objects.filter(pk=waiting.pk).update(priority=1, due_at=texts[0].send_at)
    _tick(texts[0].send_at + timedelta(seconds=2))
    waiting.refresh_from_db()
    assert waiting.state == State.ACCEPTED


def test_a_clock_that_was_put_back_keeps_no_channel_shut(clinic: Clinic, provider: FakeSender) -> None:
    Clinic.objects.update(segments_per_second=1)
    text = _texts(clinic, 1)[0]
    later = text.send_at + timedelta(hours=5)
    row = ChannelState.objects.create(clinic=clinic, channel="sms", free_at=later)
    _tick(text.send_at)
    _tick(text.send_at + timedelta(seconds=15))
    text.refresh_from_db()
    assert text.state == State.ACCEPTED
    shut = {"failures": 9, "times": 2, "since": later, "shut_until": later, "why": "provider_down"}
    ChannelState.objects.filter(pk=row.pk).update(**shut)
    other = due_text(make_patient(clinic, email="", phone="+16045550177"))
    _tick(other.send_at + timedelta(minutes=10))
    row.refresh_from_db()
    other.refresh_from_db()
    assert (other.state, row.shut_until) == (State.ACCEPTED, None)
