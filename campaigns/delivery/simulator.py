"""A channel that reaches nobody: it says yes to everything. Rehearsals and new installations use it."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from threading import Lock

from campaigns.delivery.channels import Ending, Outcome, Outgoing, Sought
from campaigns.delivery.provider_list import Listed


class SimulatorSender:
    """Accepts every message at once and keeps none of them, unless asked to `keep` the last so many."""

    def __init__(self, *, keep: int = 0) -> None:
        self.sent: deque[Outgoing] = deque(maxlen=keep)
        self.count = 0
        self._lock = Lock()

    def send(self, outgoing: Outgoing) -> Outcome:
        """Say yes. The id is made from the attempt's, so that the same attempt always gets the same one."""
        with self._lock:
            self.count += 1
            self.sent.append(outgoing)
        return Outcome(ending=Ending.ACCEPTED, provider_id=provider_id(outgoing.attempt_id.hex))

    def find(self, sought: Sought) -> Outcome | None:
        """Nothing can get lost on the way to nobody: every attempt arrived."""
        return Outcome(ending=Ending.ACCEPTED, provider_id=provider_id(sought.attempt_id.hex))

    def listed(self, since: datetime) -> list[Listed]:
        """Nobody was reached."""
        return []


def provider_id(attempt: str) -> str:
    """The id that the simulator gives to an attempt."""
    return f"SIM{attempt}"
