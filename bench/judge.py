"""Whether a run did its work: counted at the other end and in the database, each try exactly once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known after a run. `recorded` and `arrived` name single tries in the same way.

    `states` counts the messages by state; the limit keeps no rows and leaves it and `recorded` empty.
    """

    expected: int
    counted: int
    arrived: Sequence[str]
    states: Mapping[str, int]
    recorded: Sequence[str]


def count_only(evidence: Evidence) -> list[str]:
    """What is wrong with a run that keeps no rows."""
    return [*_differs(evidence.counted, evidence.expected, "came to the other end")]


def complaints(evidence: Evidence) -> list[str]:
    """What is wrong with a run that records; nothing where every message went once and is accepted."""
    arrived, recorded = Counter(evidence.arrived), Counter(evidence.recorded)
    others = {state: count for state, count in evidence.states.items() if state != "accepted"}
    return [
        *count_only(evidence),
        *_differs(len(evidence.arrived), evidence.expected, "in the other end's log"),
        *_differs(evidence.states.get("accepted", 0), evidence.expected, "recorded as accepted"),
        *(f"{count} left {state}" for state, count in sorted(others.items())),
        *_some(_repeated(arrived), "arrived more than once"),
        *_some(_repeated(recorded), "have more than one try on record"),
        *_some(set(recorded) - set(arrived), "on record never arrived"),
        *_some(set(arrived) - set(recorded), "arrived without a record"),
    ]


def _differs(number: int, expected: int, words: str) -> list[str]:
    return [] if number == expected else [f"{number} {words}, not {expected}"]


def _repeated(times: Counter[str]) -> set[str]:
    return {key for key, count in times.items() if count > 1}


def _some(keys: set[str], words: str) -> list[str]:
    return [f"{len(keys)} {words}, such as {min(keys)}"] if keys else []


def log_entries(path: Path) -> list[dict[str, str]]:
    """The other end's log, one entry a message."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
