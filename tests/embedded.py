"""Pytest plugin (`-p tests.embedded`): starts PostgreSQL and Valkey before any settings are read.

DATABASE_URL and REDIS_URL of the caller always win; what is missing comes from embedded servers in a
temporary state folder, removed at the end. Nothing of the caller's own configuration reaches the tests.

With `-n 2` two processes share the tests, and each has servers of its own: a Celery worker that one of them
starts must not take the other's work.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from campaigns.domain.errors import CampaignsError
from campaigns.local import embedded, secrets

# A developer's shell may hold the keys of a real account.
_NOT_FOR_TESTS = (
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_MESSAGING_SERVICE_SID",
    "TWILIO_FROM",
    "TWILIO_API_BASE_URL",
    "EMAIL_URL",
    "EMAIL_FROM",
    "EMAIL_SENT_URL",
    "REPLY_DOMAIN",
    "MAIL_AUTHSERV_ID",
    "MAIL_WEBHOOK_SECRET",
    "INBOUND_IMAP_URL",
    "TRUSTED_PROXIES",
    "SENTRY_DSN",
    "HEARTBEAT_URL",
    "WATCH_EMAIL",
    "ALERT_EMAIL_URL",
)
_OURS = "CAMPAIGNS_TEST_SERVERS"
"""Tells a process that shares the tests which addresses are the first process's servers, not the caller's."""

_FOR_TESTS = {
    "PUBLIC_BASE_URL": "https://clinic.example",
    "ALLOWED_HOSTS": "clinic.example,testserver,localhost,127.0.0.1",
    "SMS_CHANNEL": "simulator",
    "EMAIL_CHANNEL": "simulator",
}


class EmbeddedServers:
    """The servers of one test run, and the folder they live in."""

    def __init__(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="campaigns-test-"))
        self.servers: embedded.Servers | None = None

    def start(self) -> None:
        """Hand over addresses and keys through the environment, as the launcher does."""
        if "PYTEST_XDIST_WORKER" in os.environ:
            for name in os.environ.pop(_OURS, "").split():
                del os.environ[name]
        missing = [name for name in ("DATABASE_URL", "REDIS_URL") if name not in os.environ]
        if missing:
            self.servers = embedded.start(self.state, fast=True)
            urls = {"DATABASE_URL": self.servers.database_url, "REDIS_URL": self.servers.redis_url}
            os.environ |= {name: urls[name] for name in missing} | {_OURS: " ".join(missing)}
        for name in _NOT_FOR_TESTS:
            os.environ.pop(name, None)
            os.environ.pop(f"{name}_FILE", None)
        os.environ |= {**_FOR_TESTS, **secrets.ensure(self.state), "CAMPAIGNS_STATE": str(self.state)}

    def stop(self) -> None:
        """Leave no process and no file."""
        if self.servers:
            self.servers.stop()
        shutil.rmtree(self.state, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A wrapper runs before every plain hook, and pytest-django reads the settings in one of those."""
    servers = EmbeddedServers()
    try:
        servers.start()
    except CampaignsError as error:
        servers.stop()
        raise pytest.UsageError(f"The test servers cannot start. {error}") from None
    early_config.add_cleanup(servers.stop)
    return (yield)
