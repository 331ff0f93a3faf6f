"""The providers of a run: the loopback servers, with a fault for one request at a time and a log of what came
when.

Every request is one line in the log, whatever became of it. At the moment at which it is whole, and before
anything is answered, the database is asked over a connection of the sink's own whether its try is on record.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from campaigns.local.loopback_server import HoldPoint
from campaigns.local.loopback_smtp import LoopbackSmtp, Mail
from campaigns.local.loopback_twilio import Answer, Fault, LoopbackTwilio, Request, Text

LOOK_SECONDS = 0.4
"""A database that does not answer within this is away, and nobody can say what is in it."""


@dataclass(slots=True)
class Order:
    """What is to befall one request. `met` is set when it has come to its hold point, or has its fault. One
    that is held before its record may be `lost` there."""

    fault: Fault | None = None
    hold: HoldPoint | None = None
    seconds: float = 0.0
    mute: bool = False
    lost: bool = False
    met: threading.Event = field(default_factory=threading.Event)


class Orders:
    """Orders wait here for the next requests."""

    def __init__(self) -> None:
        self._waiting: deque[Order] = deque()

    def give(self, order: Order) -> Order:
        """Let this befall the next request that nothing else befalls."""
        self._waiting.append(order)
        return order

    def take(self) -> Order:
        """For the request that has just come."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return Order()

    def clear(self) -> None:
        """From now on nothing befalls anybody."""
        self._waiting.clear()


class Look:
    """Asks the database, on a thread and a connection of its own, and never for long."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection: psycopg.Connection[Any] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="look")

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]] | None:
        """What is committed at this moment; None where nobody can say."""
        try:
            return self._thread.submit(self._ask, query, parameters).result(LOOK_SECONDS)
        except (TimeoutError, psycopg.Error):
            return None

    def close(self) -> None:
        """End the thread and the connection."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._connection:
            self._connection.close()

    def _ask(self, query: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._address, autocommit=True, connect_timeout=2)
        try:
            return self._connection.execute(query, parameters).fetchall()
        except psycopg.Error:
            self._connection.close()
            raise


def stamp(at: datetime | None = None) -> str:
    """An instant for the log, UTC."""
    return (at or datetime.now(UTC)).isoformat(timespec="microseconds")


class ChaosTwilio(LoopbackTwilio):
    """Asks for orders at each request for a text. `muted` numbers of callbacks were dropped."""

    def __init__(self, look: Look, *, token: str, inbound_url: str, log_path: Path) -> None:
        super().__init__(auth_token=token, inbound_url=inbound_url, log_path=log_path)
        self.orders = Orders()
        self._look = look
        self._taken = ""
        self._mute = False

    def handle(self, request: Request, answer: Answer, drop: Callable[[], None]) -> None:
        if request.method != "POST":
            super().handle(request, answer, drop)
            return
        order, came = self.orders.take(), stamp()
        attempt = request.body.decode("latin-1").partition("status%2F")[2][:36]
        on_record = self._is_on_record(attempt)
        go_on = partial(self._serve, request, answer, drop, order, [came, attempt, on_record])
        if order.hold is HoldPoint.BEFORE_RECORD:
            order.met.set()
            self._loop.call_later(order.seconds, drop if order.lost else go_on)
        else:
            go_on()

    def _is_on_record(self, attempt: str) -> bool | None:
        try:
            rows = self._look.rows("SELECT 1 FROM attempt WHERE id = %s", UUID(attempt))
        except ValueError:  # a word to staff carries no attempt
            return None
        return None if rows is None else bool(rows)

    def _serve(
        self, request: Request, answer: Answer, drop: Callable[[], None], order: Order, seen: list[Any]
    ) -> None:
        """Do it now, with the fault of this one request. Nothing in here waits, so that no other sees it."""
        if order.hold is HoldPoint.BEFORE_RESPONSE:
            answer = partial(self._answer_later, order, answer)
        self.fault, self._mute, self._taken = order.fault, order.mute, ""
        super().handle(request, answer, drop)
        self.fault, self._mute = None, False
        if order.fault is not None:
            order.met.set()
        came, attempt, on_record = seen
        entry = {"came": came, "attempt": attempt, "on_record": on_record, "sid": self._taken}
        self.write_log(entry | {"at": stamp() if self._taken else None, "fault": order.fault})

    def _answer_later(self, order: Order, answer: Answer, said: bytes) -> None:
        order.met.set()
        self._loop.call_later(order.seconds, answer, said)

    def _log_text(self, text: Text) -> None:
        self._taken = text.sid

    def _tell(self, text: Text) -> None:
        if not self._mute:
            super()._tell(text)


_MAILS_TRIED = """
SELECT m.id, m.clinic_id FROM contact_point c
JOIN message m ON m.patient_id = c.patient_id AND m.channel = 'email'
JOIN attempt a ON a.message_id = m.id
WHERE c.channel = 'email' AND c.address_index = %s
"""


class ChaosSmtp(LoopbackSmtp):
    """Holds one mail at a time as ordered. `name_of` makes the Message-ID of a message of a clinic."""

    def __init__(self, look: Look, *, name_of: Callable[[UUID, int], str], log_path: Path) -> None:
        super().__init__(log_path=log_path)
        self.orders = Orders()
        self._look = look
        self._name_of = name_of
        self._order = Order()

    def pass_point(self, point: HoldPoint, go_on: Callable[[], None]) -> None:
        if point is HoldPoint.BEFORE_RECORD:
            self._order = self.orders.take()
        if self._order.hold is point:
            order, self._order = self._order, Order()
            order.met.set()
            if not order.lost:
                self._loop.call_later(order.seconds, go_on)
        else:
            go_on()

    def record(self, mail: Mail) -> None:
        self.count += 1
        self._ids.add(mail.message_id)
        self.write_log(
            {
                "came": stamp(mail.at),
                "at": stamp(),
                "message_id": mail.message_id,
                "on_record": self._is_on_record(mail),
            }
        )

    def _is_on_record(self, mail: Mail) -> bool | None:
        from campaigns.models.encryption import blind_index

        rows = self._look.rows(_MAILS_TRIED, blind_index(mail.recipients[0]))
        if rows is None:
            return None
        return any(self._name_of(clinic, message) == mail.message_id for message, clinic in rows)


def wait_met(order: Order, seconds: float) -> bool:
    """Whether it has befallen somebody by then."""
    deadline = time.monotonic() + seconds
    return order.met.wait(max(0.0, deadline - time.monotonic()))
