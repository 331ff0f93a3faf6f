"""News from the provider moves a message forward only, in whatever order and however often it comes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import permutations, product

import pytest
from django.db import connection

from campaigns.delivery.channels import Ending, Outcome, Outgoing
from campaigns.delivery.events import DeliveryEvent as News
from campaigns.delivery.events import from_twilio
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, Clinic, ContactPoint, DeliveryEvent, Message, Wording, WordingComment
from campaigns.services import send
from campaigns.services.plan import replan_patient
from campaigns.services.reconcile import reconcile
from campaigns.services.track import track
from tests.factories import make_patient, message, set_now
from tests.services.fakes import FakeSender, due_text

WORDS = ("sent", "delivered", "undelivered")
ORDERS = [*permutations(WORDS), *product(WORDS, repeat=2), ("sent", "sent", "delivered", "sent", "delivered")]


def _news(attempt: Attempt, word: str, code: str = "30007") -> News:
    """A word of the provider. What a filter of the carrier stops is not tried again."""
    params = {"MessageSid": attempt.provider_id, "MessageStatus": word}
    return from_twilio(params | {"ErrorCode": code} if word == "undelivered" else params)


@pytest.mark.parametrize("words", ORDERS, ids=" ".join)
def test_the_first_final_word_stands(clinic: Clinic, provider: FakeSender, words: tuple[str, ...]) -> None:
    told = due_text(make_patient(clinic, email=""))
    set_now(told.send_at)
    send.drain()
    attempt = told.attempts.get()
    for word in words:
        assert track(attempt.pk, _news(attempt, word))
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
    track(attempt.pk, _news(attempt, word))
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


# --- what could not arrive


def _unreached(told: Message) -> None:
    attempt = told.attempts.latest("epoch")
    track(attempt.pk, _news(attempt, "undelivered", "30003"))
    told.refresh_from_db()


def test_a_handset_that_is_off_is_tried_once_more_and_then_it_is_over(
    clinic: Clinic, provider: FakeSender
) -> None:
    told = due_text(make_patient(clinic, email=""))
    set_now(told.send_at)
    send.drain()
    _unreached(told)
    assert (told.state, told.reason) == (State.WAITING, Reason.UNREACHABLE)
    assert timedelta(hours=1) <= told.due_at - told.send_at <= timedelta(hours=1.25)
    _unreached(told)
    assert told.state == State.WAITING
    set_now(told.due_at)
    send.drain()
    _unreached(told)
    assert (told.state, told.reason, len(provider.sent)) == (State.UNDELIVERED, Reason.UNREACHABLE, 2)
    assert not told.duplicate_possible


def test_a_handset_that_answers_meanwhile_is_not_tried_again(clinic: Clinic, provider: FakeSender) -> None:
    told = due_text(make_patient(clinic, email=""))
    set_now(told.send_at)
    send.drain()
    _unreached(told)
    attempt = told.attempts.get()
    track(attempt.pk, _news(attempt, "delivered"))
    set_now(told.due_at + timedelta(hours=2))
    send.drain()
    told.refresh_from_db()
    assert (told.state, len(provider.sent)) == (State.DELIVERED, 1)


def test_nobody_is_tried_again_when_it_would_be_too_late(clinic: Clinic, provider: FakeSender) -> None:
    told = due_text(make_patient(clinic, email=""))
    set_now(told.send_at)
    send.drain()
    set_now(told.expires_at - timedelta(minutes=30))
    _unreached(told)
    assert (told.state, told.reason) == (State.UNDELIVERED, Reason.UNREACHABLE)


@pytest.mark.parametrize("other_channel", [True, False])
def test_a_step_that_goes_one_way_goes_the_other_when_the_first_fails(
    clinic: Clinic,
    provider: FakeSender,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]],
    other_channel: bool,
) -> None:
    Clinic.objects.update(other_channel=other_channel)
    enrolled = make_patient(clinic)
    told = message(enrolled, "avoid")
    set_now(told.send_at)
    send.drain()
    attempt = told.attempts.get()
    with django_capture_on_commit_callbacks(execute=True):
        track(attempt.pk, _news(attempt, "undelivered"))
    set_now(told.send_at + timedelta(minutes=1))
    mails = enrolled.patient.messages.filter(step="avoid", channel=Channel.EMAIL)
    send.drain()
    replan_patient(enrolled.patient.pk)
    assert list(mails.values_list("state", flat=True)) == ([State.ACCEPTED] if other_channel else [])
    told.refresh_from_db()
    assert (told.state, told.reason) == (State.UNDELIVERED, Reason.FILTERED)


def test_words_that_carriers_filter_are_taken_back_until_a_person_has_looked(
    clinic: Clinic, provider: FakeSender
) -> None:
    enrolled = [make_patient(clinic, email="", phone=f"+1604555010{last}") for last in range(5)]
    texts = [due_text(one) for one in enrolled]
    set_now(texts[0].send_at)
    Message.objects.filter(pk=texts[4].pk).update(due_at=texts[4].send_at + timedelta(minutes=5))
    send.drain()
    approved = Wording.objects.filter(template="pretreatment/nsaids", channel="sms", language="en-CA")
    for number, told in enumerate(texts[:3]):
        assert approved.get().state == Wording.State.APPROVED, number
        attempt = told.attempts.get()
        track(attempt.pk, _news(attempt, "undelivered"))
    assert approved.get().state == Wording.State.DRAFT
    assert "filtered 3 of 4 texts" in WordingComment.objects.get().text
    set_now(texts[4].send_at + timedelta(minutes=6))
    send.drain()
    texts[4].refresh_from_db()
    assert (texts[4].state, texts[4].reason) == (State.SKIPPED, Reason.TRANSLATION_NOT_APPROVED)
