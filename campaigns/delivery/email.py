"""E-mail over SMTP, on Django's backend: one recipient a message, connections kept open.

SMTP says clearly whether a message was taken, except in one place: when the line breaks after the final dot
and before the answer. Only that is `UNCERTAIN`; everything before it was not sent, every answer is an answer.
"""

from __future__ import annotations

import os
import re
import smtplib
import ssl
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parseaddr
from enum import Enum, StrEnum
from functools import cache
from select import POLLIN, poll
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.mail.backends.smtp import EmailBackend

from campaigns.delivery.channels import TOO_LATE, Ending, InvalidSetting, Outcome, Outgoing, Sought
from campaigns.delivery.email_mime import envelope_address, is_address, message_bytes
from campaigns.delivery.sent_mail import SentFolder
from campaigns.domain.lifecycle import Reason

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_LONGEST_IDLE = 60.0  # seconds; servers close idle connections, some after a few minutes


class Tls(StrEnum):
    """How the connection is encrypted: upgraded after the greeting, from the first byte, or not at all."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


_PORTS = {Tls.STARTTLS: 587, Tls.IMPLICIT: 465, Tls.NONE: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpConfig:
    """The mail relay and the address we send from. `timeout` (seconds) is for connecting and for sending."""

    host: str
    port: int
    from_address: str
    username: str = ""
    password: str = ""
    tls: Tls = Tls.STARTTLS
    timeout: float = 10.0
    pool_size: int = 64

    def __post_init__(self) -> None:
        if not is_address(self.from_address):
            raise InvalidSetting(
                "EMAIL_FROM must be one plain e-mail address, such as clinic@clinic.example."
            )


def smtp_config(url: str, from_address: str, *, timeout: float = 10.0, pool_size: int = 64) -> SmtpConfig:
    """Read `smtp://user:pass@host:port?tls=starttls|implicit|none`. Errors never show the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidSetting("EMAIL_URL has a port or host that cannot be read.") from None
    if parts.scheme != "smtp" or not parts.hostname:
        raise InvalidSetting("EMAIL_URL must look like smtp://user:password@host:587?tls=starttls.")
    if parts.path.strip("/"):
        raise InvalidSetting(
            "EMAIL_URL has something after the host; write reserved letters as %2F and so on."
        )
    tls = _tls(parts.query, port)
    return SmtpConfig(
        host=parts.hostname,
        port=port or _PORTS[tls],
        from_address=parseaddr(from_address)[1],
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        timeout=timeout,
        pool_size=pool_size,
    )


def _tls(query: str, port: int | None) -> Tls:
    """The `tls` word of the address. Without one the connection is encrypted all the same."""
    given = parse_qs(query, keep_blank_values=True)
    words = given.pop("tls", None)
    if given:
        raise InvalidSetting(f"EMAIL_URL has an option that is not known: {', '.join(sorted(given))}.")
    if not words:
        return Tls.IMPLICIT if port == _PORTS[Tls.IMPLICIT] else Tls.STARTTLS
    try:
        return Tls(words[-1])
    except ValueError:
        raise InvalidSetting("EMAIL_URL: tls must be starttls, implicit or none.") from None


class Phase(Enum):
    """How far a message has come on its connection."""

    OPENING = "while connecting"
    ENVELOPE = "before the message"
    DATA = "at DATA"
    BODY = "inside the message"
    DOTTED = "after the message"


class _Watched(smtplib.SMTP):
    """Notes how far the message has come, and ends every wait at one deadline."""

    phase = Phase.OPENING
    deadline = 0.0

    def begin(self, seconds: float) -> None:
        """A new message on this connection, with so much time."""
        self.phase = Phase.ENVELOPE
        self.deadline = time.monotonic() + seconds

    def data(self, msg: ReadableBuffer | str) -> tuple[int, bytes]:
        self.phase = Phase.DATA
        return super().data(msg)

    def send(self, s: ReadableBuffer | str) -> None:
        if self.deadline and time.monotonic() > self.deadline:
            raise TimeoutError  # who slept since the message began must not go on with it
        self._hurry()
        super().send(s)
        if self.phase is Phase.BODY:  # it returned, so the final dot is with the system
            self.phase = Phase.DOTTED

    def getreply(self) -> tuple[int, bytes]:
        self._hurry()
        code, words = super().getreply()
        if self.phase is Phase.DATA and code == 354:
            self.phase = Phase.BODY
        return code, words

    def _hurry(self) -> None:
        self.deadline = self.deadline or time.monotonic() + self.timeout
        if self.sock is not None:
            self.sock.settimeout(max(0.001, self.deadline - time.monotonic()))


class _WatchedTls(_Watched, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


@cache
def _trusted() -> ssl.SSLContext:
    """One for all connections: loading the certificate authorities takes milliseconds."""
    return ssl.create_default_context()


class WatchedBackend(EmailBackend):
    """Django's SMTP backend on a connection that knows how far a message has come."""

    connection: _Watched | None
    _partial_connection: _Watched | None
    last_used = 0.0

    @property
    def connection_class(self) -> type[_Watched]:
        return _WatchedTls if self.use_ssl else _Watched

    @property
    def ssl_context(self) -> ssl.SSLContext:
        return _trusted()

    @property
    def phase(self) -> Phase:
        """How far the last message came."""
        return self.connection.phase if self.connection else Phase.OPENING

    def transmit(self, sender: str, recipient: str, message: bytes, leave_by: float) -> None:
        """One message, on the open connection or a new one; none that could not begin by `leave_by`."""
        self.open()
        if self.connection is not None:
            self.connection.begin(self.timeout or 0)
            if time.monotonic() > leave_by:
                raise _TooLate
            self.connection.sendmail(sender, [recipient], message)
            self.last_used = time.monotonic()

    def is_fresh(self) -> bool:
        """Whether the idle connection is any use: not old, and the server has said nothing meanwhile."""
        sock = self.connection.sock if self.connection else None
        if sock is None or time.monotonic() - self.last_used > _LONGEST_IDLE:
            return False
        watch = poll()
        watch.register(sock, POLLIN)
        return not watch.poll(0)

    def drop(self) -> None:
        """Close without a word: after an error the server may not be listening any more."""
        for connection in (self.connection, self._partial_connection):
            if connection is not None:
                connection.close()
        self.connection = self._partial_connection = None


class _TooLate(Exception):
    """The message may not begin any more."""


class _GivenUp(Exception):
    """The server had given up a kept connection before the message began."""


class EmailSender:
    """`channels.Sender` for SMTP. One instance serves all threads of a process."""

    def __init__(self, config: SmtpConfig, sent: SentFolder | None = None) -> None:
        self._config = config
        self._sent = sent
        self._idle: deque[WatchedBackend] = deque()
        self._owner = os.getpid()

    def send(self, outgoing: Outgoing) -> Outcome:
        """Hand one message to the relay."""
        try:
            recipient = envelope_address(outgoing.to)
        except ValueError:
            return Outcome(ending=Ending.REJECTED, reason=Reason.BAD_ADDRESS, detail="not an e-mail address")
        try:
            message = message_bytes(outgoing, self._config.from_address)
        except ValueError:
            return Outcome(ending=Ending.REJECTED, reason=Reason.RENDER_ERROR, detail="a header is not valid")
        return self._deliver(recipient, message, outgoing.leave_by)

    def find(self, sought: Sought) -> Outcome | None:
        """What the Sent folder knows. Without one nobody can be asked: SMTP has no memory."""
        return self._sent.find(sought.message_id) if self._sent and sought.message_id else None

    def close(self) -> None:
        """Close the kept connections."""
        while self._idle:
            self._idle.pop().drop()

    def _deliver(self, recipient: str, message: bytes, leave_by: float) -> Outcome:
        """On a kept connection if there is one; on a new one if the server had given that up."""
        kept = self._take()
        if kept is not None:
            with suppress(_GivenUp):
                return self._transmit(kept, recipient, message, leave_by)
        return self._transmit(self._backend(), recipient, message, leave_by)

    def _transmit(self, backend: WatchedBackend, recipient: str, message: bytes, leave_by: float) -> Outcome:
        """Servers close idle connections and limit the messages on one.

        If that shows before the message has begun, nothing was sent, and a new connection will tell.
        """
        kept = backend.connection is not None
        try:
            backend.transmit(self._config.from_address, recipient, message, leave_by)
        except OSError as error:  # every error of smtplib is one
            phase = backend.phase
            backend.drop()
            if kept and phase is Phase.ENVELOPE and _is_given_up(error):
                raise _GivenUp from None
            return outcome_of(error, phase)
        except _TooLate:
            backend.last_used = time.monotonic()
            self._give_back(backend)  # unused, and open for the next try
            return Outcome(ending=Ending.NOT_SENT, detail=TOO_LATE)
        self._give_back(backend)
        return Outcome(ending=Ending.ACCEPTED)

    def _backend(self) -> WatchedBackend:
        config = self._config
        return WatchedBackend(
            host=config.host,
            port=config.port,
            username=config.username,
            password=config.password,
            use_tls=config.tls is Tls.STARTTLS,
            use_ssl=config.tls is Tls.IMPLICIT,
            timeout=config.timeout,
            ssl_keyfile="",
            ssl_certfile="",
        )

    def _take(self) -> WatchedBackend | None:
        """An idle connection that still works."""
        if self._owner != os.getpid():  # a forked child must not speak on its parent's connections
            self._idle, self._owner = deque(), os.getpid()
        while True:
            try:
                backend = self._idle.pop()
            except IndexError:
                return None
            if backend.is_fresh():
                return backend
            backend.drop()

    def _give_back(self, backend: WatchedBackend) -> None:
        if len(self._idle) < self._config.pool_size:
            self._idle.append(backend)
        else:
            backend.drop()


def outcome_of(error: OSError, phase: Phase) -> Outcome:
    """What a failed try means. The server's own words are dropped: they quote the address."""
    if isinstance(error, smtplib.SMTPNotSupportedError):  # no STARTTLS or no AUTH where we insist on it
        return Outcome(
            ending=Ending.NOT_SENT, reason=Reason.PROVIDER_CONFIG, detail="TLS or AUTH not offered"
        )
    code, enhanced = _answer(error)
    error_code = f"{code} {enhanced}".strip() if code else ""
    if 400 <= code <= 499:
        return Outcome(ending=Ending.NOT_SENT, error_code=error_code, detail=phase.value)
    if 500 <= code <= 599:
        reason = _reason(error, code, enhanced, phase)
        ending = Ending.NOT_SENT if reason is Reason.PROVIDER_CONFIG else Ending.REJECTED
        return Outcome(ending=ending, reason=reason, error_code=error_code, detail=phase.value)
    ending = Ending.UNCERTAIN if phase is Phase.DOTTED else Ending.NOT_SENT
    return Outcome(ending=ending, detail=f"{type(error).__name__} {phase.value}")


def _answer(error: OSError) -> tuple[int, str]:
    """The server's code and its enhanced code (RFC 3463); 0 where it gave no answer that can be read."""
    said: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()), (0, b""))
    elif type(error) is smtplib.SMTPResponseException:  # smtplib's own word for an endless line
        return 0, ""
    elif isinstance(error, smtplib.SMTPResponseException):
        code, said = error.smtp_code, error.smtp_error
    else:
        return 0, ""
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    enhanced = re.match(r"[245]\.\d{1,3}\.\d{1,3}\b", text)
    return code, enhanced[0] if enhanced else ""


def _is_given_up(error: OSError) -> bool:
    return isinstance(error, smtplib.SMTPServerDisconnected) or _answer(error)[0] == 421


# Enhanced codes of RFC 3463, the longest first. 5.1.7 and 5.1.8 speak of our own address.
_ENHANCED: tuple[tuple[str, Reason], ...] = (
    ("5.1.7", Reason.PROVIDER_CONFIG),
    ("5.1.8", Reason.PROVIDER_CONFIG),
    ("5.2.2", Reason.UNREACHABLE),  # mailbox full
    ("5.7.8", Reason.PROVIDER_CONFIG),  # credentials
    ("5.7.9", Reason.PROVIDER_CONFIG),
    ("5.1.", Reason.BAD_ADDRESS),
    ("5.2.1", Reason.BAD_ADDRESS),  # mailbox disabled
    ("5.4.", Reason.UNREACHABLE),
    ("5.7.", Reason.FILTERED),
)
_AUTHENTICATION = {530, 534, 535, 538}
_NO_SUCH_MAILBOX = {550, 551, 553}


def reason_of_status(status: str) -> Reason:
    """Why a mail came back, by the status of a delivery report (RFC 3463), such as 5.1.1."""
    for prefix, reason in _ENHANCED:
        if status.startswith(prefix):
            return reason
    return Reason.UNREACHABLE


def _reason(error: OSError, code: int, enhanced: str, phase: Phase) -> Reason:
    """Why the server refused for good. A bare 550 means the mailbox at RCPT and the content after the dot."""
    if phase is Phase.OPENING or code in _AUTHENTICATION:
        return Reason.PROVIDER_CONFIG
    if isinstance(error, smtplib.SMTPSenderRefused) and code != 552:  # 552: the message is too large
        return Reason.PROVIDER_CONFIG
    for prefix, reason in _ENHANCED:
        if enhanced.startswith(prefix):
            return reason
    if code in _NO_SUCH_MAILBOX and phase is Phase.ENVELOPE:
        return Reason.BAD_ADDRESS
    return Reason.FILTERED if code in {550, 554} and phase is Phase.DOTTED else Reason.PROVIDER_REFUSED
