"""How often each source was refused lately: who keeps trying is slowed down, and so are the lines about it.

The table is bounded, and forgets whom it has not heard of for longest. Times are seconds of any clock that
never goes back.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

BURST = 20
"""Refusals that one source may have at once before it is slowed down."""
SECONDS_EACH = 3.0
"""One more for every so many seconds."""
MOST_SOURCES = 4096
MOST_LINES = 30
"""Lines about refusals of all sources together that may be written at once; one more every two seconds."""
SECONDS_A_LINE = 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one more refusal of a source means. `unsaid` counts those that no line told of since the last."""

    slow_down: bool
    say: bool
    unsaid: int


@dataclass(slots=True)
class _Bucket:
    """`level` drops of `most` as of `at`; one more for every `seconds`."""

    most: float
    seconds: float
    level: float
    at: float

    def take(self, now: float) -> bool:
        """Take a drop, if there is one."""
        self.level = min(self.most, self.level + max(now - self.at, 0.0) / self.seconds)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True

    def is_empty(self, now: float) -> bool:
        """Whether `take` would find nothing."""
        return self.level + max(now - self.at, 0.0) / self.seconds < 1


class Refusals:
    """What one process remembers of whom it refused. Not for several threads at once."""

    def __init__(self) -> None:
        self._sources: OrderedDict[str, _Bucket] = OrderedDict()
        self._lines = _Bucket(MOST_LINES, SECONDS_A_LINE, MOST_LINES, 0.0)
        self._unsaid = 0

    def __len__(self) -> int:
        return len(self._sources)

    def note(self, address: str, now: float) -> Verdict:
        """Count one refusal of an address."""
        source = source_of(address)
        bucket = self._sources.setdefault(source, _Bucket(BURST, SECONDS_EACH, BURST, now))
        self._sources.move_to_end(source)
        if len(self._sources) > MOST_SOURCES:
            self._sources.popitem(last=False)
        slow_down = not bucket.take(now)
        say = not slow_down and self._lines.take(now)
        self._unsaid += not say
        unsaid = self._unsaid if say else 0
        self._unsaid -= unsaid
        return Verdict(slow_down, say, unsaid)

    def is_slowed(self, address: str, now: float) -> bool:
        """Whether one more refusal of this address would be slowed down."""
        bucket = self._sources.get(source_of(address))
        return bucket is not None and bucket.is_empty(now)


def source_of(address: str) -> str:
    """What counts as one source: an IPv4 address, the /64 of an IPv6 one, or the word itself."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(known, ipaddress.IPv6Address):
        inner = known.ipv4_mapped
        return str(inner) if inner else str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
