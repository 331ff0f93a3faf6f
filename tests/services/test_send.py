"""Sending: every gate asked again, the attempt before the byte, one ending for each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, Clinic, ContactPoint, Message
from campaigns.queries import queue
from campaigns.services import send
from campaigns.services.consent import opt_out
from tests.factories import make_patient, message, set_now
from tests.services.fakes import FakeSender, due_text


def test_it_sends_what_is_due_and_nothing_else(clinic: Clinic) -> None:
    enrolled = make_patient(clinic)
    due = message(enrolled, "nsaids")
    set_now(due.send_at - timedelta(seconds=1))
    assert send.send_batch().tried == 0
    set_now(due.send_at)
    assert send.send_batch().tried == 2
    due.refresh_from_db()
    assert due.state == State.ACCEPTED
    assert due.body.startswith("Westside Clinic: ")
    assert Attempt.objects.get(message=due).provider_id
    assert message(enrolled, "avoid").state == State.PLANNED


@pytest.mark.parametrize("times", [2, 3])
def test_it_sends_each_message_once_however_often_it_is_asked(clinic: Clinic, times: int) -> None:
    enrolled = make_patient(clinic)
    set_now(message(enrolled, "nsaids").send_at)
    for _ in range(times):
        send.drain()
    assert Attempt.objects.count() == 2


class TestRounds:
    """One thread, and more messages than one try: what is asked and recorded between them."""

    @pytest.fixture
    def due(self, clinic: Clinic, settings: Any) -> list[Message]:
        settings.SENDER_THREADS = 1
        patients = [make_patient(clinic, email="", phone=f"+1604555010{last}") for last in range(1, 4)]
        messages = [due_text(enrolled) for enrolled in patients]
        set_now(messages[0].send_at)
        return messages

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        """The states of the messages at each question about opt-outs."""
        seen: list[list[str]] = []
        really = queue.opted_out_since

        def note(ids: list[int]) -> set[int]:
            texts = Message.objects.filter(step="nsaids", channel=Channel.SMS)
            seen.append(sorted(texts.values_list("state", flat=True)))
            return really(ids)

        monkeypatch.setattr(queue, "opted_out_since", note)
        return seen

    def test_while_the_answer_is_fresh_it_is_not_asked_again(
        self, due: list[Message], asked: list[list[str]], provider: FakeSender
    ) -> None:
        assert send.drain() == len(provider.sent) == 3
        assert asked == [["attempting"] * 3]

    def test_a_stale_answer_is_asked_again_and_what_is_done_is_on_record_by_then(
        self,
        due: list[Message],
        asked: list[list[str]],
        provider: FakeSender,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(send, "FRESH_SECONDS", 0)
        assert send.drain() == len(provider.sent) == 3
        assert asked == [
            ["attempting", "attempting", "attempting"],
            ["accepted", "attempting", "attempting"],
            ["accepted", "accepted", "attempting"],
        ]

    def test_who_opts_out_while_others_are_sent_gets_nothing(
        self, due: list[Message], provider: FakeSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(send, "FRESH_SECONDS", 0)
        really = queue.record

        def stop_the_last(records: list[queue.Record], now: datetime) -> int:
            if len(provider.sent) == 1:
                last = due_point(provider)
                opt_out(last.address_index, Channel.SMS, source="test", now=now)
            return really(records, now)

        def due_point(provider: FakeSender) -> ContactPoint:
            sent = {outgoing.to for outgoing in provider.sent}
            points = ContactPoint.objects.filter(channel=Channel.SMS)
            return next(point for point in points if point.address not in sent)

        monkeypatch.setattr(queue, "record", stop_the_last)
        send.drain()
        assert len(provider.sent) == 2
        stopped = Message.objects.get(step="nsaids", reason=Reason.OPTED_OUT)
        assert stopped.state in {State.WAITING, State.SKIPPED}

    def test_what_was_lost_meanwhile_is_let_be(
        self, due: list[Message], provider: FakeSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(send, "FRESH_SECONDS", 0)
        really = queue.record

        def lose_the_rest(records: list[queue.Record], now: datetime) -> int:
            moved = really(records, now)
            Message.objects.filter(state=State.ATTEMPTING).update(state=State.UNCERTAIN)
            return moved

        monkeypatch.setattr(queue, "record", lose_the_rest)
        send.send_batch()
        assert len(provider.sent) == 1
