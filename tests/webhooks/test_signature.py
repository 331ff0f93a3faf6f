"""Who is believed. The same table for both webhooks: a request is ours, or it changes nothing."""

from __future__ import annotations

import logging
import uuid

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from campaigns.models import DeliveryEvent, Reply
from tests.webhooks.conftest import ACCOUNT, Post

INBOUND = "/webhooks/twilio/inbound"
STATUS = f"/webhooks/twilio/status/{uuid.UUID(int=1)}"
TEXT = {"MessageSid": "SM" + "1" * 32, "From": "+16045550111", "To": "+16045550199", "Body": "5"}
NEWS = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered"}
BOTH = pytest.mark.parametrize(("path", "params"), [(INBOUND, TEXT), (STATUS, NEWS)])


def refused(answer: object, words: str) -> bool:
    """403, one plain line, nothing stored."""
    return (
        (answer.status_code, answer.content.decode().count("\n")) == (403, 1)  # type: ignore[attr-defined]
        and words in answer.content.decode()  # type: ignore[attr-defined]
        and not Reply.objects.exists()
        and not DeliveryEvent.objects.exists()
    )


@BOTH
def test_it_believes_a_right_signature(post: Post, db: None, path: str, params: dict[str, str]) -> None:
    assert post(path, params).status_code != 403


@BOTH
def test_it_refuses_a_missing_signature(client: Client, db: None, path: str, params: dict[str, str]) -> None:
    assert refused(client.post(path, {"AccountSid": ACCOUNT, **params}), "The signature is missing.")


@BOTH
def test_it_refuses_another_token(post: Post, db: None, path: str, params: dict[str, str]) -> None:
    assert refused(post(path, params, token="another"), "The signature is wrong.")


@BOTH
def test_it_refuses_an_address_that_is_not_the_public_one(
    post: Post, db: None, path: str, params: dict[str, str]
) -> None:
    """What a proxy forwards looks like http://testserver to us: only the configured address counts."""
    assert refused(post(path, params, base="http://testserver"), "PUBLIC_BASE_URL")


@BOTH
def test_it_refuses_a_changed_value(post: Post, db: None, path: str, params: dict[str, str]) -> None:
    assert refused(post(path, params, signed={"AccountSid": ACCOUNT, **params, "Body": "8"}), "wrong")


@BOTH
def test_it_refuses_an_added_value(post: Post, db: None, path: str, params: dict[str, str]) -> None:
    signed = {"AccountSid": ACCOUNT, **params}
    assert refused(post(path, {**params, "OptOutType": "STOP"}, signed=signed), "wrong")


@BOTH
def test_it_refuses_another_account(post: Post, db: None, path: str, params: dict[str, str]) -> None:
    assert refused(post(path, {**params, "AccountSid": "AC" + "9" * 32}), "The account is not ours.")


@BOTH
def test_it_refuses_everything_while_no_token_is_set(
    post: Post, db: None, settings: Settings, path: str, params: dict[str, str]
) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    assert refused(post(path, params, token=""), "TWILIO_AUTH_TOKEN is not set")


@BOTH
def test_it_counts_the_query_as_part_of_the_address(
    post: Post, db: None, path: str, params: dict[str, str]
) -> None:
    assert post(f"{path}?a=1&b=%20x", params).status_code != 403


@BOTH
def test_it_takes_posts_only(client: Client, path: str, params: dict[str, str]) -> None:
    assert client.get(path, params).status_code == 405


def test_it_logs_a_refusal_without_any_value_of_the_request(
    client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client.post(INBOUND, {**TEXT, "Body": "a secret"}, headers={"X-Twilio-Signature": "forged"})
    said = " ".join(str(record.__dict__) for record in caplog.records if record.name.startswith("campaigns"))
    assert "twilio webhook refused" in said
    for value in ("a secret", "+16045550111", "forged"):
        assert value not in said
