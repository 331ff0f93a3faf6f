"""What every test gets. Fixtures shared by several folders belong here."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test import Client


def is_local(address: object) -> bool:
    """Unix sockets, and addresses that never leave the machine."""
    if not isinstance(address, tuple):
        return True
    try:
        return ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback
    except ValueError:
        return bool(address[0] == "localhost")


def _guarded(plain: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        if not is_local(address):
            pytest.fail(f"A test reached for the network: {address!r}")
        return plain(self, address)

    return connect


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """No test talks to anything but this machine, whatever is configured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _guarded(socket.socket.connect_ex))
        yield


def _proving(plain: Callable[..., None]) -> Callable[..., None]:
    def force_login(self: Client, user: Any, backend: str | None = None) -> None:
        plain(self, user, backend)
        session = self.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "type": "totp", "at": time.time()}]
        session[f"{AUTHENTICATION_METHODS_SESSION_KEY}_user"] = str(user.pk)
        session.save()

    return force_login


@pytest.fixture(scope="session", autouse=True)
def second_factor_proved() -> Iterator[None]:
    """`force_login` leaves a session as the second factor does, which tests/web/test_sign_in.py tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "force_login", _proving(Client.force_login))
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """The product's own hash with the least work: nobody guesses at the passwords of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name, least in {"time_cost": 1, "memory_cost": 8, "parallelism": 1}.items():
            patch.setattr(Argon2PasswordHasher, name, least)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The database, and in it what every clinic of the tests has approved."""
    with django_db_blocker.unblock():
        from tests.factories import keep_approved  # models need Django to be set up

        keep_approved()


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
