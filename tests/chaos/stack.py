"""Everything that runs: durable servers, the site, workers of three kinds, two beats, providers on this
machine.

Nothing here can reach anybody, and nothing of the operator's own configuration counts.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid5

import psycopg

from campaigns.local import embedded, stage
from campaigns.local.loopback_imap import LoopbackImap
from tests.chaos.clockwork import Clockwork, beginning
from tests.chaos.programs import Programs
from tests.chaos.sinks import ChaosSmtp, ChaosTwilio, Look

LEASE_SECONDS = 4
QUIET_SECONDS = 7
TOKEN = "chaos-only"
MAIL_DOMAIN = "demo-clinic.example"
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(slots=True)
class Stack:
    """A running installation. `database` is its address."""

    state: Path
    base_url: str
    servers: embedded.Servers
    programs: Programs
    twilio: ChaosTwilio
    smtp: ChaosSmtp
    clock: Clockwork

    @property
    def database(self) -> str:
        """The address of the database."""
        return self.servers.database_url


def message_name(clinic: UUID, message: int) -> str:
    """The Message-ID of an e-mail, as services/send makes it, without the angle brackets."""
    return f"{uuid5(clinic, str(message))}@{MAIL_DOMAIN}"


@contextmanager
def running(state: Path, mutant: str = "") -> Iterator[Stack]:
    """Start it all in order; on leaving, end it all and leave no process."""
    before = dict(os.environ)
    with ExitStack() as stack:
        stack.callback(_give_back, before)
        servers = stack.enter_context(embedded.start(state))
        port = stage.free_port()
        base_url = f"http://127.0.0.1:{port}"
        looks = [Look(servers.database_url) for _ in range(2)]
        logs = [state / "sms.log", state / "mail.log"]
        inbound = f"{base_url}/webhooks/twilio/inbound"
        twilio = ChaosTwilio(looks[0], token=TOKEN, inbound_url=inbound, log_path=logs[0])
        smtp = ChaosSmtp(looks[1], name_of=message_name, log_path=logs[1])
        imap = LoopbackImap(smtp)
        for look in looks:
            stack.callback(look.close)
        for server in (twilio, smtp, imap):
            stack.callback(server.stop)
            server.start()
        for name in list(os.environ):
            if name not in _KEPT:
                del os.environ[name]
        os.environ.update(_environment(state, base_url, servers, twilio, smtp, imap))
        env = {**os.environ, **({"CHAOS_MUTANT": mutant} if mutant else {})}
        programs = stack.enter_context(Programs(state, env))
        _remember_commits(servers)
        _make_tables()
        clock = Clockwork(servers.database_url, beginning(datetime.now(UTC)))
        stack.callback(clock.stop)
        yield Stack(state, base_url, servers, programs, twilio, smtp, clock)


def _environment(
    state: Path,
    base_url: str,
    servers: embedded.Servers,
    twilio: ChaosTwilio,
    smtp: ChaosSmtp,
    imap: LoopbackImap,
) -> dict[str, str]:
    return {
        **stage.environment(state, base_url, twilio, smtp, imap),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "TWILIO_FROM": "+16045550190",
        "EMAIL_FROM": f"clinic@{MAIL_DOMAIN}",
        "SENDER_THREADS": "4",
        "LEASE_SECONDS": str(LEASE_SECONDS),
        "QUIET_SECONDS": str(QUIET_SECONDS),
        "LOG_LEVEL": "WARNING",
    }


def _give_back(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)


def _remember_commits(servers: embedded.Servers) -> None:
    """Let the database keep the moment of each commit: the judge holds the providers' logs against it."""
    with psycopg.connect(
        host=str(servers.site.sockets),
        user="postgres",
        password=servers.site.passwords["postgres"],
        dbname="postgres",
        autocommit=True,
    ) as connection:
        connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    servers.postgres.send_signal(signal.SIGINT)
    servers.postgres.wait(30)
    servers.revive()


def _make_tables() -> None:
    from campaigns.local.setting import prepare_database

    prepare_database()
    from django.conf import settings

    options = cast(dict[str, Any], settings.DATABASES["default"]["OPTIONS"])
    options.pop("pool", None)  # threads of a run that the database has left must not wait for each other
    options["options"] = "-c statement_timeout=8000"


def start_programs(stack: Stack) -> None:
    """The site, two Celery workers of different kinds, a worker without Celery, two beats."""
    port = stack.base_url.rpartition(":")[2]
    worker = ["celery", "-A", "worker", "worker", "--without-gossip", "--without-mingle"]
    beat = ["celery", "-A", "worker", "beat", "--pidfile="]
    site = ["gunicorn", "campaigns.wsgi:application", "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    site += ["--workers", "1", "--worker-class", "gthread", "--threads", "4"]
    stack.programs.wait_ready()
    start = stack.programs.start
    start("web", site)
    start("solo", [*worker, "-P", "solo", "-n", "solo@%h"])
    start("pool", [*worker, "-c", "2", "-n", "pool@%h"])
    start("watch", ["campaigns", "send-due", "--watch", "--every", "1"])
    for name in ("beat-1", "beat-2"):
        start(name, [*beat, "-s", str(stack.state / name)])


def backends(stack: Stack) -> list[int]:
    """The processes of the database that serve somebody."""
    from tests.chaos.programs import children_of

    found = []
    for pid in children_of(stack.servers.postgres.pid):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            if words.startswith("postgres: campaigns campaigns"):
                found.append(pid)
    return found
