"""Weeks in seconds: a fast clock that jumps from one thing to the next, through the real machinery.

The clock is a row in the database, so every process reads the same instant. Each jump sets it, lets what the
script says happen (a visit, a reply, a click), hints to the worker that there may be work, and waits until
nothing that is due is left and the providers have nothing more to say.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Min, Q

from campaigns.domain.lifecycle import State
from campaigns.models import Installation, Message

LONGEST_WAIT = 90.0
"""Seconds of real time for one jump. A killed worker is back, and what it held is settled, well before."""


class Stuck(Exception):
    """Messages that were due did not go: the worker does not work."""


@dataclass(slots=True)
class Rehearsal:
    """`hint` says that there may be work; `settled` waits for the providers' callbacks (True when done)."""

    hint: Callable[[], object]
    settled: Callable[[], bool]
    progress: Callable[[datetime], None] = lambda at: None
    after_each: Callable[[datetime], None] = lambda at: None
    _script: list[tuple[datetime, int, Callable[[], object]]] = field(default_factory=list)
    _number: itertools.count[int] = field(default_factory=itertools.count)

    def at(self, when: datetime, act: Callable[[], object]) -> None:
        """Let something happen at an instant (aware)."""
        heapq.heappush(self._script, (when, next(self._number), act))

    def run(self, start: datetime, end: datetime) -> int:
        """Live from `start` to `end`; how many jumps it took. Raises Stuck."""
        now, jumps = start, 0
        set_clock(start)
        while (following := self._next(now)) is not None and following <= end:
            now = max(now, following)
            set_clock(now)
            self._act(now)
            self._wait(now)
            self.after_each(now)
            self.progress(now)
            jumps += 1
        set_clock(end)
        self._wait(end)
        return jumps

    def _next(self, now: datetime) -> datetime | None:
        """The next instant at which anything can happen."""
        waiting = Message.objects.filter(state__in=[State.PLANNED, State.WAITING])
        due: datetime | None = waiting.aggregate(first=Min("due_at"))["first"]
        scripted = self._script[0][0] if self._script else None
        times = [at for at in (due, scripted) if at is not None]
        return max(min(times), now) if times else None

    def _act(self, now: datetime) -> None:
        while self._script and self._script[0][0] <= now:
            heapq.heappop(self._script)[2]()

    def _wait(self, now: datetime) -> None:
        """Hint until nothing is due and nothing is under way."""
        deadline = time.monotonic() + LONGEST_WAIT
        hinted = 0.0
        while busy(now) or not self.settled() or busy(now):
            if time.monotonic() > deadline:
                raise Stuck(
                    f"{busy(now)} messages that were due did not go within {LONGEST_WAIT:.0f} seconds."
                )
            # A hint may be lost with the worker that took it.
            if time.monotonic() - hinted > 1:
                self.hint()
                hinted = time.monotonic()
            time.sleep(0.003)


def set_clock(now: datetime | None) -> None:
    """Make `now` the time of this installation; None gives the real clock back."""
    Installation.objects.filter(pk=1).update(rehearsal_now=now)


def busy(now: datetime) -> int:
    """Messages that are due or under way."""
    due = Q(state__in=[State.PLANNED, State.WAITING], due_at__lte=now)
    under_way = Q(state__in=[State.ATTEMPTING, State.UNCERTAIN])
    return Message.objects.filter(due | under_way).count()
