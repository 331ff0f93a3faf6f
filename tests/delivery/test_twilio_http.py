"""An answer in the plain form is read at once, and then as `http.client` reads it."""

from __future__ import annotations

import socket
import time
from http.client import HTTPException

from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.delivery import twilio_http
from campaigns.delivery.twilio_http import _Came

NAMES = st.sampled_from(
    ["Content-Type", "connection", "Content-Length", "Retry-After", "Transfer-Encoding", "X-A"]
)
VALUES = st.sampled_from(["1", "0", "5", "keep-alive", "close", "chunked", " a b ", "", "Keep-Alive"])
LINES = st.sampled_from(
    [
        "HTTP/1.1 201 CREATED",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 429 Too Many Requests",
        "HTTP/1.1 204 No Content",
        "HTTP",
    ]
)
BODIES = st.sampled_from([b"", b"{}", b"hello", b"0\r\n\r\n"])


def read(raw: bytes) -> _Came | None:
    """What `http.client` makes of these bytes and the end of the connection behind them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(raw)
        theirs.close()
        try:
            return twilio_http._read(ours, ours.recv(64 * 1024), "POST", time.monotonic() + 5)
        except (OSError, HTTPException):
            return None


@given(
    LINES,
    st.lists(st.tuples(NAMES, VALUES), max_size=5),
    st.sampled_from([b"", b"{}", b"hello", b"0\r\n\r\n"]),
)
@example("HTTP/1.1 201 CREATED", [("Content-Length", "5"), ("Connection", "keep-alive")], b"hello")
@example("HTTP/1.1 200 OK", [("Content-Length", "5")], b"hello and more")
@example("HTTP/1.1 429 Too Many Requests", [("Content-Length", "2"), ("Retry-After", "5")], b"{}")
def test_an_answer_in_one_piece_is_read_like_any_other(
    line: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    raw = "\r\n".join([line, *(f"{name}: {value}" for name, value in headers), "", ""]).encode() + body
    whole = twilio_http._whole(raw)
    if whole is not None:
        assert whole == read(raw)


def test_what_twilio_answers_is_read_at_once() -> None:
    raw = (
        b"HTTP/1.1 201 CREATED\r\nContent-Type: application/json;charset=utf-8\r\nContent-Length: 12\r\n"
        b'Connection: keep-alive\r\nTwilio-Request-Id: RQ1\r\n\r\n{"sid":"SM"}'
    )
    came = twilio_http._whole(raw)
    assert came is not None
    assert (came.status, came.body, came.stays_open) == (201, b'{"sid":"SM"}', True)
    assert came.headers["Twilio-Request-Id"] == "RQ1"
    assert twilio_http._whole(raw[:-1]) is None  # the rest is still on its way
    assert twilio_http._whole(raw.replace(b"keep-alive", b"close")) is None
