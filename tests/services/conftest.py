"""The clock of these tests stands still unless a test moves it."""

from __future__ import annotations

import pytest

from campaigns.delivery.channels import Sender
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic
from campaigns.services import deliver, reconcile
from tests import factories
from tests.services.fakes import FakeSender


@pytest.fixture
def clinic(db: None) -> Clinic:
    """A clinic at noon on a Monday."""
    factories.set_now(factories.NOON)
    return factories.make_clinic()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeSender:
    """Stands in for both channels, wherever a service asks for them."""
    fake = FakeSender()
    channels: dict[Channel, Sender] = {Channel.SMS: fake, Channel.EMAIL: fake}
    monkeypatch.setattr(deliver, "senders", lambda: channels)
    monkeypatch.setattr(reconcile, "senders", lambda: channels)
    return fake


@pytest.fixture
def open_clinic(committed: None) -> Clinic:
    """The same clinic, committed: other connections and processes see it."""
    factories.set_now(factories.NOON)
    return factories.make_clinic()
