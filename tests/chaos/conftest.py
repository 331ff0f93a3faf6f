"""Programs that are forked instead of started, on the database of the tests, and providers that hold and
misbehave."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from campaigns.local.loopback_imap import LoopbackImap
from campaigns.local.stage import channels, free_port
from campaigns.models import Clinic
from tests import factories
from tests.chaos.programs import Programs
from tests.chaos.sinks import ChaosSmtp, ChaosTwilio, Look
from tests.chaos.stack import message_name


@dataclass(frozen=True, slots=True)
class World:
    """Both providers, and the programs that talk to them. A site is up for callbacks at `base_url`."""

    twilio: ChaosTwilio
    smtp: ChaosSmtp
    programs: Programs
    base_url: str

    def send_due(self) -> str:
        """What `campaigns send-due` says."""
        return self.programs.run("send-due", ["campaigns", "send-due"], seconds=30)

    def begin_to_send(self) -> None:
        """The same, without waiting for its end."""
        self.programs.start("sender", ["campaigns", "send-due"])
        del self.programs.commands["sender"]


def _database() -> str:
    at = connection.settings_dict
    place = f"{at['NAME']}?host={at['HOST']}&port={at['PORT']}"
    return f"postgresql://{at['USER']}:{at['PASSWORD']}@/{place}"


@pytest.fixture(scope="module")
def forked(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[World]:
    """One zygote and one site for all tests of a file."""
    with world_on(tmp_path_factory.mktemp("chaos"), redis_url="") as world:
        yield world


@contextmanager
def world_on(state: Path, *, redis_url: str) -> Iterator[World]:
    """All of it on the database of the tests."""
    base = f"http://127.0.0.1:{free_port()}"
    looks = [Look(_database()) for _ in range(2)]
    twilio = ChaosTwilio(looks[0], token="chaos-only", inbound_url=f"{base}/x", log_path=state / "sms.log")
    smtp = ChaosSmtp(looks[1], name_of=message_name, log_path=state / "mail.log")
    imap = LoopbackImap(smtp)
    with twilio, smtp, imap:
        env = {
            **os.environ,
            "DATABASE_URL": _database(),
            "REDIS_URL": redis_url,
            "CAMPAIGNS_DEMO": "1",
            "PUBLIC_BASE_URL": base,
            **channels(twilio, smtp, imap),
            "TWILIO_FROM": "+16045550190",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "campaigns.settings",
        }
        with Programs(state, env) as programs:
            programs.wait_ready()
            site = ["gunicorn", "campaigns.wsgi:application", "--no-control-socket", "--threads", "2"]
            programs.start("web", [*site, "--bind", base.removeprefix("http://")])
            yield World(twilio, smtp, programs, base)
    for look in looks:
        look.close()


@pytest.fixture
def world(forked: World, committed: None) -> Iterator[World]:
    """The same, behaving well, without callbacks and with nothing taken yet; at the end nothing talks to the
    database any more."""
    forked.twilio.count = forked.smtp.count = 0
    forked.twilio.callbacks = False
    yield forked
    forked.twilio.list_fails = False
    forked.programs.kill("sender")
    forked.twilio.drain(10)


@pytest.fixture
def clinic(committed: None) -> Clinic:
    """A clinic at noon on a Monday, committed."""
    factories.set_now(factories.NOON)
    return factories.make_clinic()
