"""A provider's yes that reaches us late: by a worker that slept, or by a callback long after we gave up hope.

What the machine of tests/domain/lifecycle_model.py found first, told to the real services.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from django.db.models.functions import Now

from campaigns.delivery.channels import Ending, Outcome, Sought
from campaigns.delivery.events import from_twilio
from campaigns.domain.lifecycle import State
from campaigns.models import Attempt, Clinic, Message
from campaigns.queries import clock, queue
from campaigns.services import deliver, send
from campaigns.services.deliver import Ready
from campaigns.services.reconcile import reconcile
from campaigns.services.track import track
from tests.factories import make_patient, set_now
from tests.services.fakes import FakeSender, due_text

TAKEN = Outcome(ending=Ending.ACCEPTED, provider_id="SM-slow")
ABSENT = Outcome(ending=Ending.NOT_SENT)
Wake = partial[None]


def _write_down(ready: Sequence[Ready]) -> None:
    """What a worker does that has its answer: it records it, whatever has happened meanwhile."""
    now = clock.now()
    queue.record([deliver._record(one, TAKEN, now) for one in ready], now)


@pytest.fixture
def asleep(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> tuple[Message, Wake]:
    """A text whose worker sleeps with the provider's yes in its hand, its lease and the quiet time over."""
    message = due_text(make_patient(clinic, email=""))
    set_now(message.send_at)
    held: list[Sequence[Ready]] = []
    with monkeypatch.context() as patch:
        patch.setattr(send, "deliver", held.append)
        send.send_batch()
    Attempt.objects.filter(message=message).update(leased_at=Now() - timedelta(minutes=10))
    return message, partial(_write_down, held[0])


def _after(message: Message) -> tuple[str, bool, int]:
    """State, mark, and how many tries there were once everything due has gone."""
    send.drain()
    message.refresh_from_db()
    return message.state, message.duplicate_possible, message.attempts.count()


def test_it_is_heard_while_the_message_is_in_doubt(
    asleep: tuple[Message, Wake], provider: FakeSender
) -> None:
    message, wake = asleep
    provider.look = lambda sought: Outcome(ending=Ending.UNCERTAIN)
    reconcile()
    wake()
    provider.look = lambda sought: ABSENT
    assert reconcile().again == 0
    assert _after(message) == (State.ACCEPTED, False, 1)


def test_it_is_heard_where_the_message_was_believed_unsent(
    asleep: tuple[Message, Wake], provider: FakeSender
) -> None:
    message, wake = asleep
    provider.look = lambda sought: ABSENT
    assert reconcile().again == 1
    wake()
    assert _after(message) == (State.ACCEPTED, False, 1)


def test_it_marks_a_message_that_has_gone_again(asleep: tuple[Message, Wake], provider: FakeSender) -> None:
    message, wake = asleep
    provider.look = lambda sought: ABSENT
    reconcile()
    send.drain()
    wake()
    assert _after(message) == (State.ACCEPTED, True, 2)


@pytest.mark.parametrize("since", [State.PLANNED, State.SKIPPED, State.CANCELLED])
def test_a_callback_is_heard_whatever_was_made_of_the_message_since(
    asleep: tuple[Message, Wake], provider: FakeSender, since: State
) -> None:
    message, _ = asleep
    provider.look = lambda sought: ABSENT
    reconcile()
    Message.objects.filter(pk=message.pk).update(state=since)
    attempt = message.attempts.get()
    assert track(attempt.pk, from_twilio({"MessageSid": "SM1", "MessageStatus": "delivered"}))
    assert _after(message) == (State.DELIVERED, False, 1)


def test_callbacks_for_two_tries_that_were_both_believed_unsent_mark_it(
    asleep: tuple[Message, Wake], provider: FakeSender
) -> None:
    message, _ = asleep
    provider.look = lambda sought: ABSENT
    provider.answer = lambda outgoing: Outcome(ending=Ending.UNCERTAIN)
    reconcile()
    send.drain()
    Attempt.objects.filter(message=message).update(leased_at=Now() - timedelta(minutes=10))
    assert reconcile().again == 1
    for number, attempt in enumerate(message.attempts.order_by("epoch")):
        track(attempt.pk, from_twilio({"MessageSid": f"SM{number}", "MessageStatus": "sent"}))
    assert _after(message) == (State.ACCEPTED, True, 2)


def test_a_word_that_we_do_not_know_proves_that_a_text_in_doubt_was_taken(
    asleep: tuple[Message, Wake], provider: FakeSender
) -> None:
    message, _ = asleep
    seen: list[Sought] = []
    provider.look = lambda sought: seen.append(sought) or ABSENT  # type: ignore[func-returns-value]
    attempt = message.attempts.get()
    queue.lapse(60)
    assert track(attempt.pk, from_twilio({"MessageSid": "SM1", "MessageStatus": "partially-sent-to-carrier"}))
    assert reconcile().again == 0
    assert _after(message) == (State.ACCEPTED, False, 1)
    assert seen == []


def test_a_callback_that_came_before_an_answer_that_failed_stays_known(
    clinic: Clinic, provider: FakeSender
) -> None:
    message = due_text(make_patient(clinic, email=""))
    set_now(message.send_at)
    send.drain()
    attempt = message.attempts.get()
    row = queue.Record(
        message_id=message.pk,
        attempt_id=attempt.pk,
        epoch=1,
        state=State.UNCERTAIN,
        reason="",
        due_at=message.due_at,
        outcome=Ending.UNCERTAIN,
        provider_id="",
        error_code="20500",
        detail="",
    )
    queue.record([row], clock.now())
    attempt.refresh_from_db()
    assert attempt.outcome == Ending.ACCEPTED


def test_the_provider_is_asked_for_a_try_even_where_its_name_is_on_record(
    asleep: tuple[Message, Wake], provider: FakeSender
) -> None:
    message, _ = asleep
    Attempt.objects.filter(message=message).update(provider_id="SM-slow")
    provider.look = lambda sought: ABSENT if "SM-slow" in sought.known else TAKEN
    assert reconcile().accepted == 1
    assert _after(message) == (State.ACCEPTED, False, 1)
