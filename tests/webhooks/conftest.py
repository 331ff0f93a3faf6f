"""An account at Twilio, and a client that signs like Twilio."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from campaigns.delivery.sms_twilio import sign
from campaigns.models import Clinic, Patient
from campaigns.services.send import send_batch
from campaigns.webhooks import door
from campaigns.webhooks.twilio import FORM
from tests import factories
from tests.factories import NOON, make_patient, set_now

TOKEN = "a token of the tests"
ACCOUNT = "AC" + "0" * 32
PUBLIC = "https://clinic.example"

Post = Callable[..., Any]
INBOUND = "/webhooks/twilio/inbound"
PHONE = "+16045550101"
Say = Callable[..., dict[str, str]]


@pytest.fixture(autouse=True)
def account(settings: Settings) -> None:
    door.forget()
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
        return Client(enforce_csrf_checks=True).post(
            path, urlencode(data), content_type=FORM, headers={"X-Twilio-Signature": signature}
        )

    return post


@pytest.fixture
def clinic(db: None) -> Clinic:
    set_now(NOON)
    return factories.make_clinic()


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    """A patient who has just been welcomed in English."""
    enrolled = make_patient(clinic, sequences=["welcome"])
    send_batch()
    return enrolled.patient


@pytest.fixture
def say(post: Post) -> Say:
    """Send a text as the patient's phone, through Twilio; gives back the form that was posted."""
    numbers = count(1)

    def say(body: str, **changes: str) -> dict[str, str]:
        form = {"MessageSid": f"SM{next(numbers):032d}", "From": PHONE, "To": "+16045550199"}
        form = {**form, "Body": body, **changes}
        assert post(INBOUND, form).status_code == 200
        return form

    return say
