"""An SMTP server on the loopback address that takes every message and reaches nobody.

For demonstrations, tests and benchmarks. It can be told to misbehave in each way that a real server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from campaigns.local.loopback_server import HOST, HoldPoint, LoopbackServer


class Fault(StrEnum):
    """How the SMTP server misbehaves. (`refuse()` closes the port altogether.)"""

    BUSY_AT_CONNECT = "421"
    BUSY_AT_MAIL = "421-mail"
    GREYLIST = "451"
    MAILBOX_BUSY = "450"
    NO_SUCH_MAILBOX = "550"
    TOO_LARGE = "552"
    CONTENT = "554"
    DROP_BEFORE_DOT = "drop_before_dot"
    DROP_AFTER_DOT = "drop_after_dot"
    DROP_AT_RCPT = "drop_at_rcpt"
    SILENT = "silent"


_AT_RCPT = {
    Fault.GREYLIST: b"451 4.7.1 Greylisted, try again later\r\n",
    Fault.MAILBOX_BUSY: b"450 4.2.0 Mailbox busy\r\n",
    Fault.NO_SUCH_MAILBOX: b"550 5.1.1 No such mailbox\r\n",
}
_AFTER_DOT = {
    Fault.TOO_LARGE: b"552 5.2.2 Mailbox full\r\n",
    Fault.CONTENT: b"554 5.7.1 Message refused\r\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message as it came, with its envelope."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    at: datetime

    @property
    def message_id(self) -> str:
        """The Message-ID header, without the angle brackets."""
        head = self.raw.partition(b"\r\n\r\n")[0]
        found = re.search(rb"(?im)^message-id:\s*<?([^>\r\n]+)", head)
        return found[1].decode("ascii", "replace").strip() if found else ""


class LoopbackSmtp(LoopbackServer):
    """Keeps every message in `mails`. `on_mail` is called on the server's thread: it must be quick."""

    def __init__(
        self,
        *,
        port: int = 0,
        log_path: Path | None = None,
        keep: bool = True,
        on_mail: Callable[[Mail], object] | None = None,
    ) -> None:
        super().__init__(port=port, log_path=log_path)
        self.mails: list[Mail] = []
        self.count = 0
        self.connections = 0
        self.fault: Fault | None = None
        self.on_mail = on_mail
        self._keep = keep
        self._ids: set[str] = set()

    @property
    def url(self) -> str:
        """For EMAIL_URL."""
        return f"smtp://{HOST}:{self.port}?tls=none"

    def fail(self, fault: Fault | str) -> None:
        """Misbehave from now on."""
        self.fault = Fault(fault)

    def mend(self) -> None:
        """Behave again."""
        self.fault = None

    def unique(self) -> int:
        """How many different Message-IDs have come."""
        return len(self._ids)

    def has(self, message_id: str) -> bool:
        """Whether a message with this id, without the angle brackets, has come."""
        return message_id in self._ids

    def protocol(self) -> asyncio.Protocol:
        return _Session(self)

    def record(self, mail: Mail) -> None:
        """Take a message. On the loop's thread."""
        self.count += 1
        self._ids.add(mail.message_id)
        if self._keep:
            self.mails.append(mail)
        self.write_log(
            {"at": mail.at.isoformat(), "to": list(mail.recipients), "message_id": mail.message_id}
        )
        if self.on_mail:
            self.on_mail(mail)


class _Session(asyncio.Protocol):
    """One connection: lines until DATA, then bytes until the dot. Written by hand, for speed."""

    def __init__(self, server: LoopbackSmtp) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._sender = ""
        self._recipients: list[str] = []
        self._in_data = False
        self._waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP transports are nothing else
        self._transport = transport
        self._server.transports.add(transport)
        self._server.connections += 1
        if self._server.fault is Fault.BUSY_AT_CONNECT:
            transport.write(b"421 4.3.2 Service not available\r\n")
            transport.close()
        elif self._server.fault is not Fault.SILENT:
            transport.write(b"220 loopback ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._proceed()

    def _proceed(self) -> None:
        while not self._waits and self._buffer:
            end = self._buffer.find(b"\r\n.\r\n" if self._in_data else b"\r\n")
            if end < 0:
                return
            taken = bytes(self._buffer[: end + 2])
            del self._buffer[: end + (5 if self._in_data else 2)]
            if self._in_data:
                self._message(taken)
            else:
                self._command(taken.decode("utf-8", "replace").rstrip("\r\n"))

    def _command(self, line: str) -> None:
        verb = line[:4].upper()
        match verb:
            case "EHLO":
                self._say(b"250-loopback\r\n250-8BITMIME\r\n250-SIZE 35000000\r\n250 AUTH PLAIN\r\n")
            case "MAIL":
                self._mail(line)
            case "RCPT":
                self._rcpt(line)
            case "DATA":
                self._data()
            case "AUTH":
                self._say(b"235 2.7.0 Accepted\r\n")
            case "QUIT":
                self._say(b"221 2.0.0 Bye\r\n")
                self._transport.close()
            case "HELO" | "NOOP" | "RSET":
                self._say(b"250 OK\r\n")
            case _:
                self._say(b"502 5.5.1 Not known here\r\n")

    def _mail(self, line: str) -> None:
        if self._server.fault is Fault.BUSY_AT_MAIL:
            self._say(b"421 4.7.0 Too many messages on this connection\r\n")
            self._transport.close()
            return
        self._sender, self._recipients = _address(line), []
        self._say(b"250 2.1.0 OK\r\n")

    def _rcpt(self, line: str) -> None:
        fault = self._server.fault
        if fault is Fault.DROP_AT_RCPT:
            self._transport.abort()
        elif fault in _AT_RCPT:
            self._say(_AT_RCPT[fault])
        else:
            self._recipients.append(_address(line))
            self._say(b"250 2.1.5 OK\r\n")

    def _data(self) -> None:
        if self._server.fault is Fault.DROP_BEFORE_DOT:
            self._transport.write(b"354 Go on\r\n")
            self._transport.close()
            return
        self._in_data = True
        self._say(b"354 Go on\r\n")

    def _message(self, raw: bytes) -> None:
        self._in_data = False
        refusal = _AFTER_DOT.get(self._server.fault) if self._server.fault else None
        if refusal:
            self._say(refusal)
            return
        mail = Mail(
            sender=self._sender,
            recipients=tuple(self._recipients),
            raw=raw.replace(b"\r\n..", b"\r\n."),
            at=datetime.now(UTC),
        )
        self._waits = True
        self._server.pass_point(HoldPoint.BEFORE_RECORD, lambda: self._record(mail))

    def _record(self, mail: Mail) -> None:
        self._server.record(mail)
        self._server.pass_point(HoldPoint.BEFORE_RESPONSE, self._accept)

    def _accept(self) -> None:
        self._waits = False
        if self._server.fault is Fault.DROP_AFTER_DOT:
            self._transport.abort()
            return
        self._say(b"250 2.0.0 OK\r\n")
        self._proceed()

    def _say(self, line: bytes) -> None:
        self._transport.write(line)


def _address(line: str) -> str:
    """What stands between the angle brackets of MAIL FROM:<...> or RCPT TO:<...>."""
    with contextlib.suppress(ValueError):
        return line[line.index("<") + 1 : line.index(">")]
    return ""
