"""A database that takes nothing, a log that cannot be written, a stranger who sends without end."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import io
import json
import logging
import logging.config
import os
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

import pytest
from aiosmtpd.smtp import Envelope
from celery import Task
from django.conf import settings as django_settings
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django.fixtures import Settings

from campaigns import tasks
from campaigns.delivery.mail_listener import LATER, MOST_SESSIONS, TAKEN, MailListener
from campaigns.domain.errors import TemplateMissing
from campaigns.local.loopback_imap import LoopbackImap
from campaigns.local.loopback_smtp import LoopbackSmtp
from campaigns.local.processes import ROOT
from campaigns.management.commands import mail_in, send_due
from campaigns.models import Attempt, InboundMail, Message, Reply
from campaigns.services import deliver, send
from campaigns.services.fetch_mail import fetch_mail
from campaigns.services.receive_mail import LARGEST_TAKEN, is_ours
from tests import factories
from tests.hostile.conftest import ACCOUNT, SECRET, json_lines
from tests.hostile.fingerprint import fingerprint, tables
from tests.hostile.test_forgers import INBOUND, post
from tests.mail.conftest import Caught, mail
from tests.web import cast

HOUR = timedelta(hours=1)

REFUSE = """
CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _connect_anew() -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


@contextmanager
def read_only() -> Iterator[None]:
    """Every new connection may only read, as on a standby."""
    name = connection.settings_dict["NAME"]
    _run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    _connect_anew()
    try:
        yield
    finally:
        _run("SET default_transaction_read_only = off", f'ALTER DATABASE "{name}" RESET ALL')
        _connect_anew()


@contextmanager
def full() -> Iterator[None]:
    """Every statement that writes meets a full disk."""
    found = tables()
    each = 'CREATE TRIGGER no_space BEFORE INSERT OR UPDATE OR DELETE ON "{}" EXECUTE FUNCTION no_space()'
    _run(REFUSE, *(each.format(name) for name in found))
    try:
        yield
    finally:
        _run(*(f'DROP TRIGGER no_space ON "{name}"' for name in found), "DROP FUNCTION no_space()")


def _handed(raw: bytes) -> str:
    """What SMTP answers to one mail."""
    listener, envelope = MailListener(mail_in.take, is_ours, largest=LARGEST_TAKEN), Envelope()
    envelope.content, envelope.mail_from, envelope.rcpt_tos = raw, "a@b.example", ["clinic@clinic.example"]
    try:
        return asyncio.run(listener.handle_DATA(None, None, envelope))  # type: ignore[arg-type]
    finally:
        listener.close()


EVERY_TASK = [task for task in vars(tasks).values() if isinstance(task, Task)]


def _answers(attempt: object, number: int) -> list[object]:
    """What each way in says: text, news of a try, mail by HTTP, mail by SMTP."""
    text = {
        "AccountSid": ACCOUNT,
        "MessageSid": f"SM{number}",
        "From": "+16045550111",
        "Body": "my chest hurts",
    }
    news = {"AccountSid": ACCOUNT, "MessageSid": "SM9", "MessageStatus": "delivered"}
    headers = {"Authorization": f"Bearer {SECRET}"}
    client = Client(raise_request_exception=False)
    hook = client.post("/webhooks/email/inbound", mail("4"), content_type="message/rfc822", headers=headers)
    said = [post(INBOUND, text), post(f"/webhooks/twilio/status/{attempt}", news), hook]
    return [*(one.status_code for one in said), _handed(mail("5"))]


@pytest.mark.parametrize("broken", [read_only, full])
def test_a_database_that_takes_nothing_loses_nothing(
    committed: None,
    broken: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caught = Caught()
    monkeypatch.setattr(deliver, "senders", lambda: {"sms": caught, "email": caught})
    patient = cast.new_patient(cast.new_clinic(), language="en-CA")
    attempt = Attempt.objects.filter(message__patient=patient, channel="sms")[0].pk
    due = Message.objects.filter(patient=patient, state="planned").order_by("due_at")[0]
    factories.set_now(due.due_at)
    left, before = len(caught.mails), fingerprint()
    with LoopbackSmtp() as smtp, LoopbackImap(smtp) as imap:
        settings.INBOUND_IMAP_URL = imap.inbox_url
        with smtplib.SMTP("127.0.0.1", smtp.port) as client:
            client.sendmail("a@b.example", ["clinic@clinic.example"], mail("by mailbox"))
        with broken():  # type: ignore[attr-defined]
            assert _answers(attempt, 1) == [503, 503, 503, LATER]
            with pytest.raises(DatabaseError):
                fetch_mail()
            assert imap.seen == set(), "the mail stays new in the mailbox"
            caplog.clear()
            for task in EVERY_TASK:
                assert task.apply().successful(), task.name
            assert not [one for one in caplog.records if one.exc_info], "one line, no traceback"
            assert len(send_due._pass()) == 1, "what it says of it; it goes on"
            assert len(caught.mails) == left, "nothing leaves without its attempt on record"
        assert fingerprint() == before
        tasks.send_due.apply()
        assert len(caught.mails) > left
        assert fetch_mail() == 1
    assert _answers(attempt, 2) == [200, 204, 200, TAKEN]
    assert (Reply.objects.filter(channel="sms").count(), InboundMail.objects.count()) == (1, 3)


# --- a log that cannot be written


class Breaks(io.StringIO):
    """A stream that raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str, /) -> int:
        raise self.error


def _closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.fixture
def logging_put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.config.dictConfig({"version": 1, "incremental": True})


@pytest.mark.parametrize(
    "opened",
    [
        lambda: Path("/dev/full").open("w", buffering=1),  # noqa: SIM115 - it is closed below
        lambda: Breaks(OSError(28, "full")),
        lambda: Breaks(ValueError("odd")),
        _closed,
    ],
    ids=["a full disk", "an error", "another error", "a closed stream"],
)
def test_sending_goes_on_where_no_log_can_be_written(
    db: None,
    opened: Callable[[], TextIO],
    logging_put_back: None,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stream = opened()
    config: Any = copy.deepcopy(django_settings.LOGGING)
    config["handlers"]["stderr"]["stream"] = stream
    config["root"]["level"] = "DEBUG"
    patient = cast.new_patient(cast.new_clinic(), language="en-CA")
    caught = Caught()
    monkeypatch.setattr(deliver, "senders", lambda: {"sms": caught, "email": caught})
    mails = Message.objects.filter(patient=patient, state="planned", channel="email")
    first, second = mails.order_by("id")[:2]
    now = max(first.due_at, second.due_at)
    Message.objects.filter(pk=first.pk).update(template="no/such", due_at=now, expires_at=now + HOUR)
    Message.objects.filter(pk=second.pk).update(due_at=now, expires_at=now + HOUR)
    factories.set_now(now)
    logging.config.dictConfig(config)
    with monkeypatch.context() as broken:
        broken.setattr(sys, "stderr", stream)
        logging.getLogger("campaigns.any").warning("a line with %s", "a value")
        send.drain()
    first.refresh_from_db()
    second.refresh_from_db()
    with contextlib.suppress(OSError):
        stream.close()
    assert (first.state, first.reason) == ("skipped", "template_missing")
    assert second.state == "accepted"
    assert "a value" not in "".join(capfd.readouterr())


# --- what a line may hold


def _line(caplog: pytest.LogCaptureFixture) -> dict[str, object]:
    """The newest record as it is written."""
    handler = logging.StreamHandler(written := io.StringIO())
    handler.setFormatter(json_lines())
    handler.emit(caplog.records[-1])
    text = written.getvalue()
    assert text.count("\n") == 1
    assert text.isascii(), "no control, no bidirectional and no foreign letter stands in a log as it is"
    made: dict[str, object] = json.loads(text)
    return made


def test_an_error_is_told_by_its_kind_and_places_and_never_by_the_value_it_quotes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(secret: str) -> None:
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise ValueError(f"cannot read {secret}") from error

    try:
        fails("+16045550111 ünbearable\npain")
    except ValueError:
        logging.getLogger("campaigns.x").exception("it failed")
    line = _line(caplog)
    assert "0111" not in str(line)
    assert "pain" not in str(line)
    said = str(line["exception"])
    assert said.startswith("ValueError at ")
    assert "KeyError at test_broken_ground.py:" in said


def test_an_error_of_ours_and_a_code_of_the_database_are_told(
    caplog: pytest.LogCaptureFixture, db: None
) -> None:
    ours, theirs = TemplateMissing("no template x/y"), "SELECT 'Ann Example'::int"
    each: list[tuple[Callable[[], None], str]] = [
        (lambda: _raise(ours), "TemplateMissing: no template x/y at "),
        (lambda: _run(theirs), "InvalidTextRepresentation 22P02 at "),
    ]
    for fails, said in each:
        try:
            fails()
        except Exception:
            logging.getLogger("campaigns.x").exception("it failed")
        line = _line(caplog)
        assert said in str(line["exception"])
        assert "Ann" not in str(line)


def _raise(error: Exception) -> None:
    raise error


def test_a_page_that_fails_is_told_by_its_route_and_never_by_its_path(
    caplog: pytest.LogCaptureFixture, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A patient's path holds a token that opens a page."""
    monkeypatch.setattr("campaigns.patient.pages.gone", lambda request: _raise(RuntimeError("of Ann")))
    answer = Client(raise_request_exception=False).get("/p/the-token-of-a-patient")
    assert answer.status_code == 500
    line = _line(caplog)
    assert line["route"] == "patient-page"
    assert "the-token" not in str(line)
    assert "Ann" not in str(line)


def test_a_value_in_a_line_has_an_end(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("campaigns.x").warning("x" * 1_000_000, extra={"why": "y\r\n\x1b[2J\u202e" * 100_000})
    assert len(json.dumps(_line(caplog))) < 20_000


# --- without end

BOMBS = """
import json, resource, sys, threading
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()

class Endless:
    def __init__(self, size, unit): self.left, self.unit, self.read_bytes = size, unit, 0
    def read(self, most=-1):
        most = self.left if most < 0 else min(most, self.left)
        self.left -= most; self.read_bytes += most
        return (self.unit * (most // len(self.unit) + 1))[:most]
    def readline(self, most=-1): return self.read(most)

def post(path, kind, size, unit, **headers):
    body, said = Endless(size, unit), []
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(size),
        "SERVER_NAME": "clinic.example", "SERVER_PORT": "443", "HTTP_HOST": "clinic.example",
        "REMOTE_ADDR": f"192.0.2.{len(answers)}", "wsgi.input": body, "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "https", "wsgi.version": (1, 0), "wsgi.multithread": True,
        "wsgi.multiprocess": True, "wsgi.run_once": False} | headers
    list(application(environ, lambda status, headers: said.append(status[:3])))
    answers.append((said[0], body.read_bytes))

answers = []
FORM, MB = "application/x-www-form-urlencoded", 1024 * 1024
post("/webhooks/twilio/inbound", FORM, 10, b"x", HTTP_X_TWILIO_SIGNATURE="x")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
forged = {"HTTP_X_TWILIO_SIGNATURE": "x" * 28}
escaped = ("/webhooks/twilio/inbound", FORM, 4 * MB, b"%F0%9F%98%80")
threads = [threading.Thread(target=post, args=escaped, kwargs=forged) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
post("/webhooks/twilio/inbound", FORM, 300 * MB, b"Body=x&", **forged)
post("/webhooks/twilio/inbound", FORM, 300 * MB, b"x")
post("/webhooks/email/inbound", "message/rfc822", 300 * MB, b"x")
post("/sign-in", "multipart/form-data; boundary=x", 300 * MB, b"--x\\r\\n")
grew = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps([grew, answers]))
"""


def test_who_sends_without_end_is_not_read_to_the_end() -> None:
    """Eight bombs in one process; none of them is signed, so none of them is a patient's."""
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "campaigns.settings", "TWILIO_AUTH_TOKEN": "x" * 32}
    done = subprocess.run(
        [sys.executable, "-c", BOMBS],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    grew, answers = json.loads(done.stdout.splitlines()[-1])
    codes = [code for code, _ in answers]
    assert codes[:1] + codes[5:] == ["403"] * 4 + ["413"]
    assert set(codes[1:5]) <= {"403", "503"}, "one after the other, and who waits too long comes again"
    assert [read for _, read in answers[-3:]] == [0, 0, 0]
    assert answers[5][1] <= 65 * 1024 * 1024
    assert grew < 300, f"{grew:.0f} MB"


def test_smtp_takes_so_many_neighbours_and_tells_the_next_to_come_again() -> None:
    """Each may hold a mail in memory."""

    async def play() -> list[bytes]:
        listener = MailListener(lambda handed: None, lambda address: True, largest=LARGEST_TAKEN)
        listening = asyncio.Event()
        serving = asyncio.ensure_future(listener.serve("127.0.0.1", 0, listening.set))
        await listening.wait()
        lines = []
        open_ones = []
        for _ in range(MOST_SESSIONS + 1):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            lines.append(await reader.readline())
            open_ones.append(writer)
        open_ones[0].close()
        await open_ones[0].wait_closed()
        while len(listener._sessions) == MOST_SESSIONS:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        lines.append(await reader.readline())
        for one in (*open_ones[1:], writer):
            one.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        listener.close()
        return lines

    lines = asyncio.run(play())
    assert [line[:3] for line in lines] == [b"220"] * MOST_SESSIONS + [b"421", b"220"]
