"""An HTTP server on the loopback address that answers like Twilio's Messages resource and calls back.

For demonstrations, tests and benchmarks: it reaches no telephone. Every accepted text is kept, its status
callbacks are posted with a valid signature, and a patient's answer can be posted to the inbound address.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from campaigns.local.loopback_server import HOST, HoldPoint, LoopbackServer, Poster


class Fault(StrEnum):
    """How the server misbehaves. `accept_` means that the text is recorded all the same."""

    ACCEPT_THEN_500 = "accept_then_500"
    ACCEPT_THEN_DROP = "accept_then_drop"
    ERROR_500 = "500"
    UNAVAILABLE = "503"
    TOO_MANY = "429"
    TIMEOUT = "timeout"
    DROP = "drop"
    HTML_200 = "html_200"
    HALF = "half"
    DRIP = "drip"
    REDIRECT = "redirect"
    REJECT = "reject"
    SCHEDULED = "scheduled"


@dataclass(slots=True, kw_only=True)
class Text:
    """One text that was accepted."""

    sid: str
    to: str
    sender: str
    body: str
    at: datetime
    status: str
    status_callback: str = ""
    error_code: int | None = None
    direction: str = "outbound-api"
    fields: dict[str, str] = field(default_factory=dict)


class Fate(NamedTuple):
    """What becomes of texts to a number: last status, its error code, seconds until the first news."""

    status: str = "delivered"
    error_code: int | None = None
    delay: float = 0.0


class Request(NamedTuple):
    """One HTTP request."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    body: bytes


Answer = Callable[[bytes], None]
"""Takes the bytes of a response to the connection that waits for it."""


class LoopbackTwilio(LoopbackServer):
    """Keeps accepted texts in `messages`. `on_message` runs on a background thread and may call `reply()`.

    `fates` says what becomes of texts to a number, `fate` what becomes of the others. `callbacks` False
    drops all status callbacks. `latency` (seconds) delays every answer to a create; `list_fails` breaks the
    list alone.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        account_sid: str = "AC00000000000000000000000000000000",
        auth_token: str = "loopback",  # noqa: S107 - opens nothing but this server
        inbound_url: str = "",
        log_path: Path | None = None,
        keep: bool = True,
        on_message: Callable[[Text], object] | None = None,
        threads: int = 4,
    ) -> None:
        super().__init__(port=port, log_path=log_path)
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.inbound_url = inbound_url
        self.on_message = on_message
        self.messages: list[Text] = []
        self.count = 0
        self.requests = 0
        self.connections = 0
        self.fault: Fault | None = None
        self.reject_code = 21211
        self.retry_after: int | None = None
        self.latency = 0.0
        self.list_fails = False
        self.callbacks = True
        self.fate = Fate()
        self.fates: dict[str, Fate] = {}
        self.poster = Poster(auth_token, threads)
        self.stats: Callable[[], dict[str, int]] = lambda: {"sms": self.count}
        self._keep = keep
        self._by_number: dict[str, list[Text]] = defaultdict(list)
        self._by_sid: dict[str, Text] = {}
        self._authorization = "Basic " + b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._root = f"/2010-04-01/Accounts/{account_sid}/Messages"

    @property
    def base_url(self) -> str:
        """For TWILIO_API_BASE_URL."""
        return f"http://{HOST}:{self.port}"

    def fail(self, fault: Fault | str, *, code: int = 21211, retry_after: int | None = None) -> None:
        """Misbehave from now on. `code` is for `reject`, `retry_after` (seconds) for `429`."""
        self.fault, self.reject_code, self.retry_after = Fault(fault), code, retry_after

    def mend(self) -> None:
        """Behave again."""
        self.fault = None

    def drain(self, timeout: float = 30) -> bool:
        """Wait until every status callback and every `on_message` is done."""
        return self.poster.drain(timeout)

    def stop(self) -> None:
        super().stop()
        self.poster.close()

    def reply(self, from_: str, body: str, *, message_sid: str = "", to: str = "") -> int:
        """Post a patient's text to `inbound_url` and return the HTTP status (0: nobody answered).

        The same `message_sid` twice is what Twilio does when it did not hear our first answer.
        """
        sid = message_sid or _new_sid()
        earlier = self._by_number.get(from_)
        params = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": self.account_sid,
            "From": from_,
            "To": to or (earlier[-1].sender if earlier else ""),
            "Body": body,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsStatus": "received",
            "FromCountry": "CA",
            "ApiVersion": "2010-04-01",
        }
        return self.poster.post(self.inbound_url, params)

    def protocol(self) -> asyncio.Protocol:
        return _Connection(self)

    def handle(self, request: Request, answer: Answer, drop: Callable[[], None]) -> None:
        """Answer one request, now or later. On the loop's thread."""
        self.requests += 1
        if request.path == "/_stats":
            answer(_json(200, self.stats()))
        elif request.authorization != self._authorization:
            answer(_error(401, 20003, "Authenticate"))
        elif not request.path.startswith(self._root):
            answer(_error(404, 20404, "The requested resource was not found"))
        elif request.method == "POST":
            self._later(lambda: self._create(request, answer, drop))
        elif self.list_fails:
            answer(_error(503, 20503, "Service unavailable"))
        else:
            answer(self._read(request))

    def _later(self, call: Callable[[], None]) -> None:
        if self.latency:
            self._loop.call_later(self.latency, call)
        else:
            call()

    def _create(self, request: Request, answer: Answer, drop: Callable[[], None]) -> None:
        fault = self.fault
        if fault is Fault.TIMEOUT:
            return
        if fault is Fault.DROP:
            drop()
        elif fault is not None and fault in _INSTEAD:
            answer(_INSTEAD[fault])
        elif fault is Fault.TOO_MANY:
            retry = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
            answer(_error(429, 20429, "Too Many Requests", retry))
        elif fault is Fault.REJECT:
            answer(_error(400, self.reject_code, "Refused"))
        elif fault is Fault.DRIP:
            self._drip(answer, iter(_json(201, {"status": "queued" + " " * 4000})))
        else:
            fields = dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True))
            self._accept(fields, answer, drop)

    def _drip(self, answer: Answer, rest: Iterator[int]) -> None:
        letter = next(rest, None)
        if letter is not None:
            answer(bytes([letter]))
            self._loop.call_later(0.05, self._drip, answer, rest)

    def _accept(self, fields: dict[str, str], answer: Answer, drop: Callable[[], None]) -> None:
        refusal = _refusal(fields)
        if refusal is not None:
            answer(refusal)
            return
        go_on = partial(self._record, fields, answer, drop)
        self.pass_point(HoldPoint.BEFORE_RECORD, go_on)

    def _record(self, fields: dict[str, str], answer: Answer, drop: Callable[[], None]) -> None:
        text = Text(
            sid=_new_sid(),
            to=fields["To"],
            sender=fields.get("From") or "+16045550100",
            body=fields["Body"],
            at=datetime.now(UTC),
            status="accepted" if "MessagingServiceSid" in fields else "queued",
            status_callback=fields.get("StatusCallback", ""),
            fields=fields,
        )
        self.count += 1
        if self._keep:
            self.messages.append(text)
            self._by_sid[text.sid] = text
            self._by_number[text.to].append(text)
        self._log_text(text)
        self._tell(text)
        self.pass_point(HoldPoint.BEFORE_RESPONSE, lambda: self._respond(text, answer, drop))

    def _log_text(self, text: Text) -> None:
        self.write_log(
            {
                "at": text.at.isoformat(),
                "sid": text.sid,
                "to": text.to,
                "from": text.sender,
                "body": text.body,
                "status_callback": text.status_callback,
            }
        )

    def _respond(self, text: Text, answer: Answer, drop: Callable[[], None]) -> None:
        if self.fault is Fault.ACCEPT_THEN_500:
            answer(_error(500, 20500, "Internal Server Error"))
        elif self.fault is Fault.ACCEPT_THEN_DROP:
            drop()
        else:
            status = "scheduled" if self.fault is Fault.SCHEDULED else text.status
            answer(_json(201, {**self._resource(text), "status": status}))

    def _tell(self, text: Text) -> None:
        """Status callbacks and the hook, in the background."""
        if self.callbacks and text.status_callback:
            fate = self.fates.get(text.to, self.fate)
            job = self.poster.expect(partial(self._call_back, text, fate))
            self._loop.call_later(fate.delay, job)
        if self.on_message is not None:
            self.poster.expect(partial(self.on_message, text))()

    def _call_back(self, text: Text, fate: Fate) -> None:
        for status in ("sent", fate.status):
            text.status = status
            params = {
                "MessageSid": text.sid,
                "SmsSid": text.sid,
                "MessageStatus": status,
                "SmsStatus": status,
                "To": text.to,
                "From": text.sender,
                "AccountSid": self.account_sid,
                "ApiVersion": "2010-04-01",
            }
            if fate.error_code and status == fate.status:
                text.error_code = fate.error_code
                params["ErrorCode"] = str(fate.error_code)
            self.poster.post(text.status_callback, params)

    def _read(self, request: Request) -> bytes:
        if request.path == f"{self._root}.json":
            return self._list(request.query)
        text = self._by_sid.get(request.path.removeprefix(f"{self._root}/").removesuffix(".json"))
        if text is None:
            return _error(404, 20404, "The requested resource was not found")
        return _json(200, self._resource(text))

    def _list(self, query: dict[str, str]) -> bytes:
        """Newest first, filtered by To, From and DateSent (also `DateSent>` and `DateSent<`), in pages."""
        texts = self._by_number.get(query["To"], []) if "To" in query else self.messages
        found = [text for text in reversed(texts) if _matches(text, query)]
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        here = found[page * size : (page + 1) * size]
        more = urlencode({**query, "Page": page + 1})
        listed = {
            "messages": [self._resource(text) for text in here],
            "page": page,
            "page_size": size,
            "next_page_uri": f"{self._root}.json?{more}" if len(found) > (page + 1) * size else None,
        }
        return _json(200, listed)

    def _resource(self, text: Text) -> dict[str, object]:
        created = format_datetime(text.at)
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": text.body,
            "date_created": created,
            "date_sent": None if text.status in {"queued", "accepted"} else created,
            "date_updated": created,
            "direction": text.direction,
            "error_code": text.error_code,
            "error_message": None,
            "from": text.sender,
            "messaging_service_sid": text.fields.get("MessagingServiceSid"),
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": None,
            "sid": text.sid,
            "status": text.status,
            "subresource_uris": {"media": f"{self._root}/{text.sid}/Media.json"},
            "to": text.to,
            "uri": f"{self._root}/{text.sid}.json",
        }


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with kept connections, one request at a time. Written by hand, for speed."""

    def __init__(self, server: LoopbackTwilio) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._buffer = b""
        self._length = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP transports are nothing else
        self._transport = transport
        self._server.transports.add(transport)
        self._server.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(_header(line) for line in lines[1:])
        if len(body) < int(headers.get("content-length", 0)):
            return
        self._buffer = b""  # clients wait for the answer before they send the next request
        method, target, _ = lines[0].split(" ", 2)
        path, _, query = target.partition("?")
        request = Request(
            method,
            path,
            dict(parse_qsl(query)) if query else {},
            headers.get("authorization", ""),
            body,
        )
        self._server.handle(request, self._write, self._transport.abort)

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


_PHRASES = {200: "OK", 201: "Created", 307: "Temporary Redirect", 400: "Bad Request"}


def _response(status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"HTTP/1.1 {status} {_PHRASES.get(status, 'Error')}\r\nContent-Type: {kind}\r\n"
    return f"{head}{extra}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def _json(status: int, body: object, headers: dict[str, str] | None = None) -> bytes:
    return _response(status, "application/json;charset=utf-8", json.dumps(body).encode(), headers)


def _error(status: int, code: int, words: str, headers: dict[str, str] | None = None) -> bytes:
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": words, "more_info": more, "status": status}
    return _json(status, body, headers)


_INSTEAD: dict[Fault, bytes] = {
    Fault.ERROR_500: _error(500, 20500, "Internal Server Error"),
    Fault.UNAVAILABLE: _error(503, 20503, "Service unavailable"),
    Fault.HTML_200: _response(200, "text/html", b"<html><body>Sign in to the network</body></html>"),
    Fault.REDIRECT: _response(307, "text/plain", b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    Fault.HALF: b'HTTP/1.1 201 Created\r\nContent-Length: 400\r\n\r\n{"sid": "SM',
}


def _refusal(fields: dict[str, str]) -> bytes | None:
    """What Twilio says to a request that cannot be sent."""
    to = fields.get("To", "")
    if not to:
        return _error(400, 21604, "A 'To' phone number is required.")
    if not (to.startswith("+") and to[1:].isdigit()):
        return _error(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if not fields.get("Body"):
        return _error(400, 21602, "Message body is required.")
    if not (fields.get("From") or fields.get("MessagingServiceSid")):
        return _error(400, 21603, "A 'From' phone number is required.")
    return None


def _matches(text: Text, query: dict[str, str]) -> bool:
    day = text.at.date().isoformat()
    return (
        query.get("From", text.sender) == text.sender
        and query.get("DateSent", day)[:10] == day
        and query.get("DateSent>", day)[:10] <= day <= query.get("DateSent<", day)[:10]
    )


def _new_sid() -> str:
    return f"SM{uuid4().hex}"
