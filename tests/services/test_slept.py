"""A worker that slept through its lease wakes with an answer in hand: what it knows counts, what it guesses
does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db.models import F

from campaigns.delivery.channels import Ending, Outcome, Sought
from campaigns.domain.lifecycle import State
from campaigns.models import Attempt, Clinic, Message
from campaigns.queries import queue
from campaigns.services import deliver, send
from campaigns.services.deliver import Ready
from campaigns.services.reconcile import reconcile
from tests.factories import make_patient, set_now
from tests.factories import message as message_of
from tests.services.fakes import FakeSender

YES = Outcome(ending=Ending.ACCEPTED, provider_id="SM1")
PERHAPS = Outcome(ending=Ending.UNCERTAIN)


@pytest.fixture
def asleep(clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch) -> tuple[Message, Ready]:
    """A message whose worker went to sleep before it wrote down how its try ended; the lease is over."""
    batches: list[Sequence[Ready]] = []
    message = message_of(make_patient(clinic, email=""), "nsaids")
    set_now(message.send_at)
    with monkeypatch.context() as patch:
        patch.setattr(send, "deliver", batches.append)
        send.send_batch()
    Attempt.objects.update(leased_at=F("leased_at") - timedelta(hours=1))
    return message, batches[0][0]


def believed(provider: FakeSender, found: Outcome) -> None:
    """The reconciler settles it by what the provider's list says."""

    def look(sought: Sought) -> Outcome:
        return found

    provider.look = look
    reconcile()


def wakes(ready: Ready, outcome: Outcome) -> None:
    """The sleeper writes down how its try ended."""
    now = ready.row.send_at
    queue.record([deliver._record(ready, outcome, now)], now)


def tries(message: Message) -> list[tuple[str, str]]:
    message.refresh_from_db()
    rows = Attempt.objects.filter(message=message).order_by("epoch")
    return [(row.outcome, row.provider_id) for row in rows]


def test_a_yes_that_comes_late_stops_the_next_try(
    asleep: tuple[Message, Ready], provider: FakeSender
) -> None:
    message, ready = asleep
    believed(provider, Outcome(ending=Ending.NOT_SENT))
    wakes(ready, YES)
    assert tries(message) == [("accepted", "SM1")]
    assert message.state == State.ACCEPTED
    assert (send.drain(), provider.sent) == (0, [])


def test_a_yes_in_hand_ends_the_doubt(asleep: tuple[Message, Ready], provider: FakeSender) -> None:
    message, ready = asleep
    believed(provider, PERHAPS)
    wakes(ready, YES)
    assert tries(message) == [("accepted", "SM1")]
    assert (message.state, message.duplicate_possible) == (State.ACCEPTED, False)


def test_a_yes_that_comes_after_another_try_marks_the_message(
    asleep: tuple[Message, Ready], provider: FakeSender
) -> None:
    message, ready = asleep
    believed(provider, Outcome(ending=Ending.NOT_SENT))
    provider.answer = lambda outgoing: Outcome(ending=Ending.ACCEPTED, provider_id="SM2")
    assert send.drain() == 1
    wakes(ready, YES)
    assert tries(message) == [("accepted", "SM1"), ("accepted", "SM2")]
    assert (message.state, message.duplicate_possible) == (State.ACCEPTED, True)


@pytest.mark.parametrize("guess", [PERHAPS, Outcome(ending=Ending.NOT_SENT), Outcome(ending=Ending.REJECTED)])
def test_a_guess_that_comes_late_undoes_nothing(
    asleep: tuple[Message, Ready], provider: FakeSender, guess: Outcome
) -> None:
    message, ready = asleep
    believed(provider, YES)
    wakes(ready, guess)
    assert tries(message) == [("accepted", "SM1")]
    assert (message.state, message.duplicate_possible) == (State.ACCEPTED, False)
