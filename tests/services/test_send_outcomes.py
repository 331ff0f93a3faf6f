"""Each ending of a try, and the order of commit and byte."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from campaigns.delivery.channels import Ending, Outcome, Outgoing
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, Clinic, ContactPoint, Message
from campaigns.queries import queue
from campaigns.services import send
from campaigns.services.consent import opt_out
from tests.factories import make_patient, set_now
from tests.services.fakes import FakeSender, accept, due_text, second_connection


def _due(clinic: Clinic, phone: str = "+16045550101") -> Message:
    message = due_text(make_patient(clinic, email="", phone=phone))
    set_now(message.send_at)
    return message


def _always(outcome: Outcome) -> Callable[[Outgoing], Outcome]:
    return lambda outgoing: outcome


def test_an_accepted_text_keeps_the_name_the_provider_gave_it(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    provider.answer = _always(Outcome(ending=Ending.ACCEPTED, provider_id="SM1"))
    send.drain()
    message.refresh_from_db()
    attempt = Attempt.objects.get(message=message)
    assert (message.state, message.reason, message.tries) == (State.ACCEPTED, "", 1)
    assert (message.sent_at, message.settled_at) == (message.send_at, message.send_at)
    assert (attempt.outcome, attempt.provider_id) == (Ending.ACCEPTED, "SM1")
    assert attempt.finished_at is not None


def test_what_was_not_sent_waits_and_is_tried_again_later(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    provider.answer = _always(Outcome(ending=Ending.NOT_SENT, retry_after=40, detail="busy"))
    send.drain()
    message.refresh_from_db()
    assert message.state == State.WAITING
    assert message.due_at >= message.send_at + timedelta(seconds=40)
    assert message.sent_at is None
    assert send.drain() == 0
    set_now(message.due_at)
    provider.answer = accept
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.tries) == (State.ACCEPTED, 2)
    endings = Attempt.objects.filter(message=message).order_by("epoch").values_list("outcome", flat=True)
    assert list(endings) == [Ending.NOT_SENT, Ending.ACCEPTED]


@pytest.mark.parametrize(
    ("said", "kept"),
    [(Reason.BAD_ADDRESS, Reason.BAD_ADDRESS), (None, Reason.PROVIDER_REFUSED)],
)
def test_a_refusal_is_final_and_says_why(
    clinic: Clinic, provider: FakeSender, said: Reason | None, kept: Reason
) -> None:
    message = _due(clinic)
    provider.answer = _always(Outcome(ending=Ending.REJECTED, reason=said, error_code="21211"))
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason, message.sent_at) == (State.REJECTED, kept, None)
    assert Attempt.objects.get(message=message).error_code == "21211"
    set_now(message.expires_at - timedelta(seconds=1))
    send.drain()
    assert Attempt.objects.filter(message=message).count() == 1


def test_an_uncertain_try_is_never_repeated_by_sending(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    provider.answer = _always(Outcome(ending=Ending.UNCERTAIN))
    for _ in range(3):
        send.drain()
    message.refresh_from_db()
    assert message.state == State.UNCERTAIN
    assert len(provider.sent) == 1


def test_the_attempt_is_committed_and_no_lock_held_when_the_byte_leaves(
    open_clinic: Clinic, provider: FakeSender
) -> None:
    message = _due(open_clinic)
    seen: list[object] = []

    def look_from_outside(outgoing: Outgoing) -> Outcome:
        with second_connection() as other:
            row = (
                "SELECT a.outcome, m.state FROM attempt a JOIN message m ON m.id = message_id WHERE a.id = %s"
            )
            seen.append(other.execute(row, [outgoing.attempt_id]).fetchone())
            seen.append(
                other.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                ).fetchone()
            )
            # Raises where anybody holds the row.
            other.execute("SELECT id FROM message WHERE id = %s FOR UPDATE NOWAIT", [message.pk])
        return accept(outgoing)

    provider.answer = look_from_outside
    send.drain()
    assert seen == [("", State.ATTEMPTING), (0,)]
    message.refresh_from_db()
    assert message.state == State.ACCEPTED


def test_one_poisoned_message_does_not_stop_the_others(clinic: Clinic, provider: FakeSender) -> None:
    poisoned = _due(clinic, "+16045550101")
    others = [_due(clinic, f"+1604555010{last}") for last in (2, 3, 4)]

    def choke(outgoing: Outgoing) -> Outcome:
        if outgoing.to == "+16045550101":
            raise RuntimeError("a fault of the channel")
        return accept(outgoing)

    provider.answer = choke
    assert send.drain() == 4
    poisoned.refresh_from_db()
    assert poisoned.state == State.UNCERTAIN
    states = Message.objects.filter(pk__in=[other.pk for other in others]).values_list("state", flat=True)
    assert list(states) == [State.ACCEPTED] * 3


def test_an_opt_out_between_claim_and_byte_is_heard(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _due(clinic)
    point = ContactPoint.objects.get(patient=message.patient, channel=Channel.SMS)
    really = queue.opted_out_since

    def stop_just_before(ids: list[int]) -> set[int]:
        opt_out(point.address_index, Channel.SMS, source="test", now=message.send_at)
        return really(ids)

    monkeypatch.setattr(queue, "opted_out_since", stop_just_before)
    send.drain()
    message.refresh_from_db()
    assert (message.reason, message.sent_at, provider.sent) == (Reason.OPTED_OUT, None, [])
    set_now(message.due_at)
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason, provider.sent) == (State.SKIPPED, Reason.OPTED_OUT, [])
