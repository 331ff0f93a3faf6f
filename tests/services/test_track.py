"""News from the provider moves a message forward only, in whatever order and however often it comes."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from campaigns.delivery.events import from_twilio
from campaigns.domain.lifecycle import State
from campaigns.models import Clinic, DeliveryEvent
from campaigns.services import send
from campaigns.services.track import track
from tests.factories import make_patient, set_now
from tests.services.fakes import FakeSender, due_text

WORDS = ("sent", "delivered", "undelivered")
ORDERS = [*permutations(WORDS), *product(WORDS, repeat=2), ("sent", "sent", "delivered", "sent", "delivered")]


@pytest.mark.parametrize("words", ORDERS, ids=" ".join)
def test_the_first_final_word_stands(clinic: Clinic, provider: FakeSender, words: tuple[str, ...]) -> None:
    message = due_text(make_patient(clinic, email=""))
    set_now(message.send_at)
    send.drain()
    attempt = message.attempts.get()
    for word in words:
        assert track(attempt.pk, from_twilio({"MessageSid": attempt.provider_id, "MessageStatus": word}))
    message.refresh_from_db()
    final = next((word for word in words if word != "sent"), None)
    assert message.state == (State(final) if final else State.ACCEPTED)
    assert bool(message.reason) == (final == "undelivered")
    assert DeliveryEvent.objects.filter(attempt=attempt).count() == len(set(words))
