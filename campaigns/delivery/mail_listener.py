"""The server that the clinic's own mail server hands answers to (SMTP, RFC 5321), on aiosmtpd.

It says yes to a mail once `take` returns, which stores it; where `take` fails it asks to be called again.
It relays nothing, and knows no passwords: it is meant for one neighbour, not for the world.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP, Envelope, Session

log = logging.getLogger(__name__)

MOST_RECIPIENTS = 100
MOST_SESSIONS = 16
"""At once: each may hold a mail in memory, and one neighbour needs one or two."""
_THREADS = 4
_IDLE_SECONDS = 120.0

TAKEN = "250 2.0.0 Stored"
NOT_OURS = "550 5.1.1 No such address here"
TOO_MANY = "452 4.5.3 Too many recipients"
BUSY = "421 4.3.2 Too many connections; try again later"
LATER = "451 4.3.0 It cannot be stored just now; try again later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One mail with its envelope. `sender` is empty for the null sender."""

    raw: bytes
    sender: str
    recipients: tuple[str, ...]


class _Session(SMTP):
    """One connection that its listener counts."""

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.left(self)
        super().connection_lost(error)


class _NoRoom(asyncio.Protocol):
    """One connection too many: told to come again, and nothing is read from it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP transports are nothing else
        transport.write(BUSY.encode() + b"\r\n")
        transport.close()


class MailListener:
    """Listens until its task is cancelled. `port` is known once `listening` is set."""

    def __init__(
        self, take: Callable[[Handed], object], is_ours: Callable[[str], bool], *, largest: int
    ) -> None:
        self.port = 0
        self._take = take
        self._is_ours = is_ours
        self._largest = largest
        self._sessions: set[SMTP] = set()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="mail-in")

    async def serve(self, host: str, port: int, listening: Callable[[], object] = lambda: None) -> None:
        """Take mail on this address for ever. Raises OSError where nobody may listen there."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._session, host, port)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            listening()
            await server.serve_forever()

    def close(self) -> None:
        """Wait for what is being stored."""
        self._pool.shutdown()

    def left(self, session: SMTP) -> None:
        """One connection has ended."""
        self._sessions.discard(session)

    def _session(self) -> asyncio.Protocol:
        if len(self._sessions) >= MOST_SESSIONS:
            return _NoRoom()
        session = _Session(
            self,
            data_size_limit=self._largest,
            enable_SMTPUTF8=True,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            hostname="campaigns",
            ident="ready",
            timeout=_IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )
        self._sessions.add(session)
        return session

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only mail for us: an open relay would send anybody's mail to anybody."""
        if not self._is_ours(address):
            return NOT_OURS
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Store, and only then say so."""
        content = envelope.content
        handed = Handed(
            raw=content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content or b"",
            sender=(envelope.mail_from or "").strip("<>"),
            recipients=tuple(envelope.rcpt_tos),
        )
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._take, handed)
        except Exception as error:
            log.error("a mail could not be stored", extra={"why": type(error).__name__})
            return LATER
        return TAKEN
