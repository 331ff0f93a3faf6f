"""HTTP to Twilio under the twilio package: kept connections, and a hard end to every wait."""

from __future__ import annotations

import io
import os
import re
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from math import inf
from select import POLLIN, poll
from typing import cast
from urllib.parse import urlencode, urlsplit

from campaigns.delivery.channels import TOO_LATE

_LARGEST_ANSWER = 8 * 1024 * 1024
_USUAL_ANSWER = 64 * 1024  # bytes read at once; Twilio's answer to one text has about two thousand
_PLAIN_STATUS = re.compile(r"HTTP/1\.1 (2\d\d|4\d\d|5\d\d) [^\r\n]*")
_PLAIN_HEADER = re.compile(r"([A-Za-z0-9-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_UNUSUAL = frozenset({"Transfer-Encoding", "Content-Encoding", "Trailer", "Upgrade"})
_LONGEST_IDLE = 30.0  # seconds; older connections are likely to be closed under our feet


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What the package reads of an answer."""

    status_code: int
    text: str
    headers: dict[str, str]


class _Hurry(threading.local):
    """Until when the request of this thread may leave (monotonic): the package hands nothing of ours
    through."""

    leave_by = inf


@dataclass(frozen=True, slots=True)
class _Came:
    """An answer as it came, its headers named Like-This, and whether the connection is good for another."""

    status: int
    headers: dict[str, str]
    body: bytes
    stays_open: bool


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

    def __init__(self, base_url: str, *, connect_timeout: float, read_timeout: float, pool_size: int) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._netloc = parts.netloc.rpartition("@")[2]
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._pool_size = pool_size
        self._idle: deque[_Kept] = deque()
        self._owner = os.getpid()
        self.this_thread = _Hurry()

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
    ) -> Answer:
        """One request, one answer. Raises NeverLeft, MaybeLeft or Throttled; logs nothing."""
        message = self._message(method, url, params, data, headers or {}, auth)
        kept = self._take() or self._connect()
        if method == "POST" and time.monotonic() > self.this_thread.leave_by:
            self._idle.append(kept)  # unused, and open for the next try
            raise NeverLeft(TOO_LATE)
        try:
            came = self._exchange(kept.sock, method, message)
        except (OSError, HTTPException) as error:
            kept.sock.close()
            raise MaybeLeft(plain(error)) from None
        self._give_back(kept, came)
        if came.status == 429:
            raise Throttled(_seconds(came.headers.get("Retry-After")))
        return Answer(came.status, came.body.decode("utf-8", "replace"), came.headers)

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

    def _exchange(self, sock: socket.socket, method: str, message: bytes) -> _Came:
        deadline = time.monotonic() + self._read_timeout
        sock.settimeout(self._read_timeout)
        sock.sendall(message)
        begun = sock.recv(_USUAL_ANSWER)
        return _whole(begun) or _read(sock, begun, method, deadline)

    def _connect(self) -> _Kept:
        """A new connection, TLS included, within the connect time-out whatever the number of addresses."""
        deadline = time.monotonic() + self._connect_timeout
        try:
            sock = self._first_open(deadline)
        except (OSError, UnicodeError) as error:
            raise NeverLeft(f"no connection: {plain(error)}") from None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(_left(deadline))
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_hostname=self._host)
        except (OSError, ValueError) as error:
            sock.close()
            raise NeverLeft(f"no secure connection: {plain(error)}") from None
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

    def _give_back(self, kept: _Kept, came: _Came) -> None:
        if not came.stays_open or len(self._idle) >= self._pool_size:
            kept.sock.close()
            return
        kept.used = time.monotonic()
        self._idle.append(kept)


def _whole(begun: bytes) -> _Came | None:
    """An answer that came in one piece, in the plain form that Twilio's have: `http.client` takes three times
    as long over one, most of it in a parser made for mail. None for every other, which it reads then."""
    head, found, body = begun.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    plainly = _PLAIN_STATUS.fullmatch(status)
    if not found or plainly is None:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        header = _PLAIN_HEADER.fullmatch(line)
        if header is None or header[1].title() in headers:
            return None
        headers[header[1].title()] = header[2].strip()
    is_plain = headers.keys().isdisjoint(_UNUSUAL)
    is_kept = headers.get("Connection", "keep-alive").lower() == "keep-alive"
    if not (is_plain and is_kept and headers.get("Content-Length") == str(len(body))):
        return None
    return _Came(int(plainly[1]), headers, body, stays_open=True)


def _read(sock: socket.socket, begun: bytes, method: str, deadline: float) -> _Came:
    """An answer in any form, of which this much has come. Raises OSError or HTTPException."""
    answer = HTTPResponse(cast(socket.socket, _Reader(sock, begun, deadline)), method=method)
    answer.begin()
    body = answer.read(_LARGEST_ANSWER + 1)
    if len(body) > _LARGEST_ANSWER:
        raise HTTPException("too long")
    stays_open = answer.isclosed() and not answer.will_close
    headers = {name.title(): value for name, value in answer.headers.items()}
    return _Came(answer.status, headers, body, stays_open)


class _Reader(io.RawIOBase):
    """Reads a socket until one deadline, not for so long at each read, after what has come already. Stands in
    for the socket itself."""

    def __init__(self, sock: socket.socket, begun: bytes, deadline: float) -> None:
        self._sock = sock
        self._begun = begun
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        if self._begun:
            room = cast(bytearray, buffer)
            taken = min(len(room), len(self._begun))
            room[:taken], self._begun = self._begun[:taken], self._begun[taken:]
            return taken
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
        return urlencode(fields or {}, doseq=True, quote_via=quoted)
    except UnicodeError:
        raise Unsendable("a character that cannot be encoded") from None


_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~ -]+")


def quoted(text: str | bytes, safe: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> str:
    """`urllib.parse.quote_plus` for whole runs of bytes: a text in Arabic has three hundred that need it.
    `safe` must be empty."""
    raw = text.encode(encoding or "utf-8", errors or "strict") if isinstance(text, str) else text
    return _UNSAFE.sub(_escaped, raw).decode("ascii").replace(" ", "+")


def _escaped(run: re.Match[bytes]) -> bytes:
    return b"%" + run.group().hex("%").upper().encode("ascii")


def _basic(auth: tuple[str, str]) -> str:
    return "Basic " + b64encode(":".join(auth).encode("utf-8")).decode("ascii")


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds. Its other form, a date, is treated as absent."""
    text = (header or "").strip()
    return float(text) if text.isascii() and text.isdigit() else None


def plain(error: Exception) -> str:
    """What kind of error this was, without its words: they may quote an address."""
    return "time-out" if isinstance(error, TimeoutError) else type(error).__name__
