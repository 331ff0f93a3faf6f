"""A clinic with patients who can be written to, an account at Twilio, and settings of its own mail."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings
from structlog.stdlib import ProcessorFormatter

from campaigns.models import Clinic, Patient
from campaigns.webhooks import door
from tests.patient.conftest import link
from tests.web import cast

TOKEN = "a token of the tests"
ACCOUNT = "AC" + "0" * 32
PUBLIC = "https://clinic.example"
SECRET = "a secret of the tests, long enough"


@pytest.fixture(autouse=True)
def account(settings: Settings) -> None:
    door.forget()
    settings.PUBLIC_BASE_URL = PUBLIC
    settings.TWILIO_AUTH_TOKEN = TOKEN
    settings.TWILIO_ACCOUNT_SID = ACCOUNT
    settings.MAIL_WEBHOOK_SECRET = SECRET
    settings.REPLY_DOMAIN = "reply.clinic.example"


@pytest.fixture
def clinic(db: None) -> Clinic:
    return cast.new_clinic()


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return cast.new_patient(clinic, language="en-CA")


def json_lines() -> logging.Formatter:
    """The formatter of our logs, as the settings have it."""
    logging_settings: dict[str, Any] = settings.LOGGING
    given = logging_settings["formatters"]["json"]
    return ProcessorFormatter(**{name: value for name, value in given.items() if name != "()"})


__all__ = ["link"]
