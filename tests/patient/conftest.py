"""A patient with links in what was sent, caught as they leave."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from campaigns.models import Message, Patient
from tests.web import cast

Link = Callable[[Patient, str], str]


@pytest.fixture
def arabic(db: None) -> Patient:
    return cast.new_patient(cast.new_clinic())


@pytest.fixture
def link() -> Link:
    """The address of a link in what a patient was sent: `u` to unsubscribe, `p` behind a text, `l` for the
    language."""

    def link(patient: Patient, kind: str) -> str:
        sent = Message.objects.filter(patient=patient, channel="sms" if kind == "p" else "email")
        texts = " ".join(f"{message.body} {message.html}" for message in sent.exclude(sent_at=None))
        found = re.search(rf"/{'p' if kind == 'l' else kind}/[\w-]{{20,}}", texts)
        assert found, f"no such link was sent: {kind}"
        return found[0]

    return link
