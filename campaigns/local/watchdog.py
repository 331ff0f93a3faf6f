"""End a worker that is connected to the broker and takes no work; its supervisor starts it again.

After a broker has been away, a Celery worker may be back on it and yet never take a task (celery issues 8030
and 9054). It looks healthy from outside. From inside it shows: something waits in its queue, it is idle, and
nothing has reached it for `DEAF` seconds. A queue without anything in it proves nothing, so a worker whose
beat is gone, or whose fellows take everything, is let be; and so is one that cannot reach the broker.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from celery.signals import task_received
from celery.worker import state
from django.conf import settings

log = logging.getLogger(__name__)

DEAF = 90.0
"""Seconds that an idle worker may hear nothing while work waits for it."""
BUSY = 600.0
"""Seconds that one task may take: a batch to patients behind a slow provider takes a hundred, or a little
more. A worker that has been at the same task for longer hangs."""
LOOK = 5.0
"""Seconds between two looks."""
PATIENCE = 3.0
"""Seconds to wait for the broker's answer."""

EXIT = 1
"""The exit code: the supervisor reads a failure."""


@dataclass
class Watchdog:
    """What was heard last, and since when work has waited in vain. Times are monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    heard: float = 0.0
    waits_since: float | None = None
    busy_since: float | None = None
    looked: float = 0.0
    at_work: frozenset[str] = frozenset()

    def hear(self) -> None:
        """A task has reached this worker."""
        self.heard = self.clock()
        self.waits_since = None

    def look(self, at_work: frozenset[str], waiting: int | None) -> str:
        """Why this worker must end, in a sentence; nothing where it is well.

        `at_work` holds the tasks in hand, `waiting` how many lie in its queues, None where the broker does
        not say. A pause of this very process counts for nothing.
        """
        now = self.clock()
        slept, self.looked = now - self.looked > 3 * LOOK + PATIENCE, now
        if slept:  # this process was stopped: nothing could reach it
            self.waits_since = self.busy_since = None
        if at_work:
            return self._busy(at_work, now)
        self.busy_since, self.at_work = None, frozenset()
        if not waiting:
            self.waits_since = None
        elif self.waits_since is None:
            self.waits_since = now
        elif now - max(self.waits_since, self.heard) > DEAF:
            return f"work has waited for {DEAF:.0f} s and none of it reaches this worker"
        return ""

    def _busy(self, at_work: frozenset[str], now: float) -> str:
        self.waits_since = None
        if self.busy_since is None or not at_work & self.at_work:
            self.busy_since = now
        self.at_work = at_work
        if now - self.busy_since > BUSY:
            return f"the same task has been in hand for {BUSY:.0f} s"
        return ""


def start(app: Any) -> None:
    """Watch this process from a thread of its own until it ends."""
    dog = Watchdog()
    task_received.connect(lambda **_: dog.hear(), weak=False)
    queues = list(app.amqp.queues.consume_from)
    threading.Thread(target=_watch, args=(dog, queues), name="watchdog", daemon=True).start()


def _watch(dog: Watchdog, queues: list[str]) -> None:
    while True:
        time.sleep(LOOK)
        # Both are sets that the consumer's own thread changes.
        at_work = frozenset(str(request.id) for request in list(state.active_requests))
        if why := dog.look(at_work, _waiting(queues)):
            log.critical("this worker ends, so that it is started again", extra={"why": why})
            os._exit(EXIT)


def _waiting(queues: list[str]) -> int | None:
    """How many tasks lie in these queues; None where the broker does not answer."""
    if not settings.REDIS_URL:
        return None
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        ) as client:
            return sum(int(client.llen(name)) for name in queues)
    except (redis.RedisError, OSError):
        return None
