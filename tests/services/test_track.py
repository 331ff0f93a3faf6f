"""News from the provider moves a message forward only, in whatever order and however often it comes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import permutations, product

import pytest
from django.db import connection

from campaigns.delivery.channels import Ending, Outcome, Outgoing
from campaigns.delivery.events import from_twilio
from campaigns.domain.lifecycle import State
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, ContactPoint, DeliveryEvent
from campaigns.services import send
from campaigns.services.reconcile import reconcile
from campaigns.services.track import track
from tests.factories import make_patient, message, set_now
from tests.services.fakes import FakeSender, due_text

WORDS = ("sent", "delivered", "undelivered")
ORDERS = [*permutations(WORDS), *product(WORDS, repeat=2), ("sent", "sent", "delivered", "sent", "delivered")]


@pytest.mark.parametrize("words", ORDERS, ids=" ".join)
def test_the_first_final_word_stands(clinic: Clinic, provider: FakeSender, words: tuple[str, ...]) -> None:
    told = due_text(make_patient(clinic, email=""))
    set_now(told.send_at)
    send.drain()
    attempt = told.attempts.get()
    for word in words:
        assert track(attempt.pk, from_twilio({"MessageSid": attempt.provider_id, "MessageStatus": word}))
    told.refresh_from_db()
    final = next((word for word in words if word != "sent"), None)
    assert told.state == (State(final) if final else State.ACCEPTED)
    assert bool(told.reason) == (final == "undelivered")
    assert DeliveryEvent.objects.filter(attempt=attempt).count() == len(set(words))


def test_news_that_overtakes_our_own_record_stands(open_clinic: Clinic, provider: FakeSender) -> None:
    """The text has arrived before the provider has answered that it takes it."""
    message = due_text(make_patient(open_clinic, email=""))
    set_now(message.send_at)

    def arrive_first(outgoing: Outgoing) -> Outcome:
        track(outgoing.attempt_id, from_twilio({"MessageSid": "SM1", "MessageStatus": "delivered"}))
        connection.close()  # that of the sender's thread
        return Outcome(ending=Ending.ACCEPTED, provider_id="SM1")

    provider.answer = arrive_first
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.attempts.get().provider_id) == (State.DELIVERED, "SM1")


@pytest.mark.parametrize("word", ["delivered", "undelivered"])
def test_news_that_comes_after_days_of_silence_still_counts(
    clinic: Clinic, provider: FakeSender, word: str
) -> None:
    message = due_text(make_patient(clinic, email=""))
    set_now(message.send_at)
    send.drain()
    set_now(message.send_at + timedelta(hours=73))
    reconcile()
    message.refresh_from_db()
    assert message.state == State.UNKNOWN
    attempt = message.attempts.get()
    track(attempt.pk, from_twilio({"MessageSid": attempt.provider_id, "MessageStatus": word}))
    message.refresh_from_db()
    assert message.state == State(word)


def test_what_a_landline_cannot_take_goes_by_mail(
    clinic: Clinic,
    provider: FakeSender,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]],
) -> None:
    enrolled = make_patient(clinic)
    told = due_text(enrolled)
    set_now(told.send_at)
    send.drain()
    news = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30006"}
    with django_capture_on_commit_callbacks(execute=True):
        track(told.attempts.get().pk, from_twilio(news))
    point = enrolled.patient.contact_points.get(channel=Channel.SMS)
    assert point.state == ContactPoint.State.LANDLINE
    assert message(enrolled, "avoid").state == State.CANCELLED
    assert message(enrolled, "avoid", Channel.EMAIL).state == State.PLANNED
