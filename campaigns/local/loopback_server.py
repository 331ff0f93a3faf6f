"""What the two loopback servers share: a thread with an event loop, a hold point, a log, signed webhooks."""

from __future__ import annotations

import asyncio
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from campaigns.delivery.sms_twilio import sign

HOST = "127.0.0.1"


class HoldPoint(StrEnum):
    """Where a server can be told to stop in its tracks until `release()`."""

    BEFORE_RECORD = "before_record"
    BEFORE_RESPONSE = "before_response"


class LoopbackServer(ABC):
    """A server on an event loop and a thread of its own, with a hold point and a log.

    `hold()` makes requests wait at a point; `wait_held()` returns when one does; `release()` lets all go on.
    """

    def __init__(self, *, port: int = 0, log_path: Path | None = None) -> None:
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._log: IO[str] | None = None
        self._log_path = log_path
        self._point: HoldPoint | None = None
        self._held: list[Callable[[], None]] = []
        self._somebody_waits = threading.Event()
        self.transports: set[asyncio.Transport] = set()

    @abstractmethod
    def protocol(self) -> asyncio.Protocol:
        """A protocol for one new connection."""

    def start(self) -> Self:
        """Listen; `port` is known afterwards."""
        if self._log_path:
            self._log = self._log_path.open("a", encoding="utf-8")
        self._thread.start()
        self.listen()
        return self

    def listen(self) -> None:
        """Take connections, at first or again after `refuse()`."""
        self._on_loop(self._listen()).result(10)

    def refuse(self) -> None:
        """Take no more connections: whoever tries is refused. Open ones are closed."""
        self._on_loop(self._close()).result(10)

    def stop(self) -> None:
        """Close everything and end the thread."""
        self.refuse()
        self._on_loop(self._end()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        if self._log:
            self._log.close()

    def hold(self, point: HoldPoint | str) -> None:
        """Make every request wait at `point` from now on."""
        self._somebody_waits.clear()
        self._point = HoldPoint(point)

    def wait_held(self, timeout: float = 10) -> bool:
        """Whether a request came to the hold point within `timeout` seconds."""
        return self._somebody_waits.wait(timeout)

    def release(self) -> None:
        """Let everything that waits go on, and hold nothing any more."""
        self._point = None
        self._loop.call_soon_threadsafe(self._release)

    def pass_point(self, point: HoldPoint, go_on: Callable[[], None]) -> None:
        """Go on now, or after `release()` where this point is held. On the loop's thread."""
        if self._point is point:
            self._held.append(go_on)
            self._somebody_waits.set()
        else:
            go_on()

    def write_log(self, entry: dict[str, object]) -> None:
        """One JSON line, on disk for other processes before the answer leaves."""
        if self._log:
            self._log.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self._log.flush()

    def call_later(self, seconds: float, call: Callable[[], object]) -> None:
        """Run `call` on the loop, from any thread."""
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, call)

    def _release(self) -> None:
        held, self._held = self._held, []
        for go_on in held:
            go_on()

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(self.protocol, HOST, self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        for transport in list(self.transports):
            transport.abort()
        await asyncio.sleep(0)  # the transports close their sockets on the next turn

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _on_loop(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class Poster:
    """Posts signed webhooks on background threads, with a kept connection each."""

    def __init__(self, auth_token: str, threads: int) -> None:
        self.failures = 0
        self._token = auth_token
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="loopback")
        self._own = threading.local()
        self._open: list[HTTPConnection] = []
        self._pending = 0
        self._done = threading.Condition()

    def expect(self, work: Callable[[], object]) -> Callable[[], None]:
        """Count `work` as pending now; the result starts it in the background."""
        with self._done:
            self._pending += 1
        return lambda: self._submit(work)

    def drain(self, timeout: float) -> bool:
        """Wait until nothing is pending."""
        with self._done:
            return self._done.wait_for(lambda: self._pending == 0, timeout)

    def post(self, url: str, params: dict[str, str]) -> int:
        """Post a signed form and return the HTTP status, 0 if nobody answered."""
        parts = urlsplit(url)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": sign(url, params, self._token),
            "I-Twilio-Idempotency-Token": str(uuid4()),
            "User-Agent": "TwilioProxy/1.1",
        }
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        for _ in range(2):  # a kept connection may have been closed meanwhile
            try:
                connection = self._connection(parts.netloc)
                connection.request("POST", target or "/", urlencode(params), headers)
                response = connection.getresponse()
                response.read()
            except (OSError, HTTPException):
                self._forget()
            else:
                return response.status
        self.failures += 1
        return 0

    def close(self) -> None:
        """Drop what has not begun, and close the connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.hang_up()

    def hang_up(self) -> None:
        """Close the kept connections: a web server that stops waits for them. A later post opens anew."""
        for connection in self._open:
            connection.close()

    def _submit(self, work: Callable[[], object]) -> None:
        self._pool.submit(self._run, work)

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            with self._done:
                self._pending -= 1
                self._done.notify_all()

    def _connection(self, netloc: str) -> HTTPConnection:
        kept = getattr(self._own, "kept", None)
        if kept is None or kept[0] != netloc:
            self._forget()
            kept = self._own.kept = (netloc, HTTPConnection(netloc, timeout=15))
            self._open.append(kept[1])
        return kept[1]

    def _forget(self) -> None:
        kept = getattr(self._own, "kept", None)
        if kept is not None:
            kept[1].close()
            self._own.kept = None
