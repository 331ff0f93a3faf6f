"""Replies as patients type them, each with what it must come to.

`reference.jsonl` holds the reference cases for English, French and Arabic, and those of other languages that
need no words of it (digits, opt-outs, English). The cases that need the words of a language without
texts wait for that language. `en`, `fr` and `ar` were written apart from the rules.

In a line, what is not named must be empty, except that an alarming text may or may not leave a problem.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from campaigns.domain.replies import Expects
from campaigns.domain.triage import understand
from campaigns.queries.lexicons import load

FOLDER = Path(__file__).parents[1] / "fixtures" / "replies"
LANGUAGES = {"en": "en-CA", "fr": "fr-CA", "ar": "ar"}


def cases(name: str) -> list[dict[str, Any]]:
    """The lines of one file; a file of one language leaves the language out."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [{"language": LANGUAGES.get(name), **json.loads(line)} for line in lines]


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """What the parser and the rules make of a case."""
    parsed, found = understand(
        case["text"],
        language=case["language"],
        expects=Expects(case["expects"]),
        question=case.get("question", ""),
        lexicon=load(),
    )
    return {
        "answer": parsed.answer,
        "problem": parsed.problem,
        "keyword": parsed.keyword,
        "keyword_language": parsed.keyword_language,
        "also_asks_visit": parsed.also_asks_visit,
        "urgency": found.urgency,
        "group": found.group,
    }


@pytest.mark.parametrize(
    "case", [case for name in LANGUAGES for case in cases(name)], ids=lambda case: case["text"]
)
def test_a_reply_comes_to_what_a_person_would_read(case: dict[str, Any]) -> None:
    got = outcome(case)
    wanted = {"answer": None, "keyword": None, "urgency": None, "also_asks_visit": False, **case}
    if "group" not in case and "urgency" not in case:
        wanted.setdefault("problem", None)
    assert got == {**got, **{name: wanted[name] for name in got if name in wanted}}


@pytest.mark.parametrize("case", cases("reference"), ids=lambda case: case["text"])
def test_the_reference_cases_hold(case: dict[str, Any]) -> None:
    got = outcome(case)
    assert got == {**got, **{name: case[name] for name in got if name in case}}


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_language_has_its_own_cases(name: str) -> None:
    texts = [case["text"] for case in cases(name)]
    assert len(set(texts)) >= 40
