"""Somebody else's server: takes what is posted to it, and checks signatures as the specification says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(slots=True)
class Receiver:
    """What came in, and what is answered: `answers` one by one, then 200."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/hook?of=clinic"

    @property
    def words(self) -> list[dict[str, Any]]:
        """What it was told, opened."""
        return [json.loads(body) for body in self.bodies]


def is_signed(secret: str, head: dict[str, str], body: bytes) -> bool:
    """Written down from the specification, apart from the product's own code."""
    key = base64.b64decode(secret[len("whsec_") :])
    signed = head["webhook-id"].encode() + b"." + head["webhook-timestamp"].encode() + b"." + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(part == f"v1,{wanted}" for part in head["webhook-signature"].split(" "))


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A server on loopback for as long as the block lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.heads.append({name.lower(): value for name, value in self.headers.items()})
            status = receiver.answers.pop(0) if receiver.answers else 200
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
