"""An account at Twilio, and a client that signs like Twilio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from campaigns.delivery.sms_twilio import sign

TOKEN = "a token of the tests"
ACCOUNT = "AC" + "0" * 32
PUBLIC = "https://clinic.example"

Post = Callable[..., Any]


@pytest.fixture(autouse=True)
def account(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = PUBLIC
    settings.TWILIO_AUTH_TOKEN = TOKEN
    settings.TWILIO_ACCOUNT_SID = ACCOUNT


@pytest.fixture
def post() -> Post:
    """Post to a webhook as Twilio does; `token`, `base` or `signed` let a test get it wrong."""

    def post(
        path: str,
        params: dict[str, str],
        *,
        token: str = TOKEN,
        base: str = PUBLIC,
        signed: dict[str, str] | None = None,
    ) -> Any:
        data = {"AccountSid": ACCOUNT, **params}
        signature = sign(base + path, signed or data, token)
        return Client(enforce_csrf_checks=True).post(path, data, headers={"X-Twilio-Signature": signature})

    return post
