"""The climber dies, or two of them climb at once: the next step is on time, and no word is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from campaigns.delivery.channels import Sender
from campaigns.domain.recipients import Channel
from campaigns.local.loopback_server import HoldPoint
from campaigns.local.loopback_smtp import LoopbackSmtp
from campaigns.local.processes import ROOT
from campaigns.models import Alert, AlertNotice, Clinic, OnCall
from campaigns.services import climb as climbing
from campaigns.services import escalate
from tests import factories
from tests.factories import NOON, set_now
from tests.services.fakes import FakeSender

THIRTY_SECONDS = timedelta(seconds=30)


@pytest.fixture
def waiting(open_clinic: Clinic) -> Alert:
    """An emergency that has just come in, and two people on the list with both channels."""
    for place, name in enumerate(["nurse", "doctor"], start=1):
        staff = factories.make_staff(open_clinic, f"{name}@clinic.example")
        addresses = {"email": f"{name}@alerts.example", "phone": f"+1604555014{place}"}
        OnCall.objects.create(clinic=open_clinic, staff=staff, place=place, **addresses)
    return escalate.open_alert(
        clinic=open_clinic,
        reply=None,
        patient=None,
        urgency="emergency",
        rule="en.breathing",
        matched=[],
        now=NOON,
    )


@pytest.fixture
def smtp() -> Iterator[LoopbackSmtp]:
    with LoopbackSmtp() as server:
        yield server


def climber(smtp: LoopbackSmtp) -> subprocess.Popen[str]:
    """A process of its own that climbs once."""
    at = connection.settings_dict
    place = f"{at['NAME']}?host={at['HOST']}&port={at['PORT']}"
    env = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{at['USER']}:{at['PASSWORD']}@/{place}",
        "REDIS_URL": "",
        "ALERT_EMAIL_URL": smtp.url,
        "CAMPAIGNS_DEMO": "1",
    }
    command = [sys.executable, "-m", "campaigns", "send-due"]
    return subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("point", list(HoldPoint))
def test_a_climber_killed_in_the_middle_of_a_word_loses_none(
    waiting: Alert, smtp: LoopbackSmtp, point: HoldPoint
) -> None:
    smtp.hold(point)
    first = climber(smtp)
    assert smtp.wait_held(30)
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait(10) == -signal.SIGKILL
    if first.stderr:
        first.stderr.close()
    smtp.release()
    assert AlertNotice.objects.get(channel="email").state == "sending"
    came = smtp.count

    set_now(NOON + THIRTY_SECONDS)
    second = climber(smtp)
    _, said = second.communicate(timeout=60)
    assert (second.returncode, said) == (0, "")
    assert smtp.count > came
    assert set(AlertNotice.objects.values_list("step", "channel", "state")) == {
        (0, "email", "sent"),
        (0, "sms", "sent"),
    }

    set_now(NOON + timedelta(minutes=5))
    third = climber(smtp)
    third.communicate(timeout=60)
    assert AlertNotice.objects.filter(step=1, state="sent").count() == 4


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> FakeSender:
    """Stands in for both channels to staff."""
    fake = FakeSender()
    senders: dict[Channel, Sender] = dict.fromkeys(Channel, fake)
    monkeypatch.setattr(climbing, "alert_senders", lambda: senders)
    return fake


class Died(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("line", ["_notices", "_claim", "_bundles", "_outgoing", "_record"])
def test_wherever_it_dies_every_word_goes_out_soon_after(
    waiting: Alert, way: FakeSender, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(climbing, line, die)
        with pytest.raises(Died):
            climbing.climb()
    set_now(NOON + THIRTY_SECONDS)
    climbing.climb()
    assert set(AlertNotice.objects.values_list("step", "channel", "state")) == {
        (0, "email", "sent"),
        (0, "sms", "sent"),
    }
    waiting.refresh_from_db()
    assert (waiting.steps, waiting.next_step_at) == (1, NOON + timedelta(minutes=5))


def test_two_climbers_at_once_tell_each_person_once(waiting: Alert, way: FakeSender) -> None:
    barrier = threading.Barrier(2)

    def climb() -> None:
        try:
            barrier.wait(10)
            climbing.climb()
        finally:
            connection.close()

    climbers = [threading.Thread(target=climb) for _ in range(2)]
    for one in climbers:
        one.start()
    for one in climbers:
        one.join(30)
    assert sorted(AlertNotice.objects.values_list("channel", "state")) == [("email", "sent"), ("sms", "sent")]
    assert len(way.sent) == 2
