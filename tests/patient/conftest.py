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
    """The address of the unsubscribe link (`u`) or information link (`p`) in what a patient was sent."""

    def link(patient: Patient, kind: str) -> str:
        sent = Message.objects.filter(patient=patient).exclude(sent_at=None)
        texts = " ".join(f"{message.body} {message.html}" for message in sent)
        found = re.search(rf"/{kind}/[\w-]{{20,}}", texts)
        assert found, f"no /{kind}/ link was sent"
        return found[0]

    return link
