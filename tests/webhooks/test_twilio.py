"""What Twilio's news does: stored before we say yes, counted once, and a 5xx when it cannot be stored."""

from __future__ import annotations

import uuid
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.db import OperationalError
from django.test import Client

from campaigns.delivery.sms_twilio import sign
from campaigns.models import Alert, Attempt, ContactPoint, DeliveryEvent, Message, Patient, Reply, Suppression
from campaigns.services import understand
from tests.web import cast
from tests.webhooks.conftest import ACCOUNT, PUBLIC, TOKEN, Post

INBOUND = "/webhooks/twilio/inbound"


@pytest.fixture
def patient(db: None) -> Patient:
    return cast.new_patient(cast.new_clinic())


@pytest.fixture
def attempt(patient: Patient) -> Attempt:
    return Attempt.objects.get(message__patient=patient, channel="sms")


def text(body: str, **changes: str) -> dict[str, str]:
    return {
        "MessageSid": "SM" + "1" * 32,
        "From": "+16045550111",
        "To": "+16045550199",
        "Body": body,
        **changes,
    }


def news(word: str, **changes: str) -> dict[str, str]:
    return {"MessageSid": "SM" + "2" * 32, "MessageStatus": word, **changes}


def test_it_stores_a_text_and_answers_with_nothing_to_send(post: Post, patient: Patient) -> None:
    answer = post(INBOUND, text("شكرا 🙂"))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert answer.content.endswith(b"<Response/>")
    reply = Reply.objects.get()
    assert (reply.patient, reply.body) == (patient, "شكرا 🙂")


def test_it_takes_a_repeat_as_the_same_text(post: Post, patient: Patient) -> None:
    for _ in range(2):
        assert post(INBOUND, text("hello")).status_code == 200
    assert Reply.objects.count() == 1


def test_it_acts_on_stop(post: Post, patient: Patient) -> None:
    post(INBOUND, text("STOP"))
    point = ContactPoint.objects.get(patient=patient, channel="sms")
    assert Suppression.objects.filter(address_index=point.address_index, lifted_at=None).exists()


@pytest.mark.parametrize("changes", [{"MessageSid": ""}, {"MessageSid": "x/../y"}, {"From": ""}])
def test_it_says_what_is_missing_in_one_line(post: Post, patient: Patient, changes: dict[str, str]) -> None:
    answer = post(INBOUND, text("hello", **changes))
    assert (answer.status_code, answer.content) == (400, b"MessageSid or From is missing.\n")
    assert not Reply.objects.exists()


@pytest.mark.parametrize(
    "odd", [{"NumMedia": "x"}, {"NumMedia": "2"}, {"Body": "\x00"}, {"Body": "x" * 50_000}]
)
def test_it_stores_whatever_a_phone_can_send(post: Post, patient: Patient, odd: dict[str, str]) -> None:
    assert post(INBOUND, text("hello", **odd)).status_code == 200
    assert Reply.objects.count() == 1


def test_it_asks_for_the_fallback_while_the_database_is_away(post: Post, patient: Patient) -> None:
    with patch("campaigns.services.take_in.incoming.keep", side_effect=OperationalError("gone")):
        answer = post(INBOUND, text("my chest hurts"))
    assert answer.status_code == 503
    assert b"The database does not answer" in answer.content
    assert not Reply.objects.exists()


def status(post: Post, attempt: Attempt, word: str, **changes: str) -> Any:
    return post(f"/webhooks/twilio/status/{attempt.pk}", news(word, **changes))


def state(attempt: Attempt) -> tuple[str, str]:
    return Message.objects.values_list("state", "reason").get(pk=attempt.message_id)


def test_it_follows_a_text_to_the_phone(post: Post, attempt: Attempt) -> None:
    for word in ("queued", "sent", "delivered"):
        assert status(post, attempt, word).status_code == 204
    assert state(attempt) == ("delivered", "")


def test_it_never_goes_back_on_late_or_repeated_news(post: Post, attempt: Attempt) -> None:
    for word in ("delivered", "sent", "delivered", "queued"):
        assert status(post, attempt, word).status_code == 204
    assert state(attempt)[0] == "delivered"
    assert DeliveryEvent.objects.count() == 3


def test_it_gives_the_reason_why_a_text_did_not_arrive(post: Post, attempt: Attempt) -> None:
    status(post, attempt, "undelivered", ErrorCode="30006")
    assert state(attempt) == ("undelivered", "landline")


def test_it_keeps_a_word_it_does_not_know(post: Post, attempt: Attempt) -> None:
    before = state(attempt)
    assert status(post, attempt, "teleported").status_code == 204
    assert state(attempt) == before


def test_it_says_when_an_attempt_is_not_ours(post: Post, patient: Patient) -> None:
    answer = post(f"/webhooks/twilio/status/{uuid.uuid4()}", news("sent"))
    assert (answer.status_code, answer.content) == (404, b"This attempt is not ours.\n")


def test_it_says_when_news_holds_no_word(post: Post, attempt: Attempt) -> None:
    assert status(post, attempt, "").status_code == 400


def urlencoded(fields: dict[str, str], charset: str = "utf-8", declared: str = "") -> Any:
    """Post a form as bytes of some charset, signed as Twilio signs it: over the letters."""
    data = {"AccountSid": ACCOUNT, **fields}
    kind = "application/x-www-form-urlencoded" + (f"; charset={declared}" if declared else "")
    headers = {"X-Twilio-Signature": sign(PUBLIC + INBOUND, data, TOKEN)}
    body = urlencode(data, encoding=charset).encode()
    return Client(enforce_csrf_checks=True).generic("POST", INBOUND, body, kind, headers=headers)


@pytest.mark.parametrize(
    ("charset", "declared"),
    [("utf-8", ""), ("utf-8", "UTF-8"), ("iso-8859-1", "iso-8859-1"), ("cp1252", ""), ("utf-8", "nonsense")],
)
def test_a_text_in_any_charset_is_kept_as_long_as_the_signature_holds(
    patient: Patient, charset: str, declared: str
) -> None:
    assert urlencoded(text("J'ai mal, très mal é"), charset, declared).status_code == 200
    assert Reply.objects.get().body == "J'ai mal, très mal é"


@pytest.mark.parametrize("body", ["\x00" * 50, "x" * 10_000_000, "\ud7ff\uffff\u202e" * 9, ""])
def test_a_text_of_any_size_is_kept_and_shown_to_a_person(patient: Patient, body: str) -> None:
    assert urlencoded(text(body)).status_code == 200
    kept = Reply.objects.get().body
    assert kept == body[: understand.LONGEST_BODY].replace("\x00", "\ufffd")
    assert Alert.objects.count() == 1


def test_a_large_form_without_a_signature_is_refused(patient: Patient) -> None:
    kind = "application/x-www-form-urlencoded"
    assert Client().post(INBOUND, "Body=" + "x" * 5_000_000, content_type=kind).status_code == 403
