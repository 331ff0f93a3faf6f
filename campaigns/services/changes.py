"""What has changed in a text since somebody last approved it, entry by entry and word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from campaigns.delivery.translations import OwnWords
from campaigns.domain.errors import TranslationMissing
from campaigns.models import Clinic
from campaigns.queries import wordings
from campaigns.services import review
from campaigns.services.standings import Stood

_TOKEN = re.compile(
    r"%\(\w+\)s|\s+|[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|.", re.DOTALL
)

Pieces = tuple[tuple[str, str], ...]
"""(same, gone or new; the words)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One entry that differs. `english` is empty where the English stayed."""

    context: str
    english: Pieces
    words: Pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Everything that differs from what was approved last, by whom and when (UTC).

    Without entries the build of the message changed: its order, a condition or a fact.
    """

    by: str
    at: datetime | None
    entries: tuple[Changed, ...]


def since_approval(clinic: Clinic, stood: Stood, own: OwnWords) -> Since | None:
    """The differences from the newest approved words; None where nothing was approved before. One query."""
    last = wordings.last_approved(clinic.pk, stood.text, but=stood.digest)
    if last is None or not last.texts:
        return None
    try:
        today = review.text(clinic, *stood.text, own).texts
    except TranslationMissing:
        return None
    return Since(by=last.approved_by, at=last.approved_at, entries=tuple(_changes(last.texts, today)))


def _changes(before: Sequence[Sequence[str]], today: Sequence[Sequence[str]]) -> Iterator[Changed]:
    old, new = ({row[0]: row[1:] for row in rows} for rows in (before, today))
    for context in dict.fromkeys([*new, *old]):
        was, now = old.get(context, [""]), new.get(context, [""])
        if list(was) != list(now):
            english = pieces(was[0], now[0]) if was[0] != now[0] else ()
            yield Changed(context=context, english=english, words=pieces(_joined(was), _joined(now)))


def _joined(row: Sequence[str]) -> str:
    """The words of an entry, each plural form once."""
    return " / ".join(dict.fromkeys(row[1:]))


def pieces(before: str, after: str) -> Pieces:
    """Two texts as one, with what is gone and what is new."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    found: list[tuple[str, str]] = []
    for kind, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(old[a:b])))
            continue
        found += [
            (word, said) for word, said in (("gone", "".join(old[a:b])), ("new", "".join(new[c:d]))) if said
        ]
    return tuple(found)
