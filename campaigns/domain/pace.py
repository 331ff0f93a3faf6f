"""How fast a sender's number may be given texts: by segment, as carriers count.

A long code carries about one segment a second, a toll-free number three, a short code a hundred; what is
handed over faster waits in the provider's queue, where nothing can be taken back any more and an urgent text
waits behind all the others (Twilio, "Understanding Twilio Rate Limits and Message Queues").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

AHEAD = timedelta(seconds=10)
"""How much may wait at the provider. More waits here, where it can still be stopped."""


@dataclass(slots=True)
class Pace:
    """One sender: `rate` in segments a second, `free_at` when all that it was given has left (aware)."""

    rate: float
    free_at: datetime

    def take(self, segments: int, now: datetime, *, urgent: bool) -> datetime | None:
        """Hand over a text of so many segments; or when to ask again, where too much waits already.

        What is `urgent`, an answer to what a patient just wrote, never waits here, but it takes its time.
        """
        begins = max(self.free_at, now)
        if not urgent and begins - now > AHEAD:
            return begins - AHEAD
        self.free_at = begins + timedelta(seconds=segments / self.rate)
        return None
