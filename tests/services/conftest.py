"""The clock of these tests stands still unless a test moves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from campaigns.delivery.channels import Sender
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic
from campaigns.services import reconcile, send
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
    monkeypatch.setattr(send, "senders", lambda: channels)
    monkeypatch.setattr(reconcile, "senders", lambda: channels)
    return fake


@pytest.fixture
def chain_guarded_again(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Runs last: the guard that `committed` took off for the clean-up is back for the next test."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_no_truncate")


@pytest.fixture
def committed(chain_guarded_again: None, transactional_db: None) -> Iterator[None]:
    """A database whose transactions are real. The clean-up truncates, which the audit chain refuses."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_no_truncate")


@pytest.fixture
def open_clinic(committed: None) -> Clinic:
    """The same clinic, committed: other connections and processes see it."""
    factories.set_now(factories.NOON)
    return factories.make_clinic()
