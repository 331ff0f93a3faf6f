"""Where a benchmark runs: servers of its own, copies of one seeded database, the other end as a process.

Nothing of the operator's own configuration counts here, and nothing can reach anybody: both channels end at
servers on this machine's loopback.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import urllib3
from psycopg import sql

from campaigns.domain.errors import CampaignsError
from campaigns.local import children, embedded
from campaigns.local.folders import make_state
from campaigns.local.processes import ROOT
from campaigns.local.secrets import ensure

LIMIT_SECONDS = 600.0
FULL_LIMIT_SECONDS = 7_200.0
"""For the sizes that the aims speak of."""
ACCOUNT, TOKEN = "AC00000000000000000000000000000000", "bench-only"  # opens nothing but the loopback server
FROM = "clinic@clinic.example"
SENDER = "+16045550199"
_MARK = "only-for-benchmarks"
_NOT_OURS = ("TWILIO_MESSAGING_SERVICE_SID", "REPLY_DOMAIN", "TRUSTED_PROXIES", "SENTRY_DSN", "HEARTBEAT_URL")


class BenchFailed(CampaignsError):
    """A benchmark cannot run, or has taken too long."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the whole benchmark must be over (monotonic)."""

    seconds: float = LIMIT_SECONDS
    began: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Raises BenchFailed when the time is over."""
        if time.monotonic() > self.began + self.seconds:
            raise BenchFailed(f"Not done within {self.seconds / 60:.0f} minutes. Ask for less.")


@dataclass(slots=True)
class Sink:
    """The other end of one run."""

    child: children.Child
    twilio: str
    smtp: str
    sms_log: Path
    email_log: Path

    def count(self, channel: str) -> int:
        """Messages that have come."""
        answer = urllib3.request("GET", f"{self.twilio}/_stats", timeout=10, retries=False)
        return int(answer.json()[channel])


@dataclass(frozen=True, slots=True)
class Ground:
    """Running servers. `seeded` is the database that every run gets a copy of; Django is set up for it."""

    state: Path
    servers: embedded.Servers
    seeded: str
    deadline: Deadline

    @contextmanager
    def own(self, name: str, seconds: float = LIMIT_SECONDS) -> Iterator[Ground]:
        """The same servers with a seeded database of one benchmark's own, and time for it."""
        with self.copy(name) as address, self._in(address, seconds) as place:
            yield place

    @contextmanager
    def kept(self, name: str, seconds: float = LIMIT_SECONDS) -> Iterator[Ground]:
        """The same, but the database stays, and is what an earlier run has left where there was one."""
        address = urlsplit(self.seeded)._replace(path=f"/{name}").geturl()
        leave_database()
        if not self._exists(name):
            self._admin("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, self._name)
        with self._in(address, seconds) as place:
            _make_tables()
            yield place

    @contextmanager
    def _in(self, address: str, seconds: float) -> Iterator[Ground]:
        use_database(address)
        try:
            yield replace(self, seeded=address, deadline=Deadline(seconds))
        finally:
            use_database(self.seeded)

    def _exists(self, name: str) -> bool:
        with psycopg.connect(self.seeded) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        return found is not None

    @contextmanager
    def copy(self, name: str) -> Iterator[str]:
        """A fresh copy of the seeded database, everything on disk, removed in the end."""
        address = urlsplit(self.seeded)._replace(path=f"/{name}").geturl()
        leave_database()
        self._admin("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, self._name)
        try:
            yield address
        finally:
            self._admin("DROP DATABASE {} WITH (FORCE)", name)

    @property
    def _name(self) -> str:
        return urlsplit(self.seeded).path.lstrip("/")

    def _admin(self, statement: Any, *names: str) -> None:
        address = urlsplit(self.seeded)._replace(path="/postgres").geturl()
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    @contextmanager
    def sink(self, latency: float = 0.0) -> Iterator[Sink]:
        """A new other end, with counts at nought and empty logs, that takes `latency` seconds for a text."""
        with tempfile.TemporaryDirectory(dir=self.state, prefix="sink-") as folder:
            place = Path(folder)
            logs = {"--sms-log": place / "sms.log", "--email-log": place / "email.log"}
            command: list[str | Path] = [sys.executable, "-m", "campaigns.local.loopback"]
            command += ["--account-sid", ACCOUNT, "--auth-token", TOKEN, "--no-callbacks", "--forget"]
            command += ["--latency", str(latency), *(word for pair in logs.items() for word in pair)]
            child = children.spawn(command, log=place / "output", cwd=ROOT)
            try:
                said = json.loads(_first_line(child, place / "output"))
                yield Sink(child, said["twilio"], said["smtp"], *logs.values())
            finally:
                children.stop(child, signal.SIGTERM, 10)


def _first_line(child: children.Child, output: Path) -> str:
    def ready() -> bool:
        return "\n" in output.read_text() or child.poll() is not None

    if not children.wait_until(ready, 30) or child.poll() is not None:
        raise BenchFailed(f"The other end does not start: {children.tail(output).strip()[-300:]}")
    return output.read_text().splitlines()[0]


@contextmanager
def prepared() -> Iterator[Ground]:
    """Durable servers with the product's tables, in a folder that goes away; Django is set up for them."""
    with tempfile.TemporaryDirectory(prefix="campaigns-bench-") as folder, running(Path(folder)) as place:
        yield place


@contextmanager
def running(state: Path) -> Iterator[Ground]:
    """The same in a folder that stays. Raises BenchFailed for one that is not a benchmark's."""
    _claim(state)
    before = dict(os.environ)
    try:
        with embedded.start(state) as servers:
            _set_environment(state, servers)
            _make_tables()
            yield Ground(state, servers, servers.database_url, Deadline())
            leave_database()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _claim(state: Path) -> None:
    """Never run on the folder of an installation: it holds a clinic."""
    mark = state / _MARK
    if state.exists() and any(state.iterdir()) and not mark.exists():
        raise BenchFailed(f"{state} is not a benchmark's folder. Name one that is empty or not there yet.")
    make_state(state)
    mark.touch()


def _set_environment(state: Path, servers: embedded.Servers) -> None:
    """What the program's settings read. The addresses of a run are added to it for the run's own children."""
    for name in [name for name in os.environ if name.endswith("_FILE")] + list(_NOT_OURS):
        os.environ.pop(name, None)
    os.environ |= {
        **ensure(state),
        "CAMPAIGNS_STATE": str(state),
        "CAMPAIGNS_DEMO": "1",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "PUBLIC_BASE_URL": "https://clinic.example",
        "SMS_CHANNEL": "twilio",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_FROM": SENDER,
        "TWILIO_API_BASE_URL": "http://127.0.0.1:9",
        "EMAIL_CHANNEL": "smtp",
        "EMAIL_URL": "smtp://127.0.0.1:9?tls=none",
        "EMAIL_FROM": FROM,
        "LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "campaigns.settings",
    }


def addresses(sink: Sink, database: str) -> dict[str, str]:
    """What the children of one run get on top."""
    return {"DATABASE_URL": database, "TWILIO_API_BASE_URL": sink.twilio, "EMAIL_URL": sink.smtp}


def _make_tables() -> None:
    """In our own servers, whatever is in them already. Sets Django up."""
    import django
    from django.core.management import call_command

    django.setup()
    import worker  # noqa: F401  tasks asked for from here go to the workers' broker

    call_command("migrate", verbosity=0, interactive=False)


def use_database(address: str) -> None:
    """Let Django, and every process started from here, work in another database of the same server."""
    from django.db import connection

    leave_database()
    connection.settings_dict["NAME"] = urlsplit(address).path.lstrip("/")
    os.environ["DATABASE_URL"] = address


def leave_database() -> None:
    """Close Django's connections: a database that is in use cannot be copied."""
    from django.db import connection

    connection.close()
    close_pool = getattr(connection, "close_pool", None)
    if close_pool:
        close_pool()
