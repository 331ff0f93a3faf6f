"""How many threads send at once."""

from __future__ import annotations

from math import inf

LEAST = 2
SLOW_SECONDS = 0.01
"""A try that takes longer is waiting for the other end: one more thread helps."""


class Crew:
    """As many threads as the slowness of the other end keeps busy: those that have nothing to wait for only
    get in one another's way, which costs a fifth of the sender's time.

    A process begins with all that it may have. Each try that takes long calls one more; after a round of
    which some try was quick, the next begins with half as many.
    """

    def __init__(self) -> None:
        self._size, self._most = 0, 0
        self._quickest = inf

    def start(self, most: int) -> int:
        """How many of at most `most` threads begin a round."""
        if self._quickest < SLOW_SECONDS:
            self._size = max(LEAST, self._size // 2)
        elif not self._size:
            self._size = most
        self._size, self._most, self._quickest = min(self._size, most), most, inf
        return self._size

    def took(self, seconds: float) -> bool:
        """Count one try that the other end took, in seconds; whether one more thread should help. Several
        threads ask at once: one more or less does no harm."""
        self._quickest = min(self._quickest, seconds)
        if seconds < SLOW_SECONDS or self._size >= self._most:
            return False
        self._size += 1
        return True
