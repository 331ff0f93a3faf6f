"""Whether a text denies what a term says: "no fever", "fièvre non", "बुखार नहीं", "没有发烧", "열은 없어요"."""

from __future__ import annotations

import re

from campaigns.domain.lexicon import Negators
from campaigns.domain.matching import Place, Text

_RUN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_WRITTEN_IN_RUNS = re.compile(rf"[{_RUN}]+")
_PARTICLE = rf"[{_RUN}]{{0,2}}? ?"
"""What may stand between a Korean or Chinese term and the negator behind it."""


def is_denied(text: Text, place: Place, negators: Negators) -> bool:
    """Whether a negation touches the words of a term, on the side on which the language puts it."""
    return any(_stands_before(text, place, phrase) for phrase in negators.before) or any(
        _stands_after(text, place, phrase) for phrase in negators.after
    )


def _stands_before(text: Text, place: Place, phrase: tuple[str, ...]) -> bool:
    if _says(text, place.first - len(phrase), phrase):
        return True
    return _in_runs(phrase) and _left(text, place).endswith(" ".join(phrase))


def _says(text: Text, at: int, phrase: tuple[str, ...]) -> bool:
    """Whether a phrase stands in a text from a word on. Vietnamese "nó" (it) is not the English "no"."""
    if at < 0 or text.words[at : at + len(phrase)] != phrase:
        return False
    return phrase != ("no",) or text.typed[at] == "no"


def _left(text: Text, place: Place) -> str:
    """What stands before a term within its word, if it is a run of letters without spaces."""
    return text.line[text.starts[place.first] : place.start]


def _stands_after(text: Text, place: Place, phrase: tuple[str, ...]) -> bool:
    if _says(text, place.last + 1, phrase):
        return True
    behind = text.line[place.end : place.end + 24]
    return _in_runs(phrase) and bool(re.match(_PARTICLE + re.escape(" ".join(phrase)), behind))


def _in_runs(phrase: tuple[str, ...]) -> bool:
    return bool(phrase) and bool(_WRITTEN_IN_RUNS.fullmatch("".join(phrase)))
