"""The words that sequence files may use: questions that patients answer, settings that clinics decide.

They are data, like the sequences: another treatment brings its own in `campaigns/sequences/vocabulary/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from campaigns.domain.documents import Table, read


class Scale(StrEnum):
    """How a question is answered."""

    NRS = "nrs"
    CHANGE = "change"
    YES_NO = "yes_no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question. `low` to `high` are the whole numbers that count (0 and 1 for no and yes), `best` is the
    good end. `code` in `system` names it for other programs: LOINC 72514-3 for pain from 0 to 10."""

    key: str
    asks: str
    scale: Scale
    low: int
    high: int
    best: int
    unit: str = ""
    system: str = ""
    code: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A figure in days that each clinic decides."""

    key: str
    means: str
    default: int
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """All questions and settings by name."""

    questions: Mapping[str, Question]
    settings: Mapping[str, Setting]


def parse_questions(text: str, source: str) -> dict[str, Question]:
    """Read a file of questions. Raises `InvalidSequence` with every fault and its line."""
    table, faults = read(text, source, "the file")
    found = {key: _question(key, Table(node, f"`{key}`", faults)) for key, node in table.nodes.items()}
    faults.raise_if_any()
    return found


def parse_settings(text: str, source: str) -> dict[str, Setting]:
    """Read a file of settings. Raises `InvalidSequence` with every fault and its line."""
    table, faults = read(text, source, "the file")
    found = {key: _setting(key, Table(node, f"`{key}`", faults)) for key, node in table.nodes.items()}
    faults.raise_if_any()
    return found


def _question(key: str, table: Table) -> Question:
    table.only({"asks", "scale", "low", "high", "best", "unit", "system", "code", "source"})
    table.require("asks", "scale", "low", "high", "best")
    question = Question(
        key=key,
        asks=table.text("asks"),
        scale=table.choice("scale", Scale, Scale.NRS),
        low=table.integer("low", 0, 100),
        high=table.integer("high", 0, 100, default=10),
        best=table.integer("best", 0, 100),
        unit=table.text("unit"),
        system=table.text("system"),
        code=table.text("code"),
        source=table.text("source"),
    )
    if not question.low < question.high or question.best not in (question.low, question.high):
        table.fault(f"{table.where} must have `low` below `high`, and one of them as `best`.")
    return question


def _setting(key: str, table: Table) -> Setting:
    table.only({"means", "default", "least", "most"})
    table.require("means", "default", "least", "most")
    setting = Setting(
        key=key,
        means=table.text("means"),
        default=table.integer("default", 0, 366),
        least=table.integer("least", 0, 366),
        most=table.integer("most", 0, 366, default=366),
    )
    if not setting.least <= setting.default <= setting.most:
        table.fault(f"`default` of {table.where} must lie between `least` and `most`.", "default")
    return setting
