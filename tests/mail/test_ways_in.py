"""The three ways by which mail comes in: SMTP, HTTP and IMAP. Each says yes once it is stored."""

from __future__ import annotations

import asyncio
import smtplib
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from campaigns.delivery.mail_listener import MailListener
from campaigns.local.loopback_imap import LoopbackImap
from campaigns.local.loopback_smtp import LoopbackSmtp
from campaigns.management.commands import mail_in
from campaigns.models import Alert, Answer, InboundMail, Message
from campaigns.services import receive_mail
from campaigns.services.fetch_mail import fetch_mail
from campaigns.services.receive_mail import LARGEST_TAKEN, is_ours
from tests.mail.conftest import mail
from tests.web.stored import everything_stored

SECRET = "a secret of the tests, long enough"
HOOK = "/webhooks/email/inbound"


def database_is_away(*_: object) -> None:
    raise OperationalError("the server closed the connection")


# --- SMTP


@pytest.fixture
def listener(committed: None) -> Iterator[MailListener]:
    """The listener of `mail-in` on a thread of its own."""
    listening, loop = threading.Event(), asyncio.new_event_loop()
    one = MailListener(mail_in.take, is_ours, largest=LARGEST_TAKEN)
    task = loop.create_task(one.serve("127.0.0.1", 0, listening.set))
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])))
    thread.start()
    assert listening.wait(10)
    yield one
    loop.call_soon_threadsafe(task.cancel)
    thread.join(10)
    one.close()
    loop.close()


@pytest.fixture
def smtp(listener: MailListener) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", listener.port, timeout=30) as client:
        yield client


def test_smtp_takes_what_is_ours_and_refuses_what_is_not(
    smtp: smtplib.SMTP, asked: Message, reply_to: str
) -> None:
    assert smtp.sendmail("", [reply_to], mail("4", to=reply_to)) == {}
    for address in (reply_to, "CLINIC@clinic.example", "anything@reply.clinic.example"):
        assert smtp.sendmail("patient@patients.example", [address], mail("4", to=reply_to)) == {}
    assert InboundMail.objects.count() == 4
    assert InboundMail.objects.filter(kind="automatic").count() == 1
    assert Answer.objects.get().value == "4"
    for address in ("other@clinic.example", "someone@elsewhere.example", "x@xreply.clinic.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            smtp.sendmail("a@b.example", [address], mail("4"))
        assert refused.value.recipients[address][0] == 550


def test_smtp_says_come_again_while_it_cannot_be_stored(
    smtp: smtplib.SMTP, asked: Message, reply_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = mail("4", to=reply_to)
    with monkeypatch.context() as broken:
        broken.setattr(receive_mail, "_store", database_is_away)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.sendmail("a@b.example", [reply_to], raw)
        assert refused.value.smtp_code == 451
    smtp.sendmail("a@b.example", [reply_to], raw)
    assert Answer.objects.get().value == "4"


def test_smtp_takes_ten_megabytes_and_refuses_what_nobody_writes(
    smtp: smtplib.SMTP, asked: Message, reply_to: str
) -> None:
    line = b"x" * 900 + b"\r\n"
    smtp.sendmail("a@b.example", [reply_to], mail("hello", to=reply_to) + line * 11_700)
    stored = InboundMail.objects.get()
    assert stored.size > receive_mail.LARGEST_KEPT == len(stored.raw)
    assert Alert.objects.count() == 1
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        smtp.sendmail("a@b.example", [reply_to], line * 17_500)
    assert refused.value.smtp_code == 552


def test_a_mail_brought_again_after_a_kill_before_the_answer_changes_nothing(
    smtp: smtplib.SMTP, asked: Message, reply_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = mail("4", to=reply_to)
    with monkeypatch.context() as killed:  # stored, and neither read nor answered
        killed.setattr(receive_mail, "read_mail", database_is_away)
        killed.setattr(mail_in, "connections", None)
        with pytest.raises(smtplib.SMTPDataError):
            smtp.sendmail("a@b.example", [reply_to], raw)
    assert InboundMail.objects.get().state == "stored"
    smtp.sendmail("a@b.example", [reply_to], raw)
    assert (InboundMail.objects.count(), Answer.objects.get().value) == (1, "4")
    before = everything_stored()
    smtp.sendmail("a@b.example", [reply_to], raw)
    assert everything_stored() == before


# --- HTTP


def post(raw: bytes, secret: str = SECRET, kind: str = "message/rfc822", scheme: str = "Bearer") -> Any:
    headers = {"Authorization": f"{scheme} {secret}"}
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    return client.post(HOOK, raw, content_type=kind, headers=headers)


@pytest.fixture
def hook(settings: Settings) -> None:
    settings.MAIL_WEBHOOK_SECRET = SECRET


def test_http_takes_the_mail_itself_from_who_knows_the_secret(
    hook: None, asked: Message, reply_to: str
) -> None:
    raw = mail("4", to=reply_to)
    assert post(raw).status_code == HTTPStatus.OK
    assert post(raw).status_code == HTTPStatus.OK
    assert (InboundMail.objects.count(), Answer.objects.get().value) == (1, "4")
    assert post(raw + b"x" * 11_000_000).status_code == HTTPStatus.OK
    assert InboundMail.objects.latest("id").damaged


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"secret": ""}, 403),
        ({"secret": SECRET[:-1]}, 403),
        ({"secret": "é" * 20}, 403),
        ({"scheme": "Basic"}, 403),
        ({"kind": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_http_refuses_everybody_else(hook: None, db: None, changes: dict[str, str], status: int) -> None:
    assert post(b"From: a@b.example\r\n\r\n4", **changes).status_code == status
    assert not InboundMail.objects.exists()


def test_http_without_a_secret_lets_nobody_in(db: None) -> None:
    assert post(b"x", secret="").status_code == 403


def test_http_says_no_while_it_cannot_be_stored(
    hook: None, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive_mail, "_store", database_is_away)
    assert post(b"From: a@b.example\r\n\r\n4").status_code >= 500


# --- IMAP


def test_imap_marks_a_mail_only_once_it_is_stored(
    asked: Message, reply_to: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackSmtp() as smtp, LoopbackImap(smtp) as imap:
        settings.INBOUND_IMAP_URL = imap.inbox_url
        with smtplib.SMTP("127.0.0.1", smtp.port) as client:
            client.sendmail("a@b.example", [reply_to], mail("4", to=reply_to))
            client.sendmail("a@b.example", [reply_to], mail("Can I drive?", to=reply_to))
        with monkeypatch.context() as broken:
            broken.setattr(receive_mail, "_store", database_is_away)
            with pytest.raises(OperationalError):
                fetch_mail()
        assert (imap.seen, InboundMail.objects.count()) == (set(), 0)
        assert (fetch_mail(), fetch_mail()) == (2, 0)
        assert imap.seen == {1, 2}
    assert (InboundMail.objects.count(), Answer.objects.get().value) == (2, "4")
    assert fetch_mail() == 0, "a mailbox that is away is asked again later"
