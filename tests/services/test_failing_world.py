"""Servers that refuse, sleep or are gone: nothing is lost, nothing goes twice, one line says what it is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import time, timedelta
from functools import partial
from time import monotonic
from typing import cast

import pytest
from celery import Task
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from pytest_django.fixtures import Settings

from campaigns import tasks
from campaigns.delivery import registry
from campaigns.delivery.email import EmailSender
from campaigns.delivery.registry import ChannelSettings
from campaigns.delivery.sms_twilio import TwilioSender
from campaigns.domain.errors import CampaignsError
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitKind
from campaigns.local.loopback_smtp import Fault, LoopbackSmtp
from campaigns.local.loopback_twilio import LoopbackTwilio
from campaigns.local.processes import ROOT
from campaigns.management.commands import send_due
from campaigns.models import Attempt, Clinic, Message, Patient, Reply
from campaigns.services import deliver, reconcile, send
from campaigns.services.take_in import Inbound, receive_sms
from tests import factories
from tests.factories import make_patient, message, set_now

EMAIL = Channel.EMAIL
PATIENT = "patient@patients.example"
PHONE = "+16045550101"
NOWHERE = "redis://127.0.0.1:9/0"
ACCOUNT = "AC" + "0" * 32
PAST = (VisitKind.SESSION, factories.NOON.date() - timedelta(days=1), time(14, 0))


@pytest.fixture
def smtp() -> Iterator[LoopbackSmtp]:
    """A mail server on this machine."""
    with LoopbackSmtp() as server:
        yield server


@pytest.fixture
def twilio() -> Iterator[LoopbackTwilio]:
    """A Twilio on this machine that never calls back."""
    with LoopbackTwilio(account_sid=ACCOUNT, auth_token="token") as server:
        server.callbacks = False
        yield server


@pytest.fixture
def real_channels(
    smtp: LoopbackSmtp, twilio: LoopbackTwilio, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The channels of an installation, whose other ends are on this machine."""
    settings.DEMO = True  # nobody is reached, as the start-up checks want it
    settings.EMAIL_CHANNEL, settings.EMAIL_URL = "smtp", smtp.url
    settings.SMS_CHANNEL, settings.TWILIO_API_BASE_URL = "twilio", twilio.base_url
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT, "token"
    settings.TWILIO_FROM = "+16045550199"
    channels = registry.build(cast(ChannelSettings, settings))
    for service in (deliver, reconcile):
        monkeypatch.setattr(service, "senders", lambda: channels)
    yield
    for channel in channels.values():
        assert isinstance(channel, (EmailSender, TwilioSender))
        channel.close()


def goes_once_when_it_is_back(waiting: Message, arrived: Callable[[], int]) -> None:
    """Not before its time, then once, and never again."""
    assert (send.drain(), arrived()) == (0, 0)
    set_now(waiting.due_at)
    send.drain()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason, arrived()) == (State.ACCEPTED, "", 1)
    set_now(waiting.expires_at)
    reconcile.reconcile()
    assert (send.drain(), arrived()) == (0, 1)


OUTAGES = {
    "port closed": (
        LoopbackSmtp.refuse,
        LoopbackSmtp.listen,
        "email: ConnectionRefusedError while connecting",
    ),
    **{
        fault.value: (partial(LoopbackSmtp.fail, fault=fault), LoopbackSmtp.mend, f"email: {code}")
        for fault, code in (
            (Fault.BUSY_AT_CONNECT, "421 4.3.2"),
            (Fault.BUSY_AT_MAIL, "421"),
            (Fault.GREYLIST, "451 4.7.1"),
            (Fault.MAILBOX_BUSY, "450 4.2.0"),
        )
    },
}


@pytest.mark.parametrize(("breaks", "mends", "said"), OUTAGES.values(), ids=OUTAGES)
def test_an_e_mail_waits_for_a_server_that_refuses_and_goes_once(
    clinic: Clinic,
    smtp: LoopbackSmtp,
    real_channels: None,
    breaks: Callable[[LoopbackSmtp], None],
    mends: Callable[[LoopbackSmtp], None],
    said: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    waiting = message(make_patient(clinic, phone="", email=PATIENT, sequences=["welcome"]), "hello", EMAIL)
    breaks(smtp)
    call_command("send_due")
    mends(smtp)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason, waiting.sent_at) == (State.WAITING, Reason.PROVIDER_DOWN, None)
    assert factories.NOON < waiting.due_at < waiting.expires_at
    told = capfd.readouterr()
    assert told.out == "0 sent\n"
    [line] = [line for line in told.err.splitlines() if "not sent" in line]
    assert line.startswith(f"1 not sent: {said}")
    assert line.endswith("They are tried again.")
    assert PATIENT not in told.err
    assert "Traceback" not in told.err
    goes_once_when_it_is_back(waiting, lambda: smtp.count)


def test_a_text_waits_for_a_provider_that_is_gone_and_goes_once(
    clinic: Clinic, twilio: LoopbackTwilio, real_channels: None, capfd: pytest.CaptureFixture[str]
) -> None:
    waiting = message(make_patient(clinic, phone=PHONE, email="", sequences=["welcome"]), "hello")
    twilio.refuse()
    call_command("send_due")
    twilio.listen()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason, waiting.sent_at) == (State.WAITING, Reason.PROVIDER_DOWN, None)
    told = capfd.readouterr()
    assert "1 not sent: sms: " in told.err
    assert "5550101" not in told.err
    assert "Traceback" not in told.err
    goes_once_when_it_is_back(waiting, lambda: twilio.count)


# Redis


def test_send_due_sends_without_redis(open_clinic: Clinic, smtp: LoopbackSmtp) -> None:
    enrolled = make_patient(open_clinic, phone="", email=PATIENT, sequences=["welcome"])
    at = connection.settings_dict
    env = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{at['USER']}:{at['PASSWORD']}@/{at['NAME']}?host={at['HOST']}&port={at['PORT']}",
        "REDIS_URL": NOWHERE,
        "EMAIL_CHANNEL": "smtp",
        "EMAIL_URL": smtp.url,
        "CAMPAIGNS_DEMO": "1",
    }
    command = [sys.executable, "-m", "campaigns", "send-due"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 sent\n", "")
    assert message(enrolled, "hello", EMAIL).state == State.ACCEPTED
    assert smtp.count == 1


@pytest.fixture
def silent_redis() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0"


@pytest.mark.parametrize("how", ["gone", "silent"])
def test_the_site_and_webhooks_answer_at_once_without_redis(
    clinic: Clinic, settings: Settings, silent_redis: str, how: str
) -> None:
    settings.REDIS_URL = NOWHERE if how == "gone" else silent_redis
    began = monotonic()
    enrolled = make_patient(clinic, phone=PHONE)
    receive_sms(text("SM1", "hello"))
    staff = Client()
    staff.force_login(factories.make_staff(clinic))
    pages = [staff.get(path).status_code for path in ("/", "/alerts", f"/patients/{enrolled.patient.pk}")]
    readiness = staff.get("/readyz").json()
    took = monotonic() - began
    assert pages == [200, 200, 200]
    assert readiness["notes"] == ["Redis does not answer: sending waits for it, nothing is lost."]
    assert Reply.objects.get().patient == enrolled.patient
    assert took < 5


# The database


def gone(*_: object) -> object:
    raise OperationalError("the server closed the connection")


@pytest.fixture
def away(clinic: Clinic) -> Callable[[], AbstractContextManager[object]]:
    """Every question to the database fails."""
    return lambda: cast(AbstractContextManager[object], connection.execute_wrapper(gone))


def test_a_watch_outlives_the_database_and_says_so_once(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    passes = iter([True, True, True, False, False])
    waited: list[float] = []

    class Stop:
        """Ends the watch after the passes above."""

        def is_set(self) -> bool:
            return len(waited) == 5

        def set(self) -> None:
            raise AssertionError

        def wait(self, seconds: float) -> None:
            waited.append(seconds)

    def drain() -> int:
        if next(passes):
            raise OperationalError("connection refused\nIs the server running?")
        return 0

    monkeypatch.setattr(send_due, "Event", Stop)
    for thread in ("_climb_until", "_do_chores_until"):
        monkeypatch.setattr(send_due, thread, lambda stop: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(send_due, "drain", drain)
    monkeypatch.setattr(connection, "close", lambda: None)
    call_command("send_due", "--watch", "--every", "7")
    assert waited == [7] * 5
    assert capsys.readouterr().err.splitlines() == [
        "The database does not answer: connection refused. Trying again until it is over."
    ]


@pytest.mark.parametrize(
    "task", [tasks.send_due, tasks.reconcile, tasks.replan_changed, tasks.climb], ids=lambda t: t.name
)
def test_a_worker_says_in_one_line_that_the_database_is_away(
    clinic: Clinic,
    away: Callable[[], AbstractContextManager[object]],
    caplog: pytest.LogCaptureFixture,
    task: Task[[], None],
) -> None:
    with away():
        task.apply(throw=True)
    [line] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert line.getMessage() == "the database does not answer; the next tick tries again"
    assert line.why == "the server closed the connection"  # type: ignore[attr-defined]
    assert "Traceback" not in caplog.text
    assert line.exc_info is None


def test_a_reply_that_met_the_database_away_is_kept_when_it_comes_again(
    clinic: Clinic, away: Callable[[], AbstractContextManager[object]]
) -> None:
    make_patient(clinic, phone=PHONE)
    with away(), pytest.raises(OperationalError):
        receive_sms(text("SM1", "hello"))
    assert Reply.objects.count() == 0
    receive_sms(text("SM1", "hello"))
    assert Reply.objects.get().body == "hello"


# What people enter


TYPED = {
    "visit in the past": ({"visits": [PAST]}, "has already passed at the clinic"),
    "phone": ({"phone": "604 555 01"}, "phone"),
    "e-mail": ({"email": "noor at patients"}, "e-mail"),
    "language": ({"language": "xx"}, "no texts in"),
    "sequence": ({"sequences": ["nonsense"]}, "There is no sequence nonsense. There are: aftercare"),
    "no sequence": ({"sequences": []}, "Choose at least one sequence."),
    "no address": ({"phone": "", "email": ""}, "Give a mobile number or an e-mail address"),
}


@pytest.mark.parametrize(("changes", "said"), TYPED.values(), ids=TYPED)
def test_what_cannot_be_right_is_refused_in_one_line_and_nothing_is_kept(
    clinic: Clinic, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(CampaignsError) as refused:
        make_patient(clinic, **changes)  # type: ignore[arg-type]
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert (Patient.objects.count(), Message.objects.count()) == (0, 0)


def test_a_text_whose_fact_is_missing_stops_alone_and_says_which(
    clinic: Clinic, real_channels: None, twilio: LoopbackTwilio, caplog: pytest.LogCaptureFixture
) -> None:
    without = message(make_patient(clinic, phone=""), "nsaids", EMAIL)
    other = message(make_patient(clinic, email="", phone="+16045550102", sequences=["welcome"]), "hello")
    clinic.settings = {}
    clinic.save(update_fields=["settings"])
    set_now(without.send_at)
    Message.objects.filter(pk=other.pk).update(expires_at=without.expires_at)
    send.drain()
    for row in (without, other):
        row.refresh_from_db()
    assert (without.state, without.reason) == (State.SKIPPED, Reason.RENDER_ERROR)
    assert other.state == State.ACCEPTED
    assert not Attempt.objects.filter(message=without).exists()
    [line] = [record for record in caplog.records if record.message == "no words for a message"]
    assert "pretreatment/nsaids.email.html" in line.detail  # type: ignore[attr-defined]
    assert line.exc_info is None


def text(name: str, body: str, sender: str = PHONE, recipient: str = "+16045550199") -> Inbound:
    """A text from a phone."""
    return Inbound(provider_id=name, sender=sender, recipient=recipient, body=body)


# Whose text it is


@pytest.mark.parametrize(("clinics", "shown"), [(1, "only"), (2, "every")])
def test_a_text_from_nobody_to_no_clinic_of_ours_is_seen_by_all_who_could_be_meant(
    clinic: Clinic, clinics: int, shown: str
) -> None:
    others = [factories.make_clinic(approved=False, name="Far Clinic")] if clinics > 1 else []
    receive_sms(text("SM1", "hello", sender="+16045550150", recipient="+16045550190"))
    for home in (clinic, *others):
        staff = Client()
        staff.force_login(factories.make_staff(home, f"robin{home.pk.hex[:6]}@clinic.example"))
        page = staff.get("/alerts").content.decode()
        assert "hello" in page
        assert ("Clinic not known" in page) is (shown == "every")
    assert Reply.objects.get().clinic == (clinic if shown == "only" else None)


def test_a_patient_of_one_clinic_is_known_wherever_the_text_was_sent(clinic: Clinic) -> None:
    factories.make_clinic(approved=False, name="Far Clinic")
    make_patient(clinic, phone=PHONE)
    receive_sms(text("SM1", "hello", recipient="+16045550190"))
    assert Reply.objects.get().clinic == clinic
