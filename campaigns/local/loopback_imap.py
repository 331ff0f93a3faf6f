"""A mailbox on the loopback address: what the loopback SMTP server took can be searched and read here.

It knows the few commands that asking for a Message-ID and fetching new mail take (RFC 9051), and refuses
every other.
"""

from __future__ import annotations

import asyncio
import re

from campaigns.local.loopback_server import HOST, LoopbackServer
from campaigns.local.loopback_smtp import LoopbackSmtp

PASSWORD = "demo-only"  # noqa: S105  opens nothing but the loopback server
_MESSAGE_ID = re.compile(r'HEADER Message-ID "<?([^>"]+)>?"', re.IGNORECASE)


class LoopbackImap(LoopbackServer):
    """Answers from the list of one SMTP server. `searches` counts the questions about one message, `seen`
    holds the numbers of mails that a client has marked."""

    def __init__(self, smtp: LoopbackSmtp, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.searches = 0
        self.seen: set[int] = set()
        self._smtp = smtp

    @property
    def url(self) -> str:
        """For EMAIL_SENT_URL."""
        return f"imap://demo:{PASSWORD}@{HOST}:{self.port}/Sent?tls=none"

    @property
    def inbox_url(self) -> str:
        """For INBOUND_IMAP_URL."""
        return f"imap://demo:{PASSWORD}@{HOST}:{self.port}/INBOX?tls=none"

    def protocol(self) -> asyncio.Protocol:
        return _Session(self)

    def search(self, message_id: str) -> bool:
        """Whether the SMTP server has taken a message with this id."""
        self.searches += 1
        return self._smtp.has(message_id)

    def unseen(self) -> list[int]:
        """The numbers of mails that nobody has marked; the first is 1."""
        return [number for number, _ in enumerate(self._smtp.mails, 1) if number not in self.seen]

    def mail(self, number: int) -> bytes:
        """One mail."""
        return self._smtp.mails[number - 1].raw


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
            case "EXAMINE" | "SELECT":
                self._say("* 0 EXISTS")
            case "UID":
                self._about_mails(command[4:])
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

    def _about_mails(self, command: str) -> None:
        """What a client asks or says about mails by their numbers."""
        verb, _, rest = command.partition(" ")
        match verb.upper():
            case "FETCH":
                self._fetch(int(rest.partition(" ")[0]), int(re.findall(r"\d+", rest)[-1]))
            case "STORE":
                self._server.seen.add(int(rest.partition(" ")[0]))
            case "SEARCH" if rest.upper() == "UNSEEN":
                self._say(" ".join(["* SEARCH", *map(str, self._server.unseen())]))
            case _:
                found = _MESSAGE_ID.search(rest)
                self._say("* SEARCH 1" if found and self._server.search(found[1]) else "* SEARCH")

    def _fetch(self, number: int, most: int) -> None:
        raw = self._server.mail(number)
        part = raw[:most]
        self._say(f"* {number} FETCH (UID {number} RFC822.SIZE {len(raw)} BODY[]<0> {{{len(part)}}}")
        self._transport.write(part + b")\r\n")

    def _say(self, line: str) -> None:
        self._transport.write(line.encode() + b"\r\n")
