"""How well replies are understood, counted on a set whose right readings are known, by language and class.

A class says what a reply is: `emergency` or `urgent` (danger), `answer` (with its value), `ambiguous` (must
be asked again), `stop_exact`, `stop_free`, `start`, `help`, `language`, `call`, and `other` (everyday texts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from campaigns.domain.lexicon import Lexicon
from campaigns.domain.replies import Expects, Keyword, Parsed
from campaigns.domain.triage import Assessment, Urgency, understand

Case = Mapping[str, Any]

_RIGHT: dict[str, Callable[[Parsed, Assessment], bool]] = {
    "emergency": lambda parsed, found: found.urgency is Urgency.EMERGENCY,
    "urgent": lambda parsed, found: found.urgency is not None,
    "ambiguous": lambda parsed, found: parsed.answer is None,
    "stop_exact": lambda parsed, found: parsed.keyword is Keyword.STOP,
    "stop_free": lambda parsed, found: parsed.keyword is Keyword.STOP,
    "start": lambda parsed, found: parsed.keyword is Keyword.START,
    "help": lambda parsed, found: parsed.keyword is Keyword.HELP,
    "language": lambda parsed, found: parsed.keyword is Keyword.LANGUAGE,
    "call": lambda parsed, found: parsed.asks_call,
    "other": lambda parsed, found: parsed.keyword is None and parsed.answer is None,
}
CLASSES = (*_RIGHT, "answer")


@dataclass(slots=True)
class Score:
    """What was found in one language. Counts by class; `missed` and `false_alarms` are texts.

    `wrong_answers` are texts of any class but danger from which another answer was read than the one meant:
    there must be none.
    """

    language: str
    total: dict[str, int] = field(default_factory=dict)
    right: dict[str, int] = field(default_factory=dict)
    missed: dict[str, list[str]] = field(default_factory=dict)
    false_alarms: list[str] = field(default_factory=list)
    false_stops: list[str] = field(default_factory=list)
    wrong_answers: list[str] = field(default_factory=list)

    def recall(self, kind: str) -> float | None:
        """The share of a class that was recognised; None where the set has none of it."""
        total = self.total.get(kind, 0)
        return self.right.get(kind, 0) / total if total else None

    @property
    def precision(self) -> float | None:
        """The share of emergencies among the replies, urgent ones aside, that were taken for one."""
        hits = self.right.get("emergency", 0)
        return hits / (hits + len(self.false_alarms)) if hits or self.false_alarms else None

    def add(self, case: Case, parsed: Parsed, found: Assessment) -> None:
        """Count one reply. Raises KeyError for an unknown class."""
        kind, text = str(case["class"]), str(case["text"])
        is_right = parsed.answer == case["answer"] if kind == "answer" else _RIGHT[kind](parsed, found)
        self.total[kind] = self.total.get(kind, 0) + 1
        self.right[kind] = self.right.get(kind, 0) + is_right
        if not is_right:
            self.missed.setdefault(kind, []).append(text)
        if kind not in ("emergency", "urgent") and found.urgency is Urgency.EMERGENCY:
            self.false_alarms.append(text)
        # Danger and an opt-out in one text are both obeyed: that is no false stop.
        may_stop = kind.startswith("stop") or kind in ("emergency", "urgent") or "stop" in text.lower()
        if parsed.keyword is Keyword.STOP and not may_stop:
            self.false_stops.append(text)
        if kind != "emergency" and parsed.answer is not None and parsed.answer != case.get("answer"):
            self.wrong_answers.append(text)


def measure(cases: Iterable[Case], lexicon: Lexicon) -> list[Score]:
    """A score for each language of a set, in the order of their first lines."""
    scores: dict[str, Score] = {}
    for case in cases:
        language = str(case["language"])
        parsed, found = understand(
            str(case["text"]),
            language=language,
            expects=Expects(case["expects"]),
            question=str(case.get("question") or ""),
            lexicon=lexicon,
        )
        scores.setdefault(language, Score(language)).add(case, parsed, found)
    return list(scores.values())


def together(scores: Iterable[Score]) -> Score:
    """All languages as one."""
    whole = Score("all")
    for score in scores:
        for kind in score.total:
            whole.total[kind] = whole.total.get(kind, 0) + score.total[kind]
            whole.right[kind] = whole.right.get(kind, 0) + score.right[kind]
            whole.missed.setdefault(kind, []).extend(score.missed.get(kind, ()))
        whole.false_alarms.extend(score.false_alarms)
        whole.false_stops.extend(score.false_stops)
        whole.wrong_answers.extend(score.wrong_answers)
    return whole


def as_row(score: Score) -> dict[str, Any]:
    """The figures of one language, for a table or for JSON; shares from 0 to 1, rounded to 3 places."""
    return {
        "language": score.language,
        "replies": sum(score.total.values()),
        "recall": {kind: _rounded(score.recall(kind)) for kind in CLASSES if kind in score.total},
        "count": dict(score.total),
        "emergency_precision": _rounded(score.precision),
        "wrong_answers": score.wrong_answers,
        "false_alarms": score.false_alarms,
        "false_stops": score.false_stops,
        "missed": {kind: texts for kind, texts in score.missed.items() if texts},
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 3)


_COLUMNS = {
    "emergency": "emerg.",
    "urgent": "urgent",
    "stop_exact": "stop",
    "stop_free": "stop free",
    "answer": "answers",
    "ambiguous": "asked again",
    "start": "start",
    "help": "help",
    "language": "language",
    "call": "call",
    "other": "other",
}


def as_table(scores: Iterable[Score]) -> str:
    """The figures as text: a line a language, recall by class, and the precision of emergencies."""
    head = ["language", "replies", *_COLUMNS.values(), "emerg. precision", "wrong answers"]
    rows = [head, *(_cells(as_row(score)) for score in scores)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cells(row: Mapping[str, Any]) -> list[str]:
    shares = [row["recall"].get(kind) for kind in _COLUMNS]
    return [
        row["language"],
        str(row["replies"]),
        *(_shown(share) for share in shares),
        _shown(row["emergency_precision"]),
        str(len(row["wrong_answers"])),
    ]


def _shown(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
