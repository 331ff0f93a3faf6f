"""SMS through Twilio. The only module that imports twilio.

Twilio has no idempotency key for a create request, so everything here serves one question: did this text
leave or not? Whatever cannot be proven either way is `UNCERTAIN`, and nothing is ever sent twice from here.
"""

from __future__ import annotations

import io
import logging
import os
import socket
import ssl
import time
from base64 import b64encode
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException, HTTPResponse
from select import POLLIN, poll
from typing import cast
from urllib.parse import urlencode, urlsplit

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response
from twilio.request_validator import RequestValidator, get_signature_algorithm
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from campaigns.delivery.channels import Ending, InvalidSetting, Outcome, Outgoing, Sought
from campaigns.delivery.provider_list import Listed, NotAsked, since_then
from campaigns.delivery.twilio_errors import Kind, kind_of, kind_of_answer
from campaigns.domain.lifecycle import Reason

# At INFO the package prints query parameters, and the patient's number is one of them.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)

LONGEST_VALIDITY = 36_000  # seconds; Twilio takes 1 to 36,000
_LARGEST_ANSWER = 8 * 1024 * 1024
_LONGEST_IDLE = 30.0  # seconds; older connections are likely to be closed under our feet
_CLOCK_SKEW = timedelta(minutes=1)  # between us and Twilio, whose times are whole seconds
_LIST_LIMIT = 1000
_LIST_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioConfig:
    """How to reach Twilio, and as whom. Times in seconds."""

    account_sid: str
    auth_token: str
    messaging_service_sid: str = ""
    from_number: str = ""
    api_base_url: str = "https://api.twilio.com"
    connect_timeout: float = 3.0
    read_timeout: float = 10.0
    pool_size: int = 64

    def __post_init__(self) -> None:
        if not (self.messaging_service_sid or self.from_number):
            raise InvalidSetting("Set TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM: a text needs a sender.")
        parts = urlsplit(self.api_base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidSetting("TWILIO_API_BASE_URL must begin with https:// and name a host.")


class NeverLeft(Exception):
    """No connection: no byte of the request left this machine."""


class Unsendable(Exception):
    """The text cannot be put into a request at all (a lone surrogate)."""


class MaybeLeft(Exception):
    """The connection broke, or nothing readable came back, after bytes had left."""


class Throttled(Exception):
    """429: Twilio took nothing. `retry_after` is in seconds, None where Twilio did not say."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("too many requests")
        self.retry_after = retry_after


class TwilioSender:
    """`channels.Sender` for Twilio. One instance serves all threads of a process."""

    def __init__(self, config: TwilioConfig) -> None:
        self._config = config
        self.http = Transport(config)
        # TWILIO_EDGE and TWILIO_REGION of the environment would rewrite the host: ours is the only address.
        nothing = {"TWILIO_EDGE": "", "TWILIO_REGION": ""}
        client = Client(config.account_sid, config.auth_token, http_client=self.http, environment=nothing)
        client.api.base_url = config.api_base_url.rstrip("/")
        # Reached once here: the package builds these objects on first use, without a lock.
        self._messages = client.api.v2010.account.messages
        self._from = (
            {"messaging_service_sid": config.messaging_service_sid}
            if config.messaging_service_sid
            else {"from_": config.from_number}
        )

    def send(self, outgoing: Outgoing) -> Outcome:
        """Ask Twilio to send one text, once."""
        callback = {"status_callback": outgoing.status_callback} if outgoing.status_callback else {}
        try:
            created = self._messages.create(
                to=outgoing.to,
                body=outgoing.text,
                validity_period=validity(outgoing),
                smart_encoded=False,  # the approved text goes out as it is, or not at all
                **callback,
                **self._from,
            )
        except _NO_ANSWER as error:
            return _failure(error)
        return _created(created)

    def find(self, sought: Sought) -> Outcome:
        """Look through Twilio's list of what this number was sent.

        The list does not show the callback address, and a queued text has no date of sending yet, so texts
        are compared here: created since the attempt began, the same words, and not another attempt's.
        """
        try:
            listed = self._messages.list(to=sought.to, limit=_LIST_LIMIT, page_size=_LIST_PAGE)
            found = next((message for message in listed if _is_sought(message, sought)), None)
        except _NO_ANSWER as error:
            return Outcome(ending=Ending.UNCERTAIN, detail=f"no list: {_plain(error)}")
        if found is not None:
            return Outcome(
                ending=Ending.ACCEPTED,
                provider_id=found.sid or "",
                error_code=str(found.error_code or ""),
                detail=f"found on the provider's list as {found.status}",
            )
        if len(listed) >= _LIST_LIMIT:
            return Outcome(ending=Ending.UNCERTAIN, detail="the list is too long to read whole")
        return Outcome(ending=Ending.NOT_SENT, detail="not on the provider's list")

    def listed(self, since: datetime) -> list[Listed]:
        """Every text that went and came since then, oldest first. Raises NotAsked."""
        try:
            return since_then(self._messages.stream(page_size=_LIST_LIMIT), since)
        except _NO_ANSWER as error:
            raise NotAsked(_plain(error)) from None

    def close(self) -> None:
        """Close the kept connections."""
        self.http.close()


def validity(outgoing: Outgoing) -> int:
    """How long Twilio may keep the text waiting, in seconds, so that it drops a stale one by itself."""
    left = int((outgoing.expires_at - outgoing.now).total_seconds())
    return max(1, min(LONGEST_VALIDITY, left))


def _created(created: MessageInstance) -> Outcome:
    sid, status = created.sid, created.status
    if not sid:
        return Outcome(ending=Ending.UNCERTAIN, detail="an answer without a message id")
    if status in {"failed", "undelivered"}:
        code = created.error_code if isinstance(created.error_code, int) else 0
        reason = kind_of(code).value.reason
        return Outcome(ending=Ending.REJECTED, provider_id=sid, error_code=str(code or ""), reason=reason)
    # Twilio's own compliance rules can put a text off to other hours: staff should know.
    detail = "scheduled by the provider, not by us" if status == "scheduled" else ""
    return Outcome(ending=Ending.ACCEPTED, provider_id=sid, detail=detail)


# What reading Twilio's answer can raise: broken connections, and bodies that are not what they should be.
_NO_ANSWER = (
    *(NeverLeft, Unsendable, MaybeLeft, Throttled, TwilioException),
    *(ValueError, TypeError, AttributeError, KeyError),
)


def _failure(error: Exception) -> Outcome:
    """The outcome of a create request that raised. Twilio's own words are dropped: they quote the number."""
    match error:
        case NeverLeft():
            return Outcome(ending=Ending.NOT_SENT, detail=str(error))
        case Unsendable():
            return Outcome(ending=Ending.REJECTED, reason=Reason.RENDER_ERROR, detail=str(error))
        case MaybeLeft():
            return Outcome(ending=Ending.UNCERTAIN, detail=str(error))
        case Throttled():
            return _verdict(Kind.RETRY, "429", retry_after=error.retry_after)
        case TwilioRestException() | TwilioServiceException():
            code = error.code if isinstance(error.code, int) else 0
            return _verdict(kind_of_answer(error.status, code), str(code or error.status))
    # Anything else came up while a 2xx was being read.
    return Outcome(ending=Ending.UNCERTAIN, detail="an answer that cannot be read")


def _verdict(kind: Kind, code: str, retry_after: float | None = None) -> Outcome:
    ending, reason = kind.value
    return Outcome(ending=ending, reason=reason, error_code=code, retry_after=retry_after)


def _is_sought(message: MessageInstance, sought: Sought) -> bool:
    created = message.date_created
    return (
        message.sid not in sought.known
        and created is not None
        and created >= sought.since - _CLOCK_SKEW
        and (message.body or "").split() == sought.text.split()
    )


def validate(
    url: str,
    params: Mapping[str, object] | str,
    signature: str,
    auth_tokens: Iterable[str],
    settings: str = "",
) -> bool:
    """Whether Twilio signed this request, with any of our tokens (several while one is being replaced).

    `url` is the public address with its query, as Twilio called it; ports are tried with and without.
    `params` are the posted form fields, or the body as text where the address carries `bodySHA256`.
    `settings` is the X-Twilio-Webhooks-Signature-Settings header of requests signed with a shared key.
    """
    algorithm = get_signature_algorithm(settings)
    if isinstance(params, str) and "bodySHA256=" not in url:
        return False
    try:
        return any(
            RequestValidator(token).validate(url, params, signature, algorithm)
            for token in auth_tokens
            if token
        )
    except ValueError:  # an address that is none: a port that is no number
        return False


def sign(url: str, params: Mapping[str, str], token: str) -> str:
    """The signature that Twilio would put on this request."""
    return cast(str, RequestValidator(token).compute_signature(url, params))


@dataclass(slots=True)
class _Kept:
    """An open connection and when it was last used (monotonic)."""

    sock: socket.socket
    used: float


class Transport:
    """HTTP for the twilio client: kept connections, a hard end to every wait, no redirects, no second try.

    The package's own transport waits for ever by default. This one also bounds an answer that drips in byte
    by byte, and says whether a byte of the request had left when something broke. It has what the client asks
    of a `twilio.http.HttpClient`: `request` and `is_async`.
    """

    is_async = False

    def __init__(self, config: TwilioConfig) -> None:
        parts = urlsplit(config.api_base_url)
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._netloc = parts.netloc.rpartition("@")[2]
        self._connect_timeout = config.connect_timeout
        self._read_timeout = config.read_timeout
        self._pool_size = config.pool_size
        self._idle: deque[_Kept] = deque()
        self._owner = os.getpid()

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One request, one answer. Raises NeverLeft, MaybeLeft or Throttled; logs nothing."""
        message = self._message(method, url, params, data, headers or {}, auth)
        kept = self._take() or self._connect()
        try:
            answer, body = self._exchange(kept.sock, method, message)
        except (OSError, HTTPException) as error:
            kept.sock.close()
            raise MaybeLeft(_plain(error)) from None
        self._give_back(kept, answer)
        if answer.status == 429:
            raise Throttled(_seconds(answer.headers.get("Retry-After")))
        return Response(answer.status, body.decode("utf-8", "replace"), dict(answer.headers))

    def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            self._idle.pop().sock.close()

    def _message(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None,
        data: Mapping[str, object] | None,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None,
    ) -> bytes:
        """The request as bytes, head and body in one piece: one packet, one system call."""
        parts = urlsplit(url)
        if parts.netloc.rpartition("@")[2] != self._netloc:
            raise NeverLeft("an address at another host")
        query = "&".join(part for part in (parts.query, _form(params)) if part)
        body = _form(data).encode("ascii")
        lines = [f"{method} {parts.path}{'?' if query else ''}{query} HTTP/1.1", f"Host: {self._netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if auth:
            lines.append(f"Authorization: {_basic(auth)}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _exchange(self, sock: socket.socket, method: str, message: bytes) -> tuple[HTTPResponse, bytes]:
        deadline = time.monotonic() + self._read_timeout
        sock.settimeout(self._read_timeout)
        sock.sendall(message)
        answer = HTTPResponse(cast(socket.socket, _Reader(sock, deadline)), method=method)
        answer.begin()
        body = answer.read(_LARGEST_ANSWER + 1)
        if len(body) > _LARGEST_ANSWER:
            raise HTTPException("too long")
        return answer, body

    def _connect(self) -> _Kept:
        """A new connection, TLS included, within the connect time-out whatever the number of addresses."""
        deadline = time.monotonic() + self._connect_timeout
        try:
            sock = self._first_open(deadline)
        except (OSError, UnicodeError) as error:
            raise NeverLeft(f"no connection: {_plain(error)}") from None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(_left(deadline))
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_hostname=self._host)
        except (OSError, ValueError) as error:
            sock.close()
            raise NeverLeft(f"no secure connection: {_plain(error)}") from None
        return _Kept(sock, time.monotonic())

    def _first_open(self, deadline: float) -> socket.socket:
        failure: OSError = TimeoutError()
        for _, _, _, _, address in socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM):
            try:
                return socket.create_connection((str(address[0]), self._port), timeout=_left(deadline))
            except OSError as error:
                failure = error
        raise failure

    def _take(self) -> _Kept | None:
        """An idle connection that the other side has not closed meanwhile."""
        if self._owner != os.getpid():  # a forked child must not speak on its parent's connections
            self._idle, self._owner = deque(), os.getpid()
        while True:
            try:
                kept = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() - kept.used < _LONGEST_IDLE and _is_quiet(kept.sock):
                return kept
            kept.sock.close()

    def _give_back(self, kept: _Kept, answer: HTTPResponse) -> None:
        if answer.will_close or not answer.isclosed() or len(self._idle) >= self._pool_size:
            kept.sock.close()
            return
        kept.used = time.monotonic()
        self._idle.append(kept)


class _Reader(io.RawIOBase):
    """Reads a socket until one deadline, not for so long at each read. Stands in for the socket itself."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        self._sock.settimeout(_left(self._deadline))
        return self._sock.recv_into(cast(bytearray, buffer))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("time-out")
    return left


def _is_quiet(sock: socket.socket) -> bool:
    """An idle connection with something to read has been closed by the other side."""
    try:
        watch = poll()
        watch.register(sock, POLLIN)
        return not watch.poll(0)
    except (OSError, ValueError):
        return False


def _form(fields: Mapping[str, object] | None) -> str:
    try:
        return urlencode(fields or {}, doseq=True)
    except UnicodeError:
        raise Unsendable("a character that cannot be encoded") from None


def _basic(auth: tuple[str, str]) -> str:
    return "Basic " + b64encode(":".join(auth).encode("utf-8")).decode("ascii")


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds. Its other form, a date, is treated as absent."""
    text = (header or "").strip()
    return float(text) if text.isascii() and text.isdigit() else None


def _plain(error: Exception) -> str:
    """What kind of error this was, without its words: they may quote an address."""
    return "time-out" if isinstance(error, TimeoutError) else type(error).__name__
