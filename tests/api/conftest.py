"""A clinic at noon with a program that may ask everything, and a clinic far away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from pytest_django.live_server_helper import LiveServer

from campaigns.models import Clinic, Visit
from tests.api.caller import Caller, caller, enrolled
from tests.factories import NOON, make_clinic, set_now


@pytest.fixture
def clinic(db: None) -> Clinic:
    set_now(NOON)
    return make_clinic()


@pytest.fixture
def program(clinic: Clinic) -> Caller:
    return caller(clinic)


@pytest.fixture
def stranger(clinic: Clinic) -> Caller:
    """A program of another clinic, which may do everything there."""
    return caller(make_clinic(name="Far Clinic", approved=False))


@pytest.fixture
def visit(clinic: Clinic) -> Visit:
    return enrolled(clinic)


@pytest.fixture
def site(committed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server at an address. Made after `committed`, whose clean-up must come last."""
    # Else each answer waits for 40 ms until the other side has acknowledged its head.
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    server = LiveServer("127.0.0.1")
    yield str(server.url)
    server.stop()
