"""When somebody is told of silence: once when it begins, each hour while it lasts, once when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

AGAIN = timedelta(hours=1)
"""While something is silent, it is said so often."""
AWAY = "database"
"""The fault that the database does not answer. Every other one has lasted for minutes when it is seen."""
LOOKS = 2
"""So many looks in a row must find the database away: a server that starts again is not news."""


class Word(StrEnum):
    """What there is to say."""

    BEGAN = "began"
    LASTS = "lasts"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What has been found and said so far. `told` is what the last word named, `told_at` when it was said;
    `since` is when the trouble that was told of began."""

    seen: tuple[str, ...] = ()
    looks: int = 0
    told: tuple[str, ...] = ()
    told_at: datetime | None = None
    since: datetime | None = None


def look(watch: Watch, faults: Sequence[str], now: datetime) -> tuple[Watch, Word | None]:
    """What this look adds: the state after it, and the word to say, if any. `now` is aware.

    A word that names something new goes at once and not at the next hour. What is over is said when all is.
    """
    found = tuple(faults)
    looks = watch.looks + 1 if bool(found) == bool(watch.seen) else 1
    since = watch.since or (now if found else None)
    looked = Watch(seen=found, looks=looks, told=watch.told, told_at=watch.told_at, since=since)
    if not found:
        return (Watch(), Word.OVER) if watch.told else (Watch(), None)
    if looks < LOOKS and set(found) == {AWAY}:
        return looked, None
    word = _word(watch, found, now)
    if word is None:
        return looked, None
    return Watch(seen=found, looks=looks, told=found, told_at=now, since=since), word


def _word(watch: Watch, found: tuple[str, ...], now: datetime) -> Word | None:
    if set(found) - set(watch.told):
        return Word.BEGAN
    return Word.LASTS if watch.told_at and now - watch.told_at >= AGAIN else None


def unsaid(before: Watch, after: Watch) -> Watch:
    """The state where the word could not be said: the next look says it."""
    return Watch(
        seen=after.seen, looks=after.looks, told=before.told, told_at=before.told_at, since=after.since
    )
