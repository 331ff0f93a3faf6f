"""Sending: every gate asked again, the attempt before the byte, one ending for each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, Clinic, ContactPoint, Installation, Message, Patient
from campaigns.queries import queue
from campaigns.services import deliver, installation, send
from campaigns.services.consent import opt_out
from tests.factories import NOON, make_clinic, make_patient, message, set_now
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


def _key_gone(message: Message) -> None:
    with connection.cursor() as cursor:
        sql = "UPDATE contact_point SET address = 'k9:AAAA' WHERE patient_id = %s"
        cursor.execute(sql, [message.patient_id])


def _hours_malformed(message: Message) -> None:
    hours = {str(day): ["nine", "five"] for day in range(7)}
    Clinic.objects.filter(pk=message.clinic_id).update(staffed_hours=hours)


def _limits_malformed(message: Message) -> None:
    Clinic.objects.filter(pk=message.clinic_id).update(sms_limits={"gsm_single": 1, "gsm_part": 0})


def _clinic_zone_gone(message: Message) -> None:
    Clinic.objects.filter(pk=message.clinic_id).update(time_zone="Mars/Olympus")


def _patient_zone_gone(message: Message) -> None:
    Patient.objects.filter(pk=message.patient_id).update(time_zone="Mars/Olympus")


@pytest.mark.parametrize(
    ("spoil", "ends"),
    [
        (_key_gone, (State.WAITING, Reason.RENDER_ERROR)),
        (_hours_malformed, (State.ACCEPTED, "")),  # that day counts as closed
        (_limits_malformed, (State.SKIPPED, Reason.RENDER_ERROR)),
        (_clinic_zone_gone, (State.SKIPPED, Reason.RENDER_ERROR)),
        (_patient_zone_gone, (State.ACCEPTED, "")),  # by the clinic's hours
    ],
)
def test_a_row_that_cannot_be_read_stops_alone(
    clinic: Clinic, provider: FakeSender, spoil: Callable[[Message], None], ends: tuple[str, str]
) -> None:
    spoiled = due_text(make_patient(make_clinic(name="Far Clinic"), email="", phone="+16045550101"))
    other = due_text(make_patient(clinic, email="", phone="+16045550102"))
    spoil(spoiled)
    set_now(other.send_at)
    send.drain()
    for row in (spoiled, other):
        row.refresh_from_db(fields=["state", "reason"])
    assert (spoiled.state, spoiled.reason) == ends
    assert other.state == State.ACCEPTED


def test_what_lacks_its_key_goes_when_the_key_is_back(clinic: Clinic, provider: FakeSender) -> None:
    message = due_text(make_patient(clinic, email=""))
    point = ContactPoint.objects.get(patient=message.patient)
    _key_gone(message)
    set_now(message.send_at)
    send.drain()
    point.save()
    set_now(message.send_at + send.KEY_WAIT)
    send.drain()
    assert [outgoing.to for outgoing in provider.sent] == [point.address]


def test_what_lacks_its_key_until_it_is_too_late_says_so(clinic: Clinic, provider: FakeSender) -> None:
    message = due_text(make_patient(clinic, email=""))
    _key_gone(message)
    set_now(message.expires_at - send.KEY_WAIT)
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.SKIPPED, Reason.RENDER_ERROR)


def test_each_look_for_due_messages_is_reported_and_one_that_fails_is_not(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    send.send_batch()
    assert Installation.objects.get().last_tick_at == NOON
    installation.pause("a test", by="test")
    set_now(NOON + timedelta(minutes=1))
    send.send_batch()
    assert Installation.objects.get().last_tick_at == NOON + timedelta(minutes=1)
    installation.resume(by="test")
    set_now(NOON)  # a rehearsal has given the clock back
    monkeypatch.setattr(queue, "claim", lambda now, limit: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send.send_batch()
    assert Installation.objects.get().last_tick_at == NOON + timedelta(minutes=1)
    monkeypatch.undo()
    send.send_batch()
    assert Installation.objects.get().last_tick_at == NOON


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
        really = queue.no_longer_wanted

        def note(ids: list[int], now: datetime) -> dict[int, str]:
            texts = Message.objects.filter(step="nsaids", channel=Channel.SMS)
            seen.append(sorted(texts.values_list("state", flat=True)))
            return really(ids, now)

        monkeypatch.setattr(queue, "no_longer_wanted", note)
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
        monkeypatch.setattr(deliver, "FRESH_SECONDS", 0)
        assert send.drain() == len(provider.sent) == 3
        assert asked == [
            ["attempting", "attempting", "attempting"],
            ["accepted", "attempting", "attempting"],
            ["accepted", "accepted", "attempting"],
        ]

    def test_who_opts_out_while_others_are_sent_gets_nothing(
        self, due: list[Message], provider: FakeSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deliver, "FRESH_SECONDS", 0)
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
        monkeypatch.setattr(deliver, "FRESH_SECONDS", 0)
        really = queue.record

        def lose_the_rest(records: list[queue.Record], now: datetime) -> int:
            moved = really(records, now)
            Message.objects.filter(state=State.ATTEMPTING).update(state=State.UNCERTAIN)
            return moved

        monkeypatch.setattr(queue, "record", lose_the_rest)
        send.send_batch()
        assert len(provider.sent) == 1
