"""A Sent folder on the loopback address: it holds what the loopback SMTP server took, and can be searched.

It knows the few commands that asking for a Message-ID takes (RFC 9051) and refuses every other.
"""

from __future__ import annotations

import asyncio
import re

from campaigns.local.loopback_server import HOST, LoopbackServer
from campaigns.local.loopback_smtp import LoopbackSmtp

PASSWORD = "demo-only"  # noqa: S105  opens nothing but the loopback server
_MESSAGE_ID = re.compile(r'HEADER Message-ID "<?([^>"]+)>?"', re.IGNORECASE)


class LoopbackImap(LoopbackServer):
    """Answers from the list of one SMTP server. `searches` counts the questions."""

    def __init__(self, smtp: LoopbackSmtp, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.searches = 0
        self._smtp = smtp

    @property
    def url(self) -> str:
        """For EMAIL_SENT_URL."""
        return f"imap://demo:{PASSWORD}@{HOST}:{self.port}/Sent?tls=none"

    def protocol(self) -> asyncio.Protocol:
        return _Session(self)

    def search(self, message_id: str) -> bool:
        """Whether the SMTP server has taken a message with this id."""
        self.searches += 1
        return self._smtp.has(message_id)


class _Session(asyncio.Protocol):
    """One connection: a tagged command a line."""

    def __init__(self, server: LoopbackImap) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP transports are nothing else
        self._transport = transport
        self._server.transports.add(transport)
        self._say("* OK loopback")

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\r\n")
        for line in lines:
            tag, _, command = line.decode("utf-8", "replace").partition(" ")
            self._answer(tag, command)

    def _answer(self, tag: str, command: str) -> None:
        match command.split(" ", 1)[0].upper():
            case "CAPABILITY":
                self._say("* CAPABILITY IMAP4rev1")
            case "LOGIN" if PASSWORD not in command:
                self._say(f"{tag} NO wrong password")
                return
            case "EXAMINE":
                self._say("* 0 EXISTS")
            case "UID":
                found = _MESSAGE_ID.search(command)
                self._say("* SEARCH 1" if found and self._server.search(found[1]) else "* SEARCH")
            case "LOGOUT":
                self._say("* BYE")
                self._say(f"{tag} OK done")
                self._transport.close()
                return
            case "LOGIN" | "NOOP":
                pass
            case _:
                self._say(f"{tag} BAD not known here")
                return
        self._say(f"{tag} OK done")

    def _say(self, line: str) -> None:
        self._transport.write(line.encode() + b"\r\n")
