"""No first byte leaves once what was asked right before has grown old: whoever slept meanwhile sends
nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns.delivery.channels import TOO_LATE, Ending, Outgoing, Sender
from campaigns.delivery.email import EmailSender, WatchedBackend, smtp_config
from campaigns.delivery.sms_twilio import TwilioConfig, TwilioSender
from campaigns.local.loopback_smtp import LoopbackSmtp
from campaigns.local.loopback_twilio import LoopbackTwilio

Channel = tuple[Sender, LoopbackTwilio | LoopbackSmtp, str]
"""A sender, the server that it talks to, and somebody's address."""
NOW = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)


def outgoing(to: str, leave_by: float) -> Outgoing:
    return Outgoing(
        attempt_id=uuid4(),
        to=to,
        text="Example",
        subject="Example",
        message_id="<1@clinic.example>",
        leave_by=leave_by,
        now=NOW,
        expires_at=NOW + timedelta(hours=1),
    )


@contextmanager
def texts() -> Iterator[Channel]:
    with LoopbackTwilio() as server:
        config = TwilioConfig(
            account_sid=server.account_sid,
            auth_token=server.auth_token,
            from_number="+16045550199",
            api_base_url=server.base_url,
        )
        sender = TwilioSender(config)
        yield sender, server, "+16045550101"
        sender.close()


@contextmanager
def mails() -> Iterator[Channel]:
    with LoopbackSmtp() as server:
        sender = EmailSender(smtp_config(server.url, "clinic@clinic.example"))
        yield sender, server, "patient@patients.example"
        sender.close()


@pytest.mark.parametrize("way", [texts, mails])
def test_what_is_asked_too_long_ago_does_not_leave_and_its_connection_serves_the_next(
    way: Callable[[], AbstractContextManager[Channel]],
) -> None:
    with way() as (sender, server, to):
        for leave_by in (time.monotonic() - 1, time.monotonic() - 1):
            outcome = sender.send(outgoing(to, leave_by))
            assert (outcome.ending, outcome.detail, server.count) == (Ending.NOT_SENT, TOO_LATE, 0)
        outcome = sender.send(outgoing(to, time.monotonic() + 60))
        assert (outcome.ending, server.count, server.connections) == (Ending.ACCEPTED, 1, 1)


def test_who_sleeps_in_the_middle_of_a_mail_does_not_go_on_with_it() -> None:
    with LoopbackSmtp() as server:
        config = smtp_config(server.url, "clinic@clinic.example")
        backend = WatchedBackend(host=config.host, port=config.port, timeout=10, use_tls=False)
        backend.open()
        assert backend.connection
        backend.connection.begin(10)
        backend.connection.mail("clinic@clinic.example")
        backend.connection.deadline = time.monotonic() - 1
        with pytest.raises(TimeoutError):
            backend.connection.rcpt("patient@patients.example")
        backend.drop()
        assert server.count == 0
