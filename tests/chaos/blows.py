"""Strike one process: kill it, or let it sleep through its lease."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.programs import children_of, signal_to
from tests.chaos.schedule import KILL, Blow
from tests.chaos.stack import LEASE_SECONDS, QUIET_SECONDS, Stack, backends


@dataclass
class Striker:
    """Strikes, and wakes whom it has put to sleep, on threads of their own: the runner itself may be waiting
    for the one that sleeps. `struck` counts by target and manner."""

    stack: Stack
    chance: random.Random
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    _asleep: list[threading.Timer] = field(default_factory=list)

    def strike(self, blow: Blow) -> bool:
        """Whether there was somebody to strike."""
        pid = self._find(blow.target)
        if pid is None or not signal_to(pid, signal.SIGKILL if blow.how == KILL else signal.SIGSTOP):
            return False
        if blow.how != KILL:
            self._wake_later(pid, self.chance.uniform(LEASE_SECONDS + 0.5, QUIET_SECONDS + 4))
        self.struck[blow.target, blow.how] += 1
        return True

    def tend(self) -> None:
        """Start again what has died."""
        self._asleep = [timer for timer in self._asleep if timer.is_alive()]
        self.stack.programs.tend()
        self.stack.servers.revive()

    def wake_all(self) -> None:
        """Wait until nobody sleeps any more."""
        for timer in self._asleep:
            timer.join()

    def _wake_later(self, pid: int, seconds: float) -> None:
        timer = threading.Timer(seconds, signal_to, [pid, signal.SIGCONT])
        timer.daemon = True
        timer.start()
        self._asleep.append(timer)

    def _find(self, target: str) -> int | None:
        """The process behind a name, now."""
        pids, servers = self.stack.programs.pids, self.stack.servers
        match target:
            case "valkey":
                return servers.valkey.pid
            case "postgres":
                return servers.postgres.pid
            case "backend":
                return self._one(backends(self.stack))
            case "pool child" | "web child":
                return self._one(children_of(pids.get(target.removesuffix(" child"), 0)))
        return pids.get(target)

    def _one(self, pids: list[int]) -> int | None:
        return self.chance.choice(pids) if pids else None
