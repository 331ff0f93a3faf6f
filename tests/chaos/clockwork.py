"""The clock of a run: the row that every process of the product reads, moved on ten times as fast as real
time.

It begins weeks back, so that wherever it jumps it stays behind the providers' real clocks, and it never shows
a night: patients are let sleep. What it showed when is kept, for the history checker.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

import psycopg

from tests.chaos.history import NEVER, Shown

SPEED = 10.0
EVERY_SECONDS = 0.2
EARLIEST = datetime.min.replace(tzinfo=UTC)
BACK = timedelta(days=60)
_MORNING, _EVENING = (
    time(17, 0),
    time(23, 0),
)  # UTC: ten and sixteen o'clock at the clinics, one hour less or not


def beginning(real: datetime) -> datetime:
    """Where a run begins: at eleven in the morning, weeks back."""
    return datetime.combine((real - BACK).date(), time(18, 0), UTC)


@dataclass
class Clockwork:
    """Turns on a thread of its own between `start` and `stop`. A database that is away makes it stand
    still."""

    address: str
    now: datetime
    speed: float = SPEED
    shown: list[Shown] = field(default_factory=list)
    latest: datetime = EARLIEST
    jumps: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _connection: psycopg.Connection[Any] | None = None

    def start(self) -> None:
        """Show the first instant, and go on from there."""
        self.latest = self.now
        self._show()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stand still for good."""
        self._over.set()
        if self._thread:
            self._thread.join(5)

    def jump(self, by: timedelta) -> None:
        """A step forward or back; never into a night, and never past the real clock."""
        with self._turn:
            self.jumps += 1
            self.now = min(self.now + by, datetime.now(UTC) - timedelta(days=1))
            self._keep_day()

    def to_latest(self) -> datetime:
        """Go forward to the latest instant that was ever shown: what was due then is due again."""
        with self._turn:
            self.now = max(self.now, self.latest)
            return self.now

    def _keep_day(self) -> None:
        if self.now.time() >= _EVENING:
            self.now = datetime.combine(self.now.date() + timedelta(days=1), _MORNING, UTC)
        elif self.now.time() < _MORNING:
            self.now = datetime.combine(self.now.date(), _MORNING, UTC)

    def _run(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            with self._turn:
                self.now += timedelta(seconds=EVERY_SECONDS * self.speed)
                self._keep_day()
            with suppress(psycopg.Error):
                self._show()
        if self._connection:
            self._connection.close()

    def _show(self) -> None:
        before, said = datetime.now(UTC), self.now
        if self._connection is None or self._connection.closed:
            options = "-c statement_timeout=2000"
            self._connection = psycopg.connect(
                self.address, autocommit=True, connect_timeout=2, options=options
            )
        try:
            self._connection.execute("UPDATE installation SET rehearsal_now = %s WHERE id = 1", [said])
        except psycopg.Error:
            self._connection.close()
            self.shown.append(Shown(before=before, after=NEVER, said=said))
            raise
        self.shown.append(Shown(before=before, after=datetime.now(UTC), said=said))
        self.latest = max(self.latest, said)
