"""A clinic's own words beside those that ship: what may be added or taken away, and the lists that result.

A core stands whatever anybody approves: the signs of an emergency that ship, and the words on which carriers
act by themselves. A change that cannot be read, or that would make one word mean two things, is left out and
said so; the rest of the lists, and everything that ships, is used as if it were not there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from campaigns.domain.languages import SUPPORTED
from campaigns.domain.lexicon import EMERGENCY, Document, answer_key, key
from campaigns.domain.lexicon_files import (
    KEYWORD_LISTS,
    KEYWORDS,
    LISTS,
    OPTIONAL_KEYWORD_LISTS,
    OPTIONAL_LISTS,
    TERMS,
)
from campaigns.domain.matching import Term, parse_sets, parse_term
from campaigns.domain.word_index import Vocabulary, build_index

SHARED = "any"
"""The file of the keywords, which act in every language."""
LONGEST = 120
"""Characters of one word or term."""

CARRIER_WORDS = frozenset(
    map(
        key,
        (
            *("stop", "stop all", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke"),
            *("optout", "opt out", "remove", "td", "arrêt", "start", "unstop", "help", "info", "aide"),
        ),
    )
)
"""Twilio's default opt-out, opt-in and help words, and those that Canadian short codes must know. Carriers
act on them whatever we think, so they keep their meaning."""

_TERM_LISTS = frozenset({*TERMS, "redflags", "language_phrases"})
_ACTING = frozenset({"stop", "start", "help"})
_SENSES = {
    **dict.fromkeys(("yes", "agree"), "yes"),
    **dict.fromkeys(("no", "not_ready", "nothing"), "no"),
    **{f"numbers.{number}": f"numbers.{number}" for number in range(11)},
}
"""What an entry with answers says. One word may say one thing only."""
_HIDING = frozenset(
    {"negators", "negators_after", "keep_phrases", "other_stops", "harmless"}
    | {"not_slips", "glue", "polite", "stop_unless_asked"}
)
"""Lists of which each word may keep a danger or an opt-out from being seen."""
_NOTATION = frozenset("+|*<>=")
_UNUSABLE = frozenset({"Cc", "Cs", "Cn", "Co"})

_key, _answer_key = lru_cache(maxsize=65536)(key), lru_cache(maxsize=65536)(answer_key)
"""The same words are compared with every change, and folding is slow."""

Documents = Mapping[str, Document]
"""The documents of the lists by file: a language, or `SHARED`."""
Lists = Mapping[str, list[str]]
"""Words by entry: `yes`, `numbers.7`, `redflags.chest`, `stop.fr-CA`."""


class Kind(StrEnum):
    """What a change does."""

    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One word that a clinic adds to an entry of a file, or takes away. `id` names the row it is kept in."""

    language: str
    entry: str
    word: str
    kind: Kind = Kind.ADD
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The lists with a clinic's changes, and the changes that were left out, each with the reason."""

    documents: Documents
    left_out: tuple[tuple[Change, str], ...] = ()


def clean(typed: str) -> str:
    """What was typed as it is stored: NFC, on one line, no space at an edge."""
    return " ".join(unicodedata.normalize("NFC", typed).split())


def lists(document: Document) -> dict[str, list[str]]:
    """Every list of a document that a clinic may change. Sets are not among them: a term can say the same."""
    if document["language"] == SHARED:
        found = {
            f"{name}.{tag}": list(document[name].get(tag, ()))
            for name in KEYWORDS
            for tag in dict.fromkeys((*SUPPORTED, *document[name]))
        }
        plain: tuple[str, ...] = (*KEYWORD_LISTS, *OPTIONAL_KEYWORD_LISTS)
    else:
        found = {f"numbers.{number}": list(words) for number, words in enumerate(document["numbers"])}
        phrases = document.get("language_phrases", {})
        found |= {f"language_phrases.{tag}": list(words) for tag, words in phrases.items()}
        plain = (*LISTS, *OPTIONAL_LISTS, *TERMS)
    found |= {name: list(document.get(name, ())) for name in plain}
    return found | {f"redflags.{name}": list(rule["terms"]) for name, rule in document["redflags"].items()}


def holds(words: Iterable[str], word: str) -> bool:
    """Whether one of these words is the same, accents and punctuation aside."""
    return _key(word) in map(_key, words)


def is_emergency(document: Document, entry: str) -> bool:
    """Whether an entry holds signs of an emergency."""
    name, _, rule = entry.partition(".")
    return name == "redflags" and document["redflags"].get(rule, {}).get("urgency") == EMERGENCY


def takes_terms(entry: str) -> bool:
    """Whether an entry is written in the notation of `matching`, and not in plain words."""
    return entry.partition(".")[0] in _TERM_LISTS


def needs_reason(change: Change) -> bool:
    """Whether a change must say why: it takes something away, or may hide a danger or an opt-out."""
    return change.kind is Kind.REMOVE or change.entry in _HIDING


def merge(shipped: Documents, changes: Iterable[Change]) -> Merged:
    """The lists with these changes, in the order given. Nothing that somebody stored can make this fail."""
    draft = _Draft(shipped)
    left_out = []
    for change in changes:
        if why := draft.refusal(change):
            left_out.append((change, why))
        else:
            draft.apply(change)
    return Merged(documents=draft.documents(), left_out=tuple(left_out))


def refusals(shipped: Documents, known: Iterable[Change], wanted: Iterable[Change]) -> list[str]:
    """Why each wanted change cannot be, with those that are known and the wanted ones before it; empty where
    it can."""
    draft = _Draft(shipped)
    for change in known:
        if not draft.refusal(change):
            draft.apply(change)
    found = []
    for change in wanted:
        why = draft.refusal(change) or draft.idle(change)
        if not why:
            draft.apply(change)
        found.append(why)
    return found


def term_of(documents: Documents, change: Change) -> Term:
    """The term that a change writes. Raises ValueError where it cannot be read, KeyError for no such file."""
    document = documents[change.language]
    joined = document.get("words_joined", False)
    return parse_term(
        change.word,
        inside=joined,
        exact=document.get("marks_count", False),
        sets=parse_sets(document.get("sets", {}), inside=joined),
    )


class _Draft:
    """The lists while changes are put into them one by one."""

    def __init__(self, shipped: Documents) -> None:
        self.shipped = shipped
        self.found: dict[str, dict[str, list[str]]] = {}
        self.parsed: dict[str, dict[str, Term]] = {}
        self.touched: dict[str, set[str]] = {}

    def of(self, language: str) -> dict[str, list[str]]:
        """The lists of one file."""
        if language not in self.found:
            self.found[language] = lists(self.shipped[language])
        return self.found[language]

    def refusal(self, change: Change) -> str:
        """Why this change may not be, or nothing."""
        if change.language not in self.shipped or change.entry not in self.of(change.language):
            return "There is no such list."
        if change.kind is Kind.REMOVE:
            return self._stays(change)
        return _unusable(change) or self._meaning(change) or self._unreadable(change)

    def idle(self, change: Change) -> str:
        """Why this change would do nothing, or nothing."""
        words = self.of(change.language)[change.entry]
        if change.kind is Kind.REMOVE:
            return "" if change.word in words else "It is not in this list."
        same = _same(change.entry)
        known = {same(word) for word in words}
        return "It is in this list already." if same(change.word) in known else ""

    def _stays(self, change: Change) -> str:
        """What ships for emergencies, and what carriers act on, stays."""
        document = self.shipped[change.language]
        if is_emergency(document, change.entry) and change.word in _terms(document, change.entry):
            return "It ships as a sign of an emergency: it can never be taken away."
        return self._carriers(change) if change.entry.partition(".")[0] in _ACTING else ""

    def _carriers(self, change: Change) -> str:
        if _key(change.word) in CARRIER_WORDS:
            return "Carriers act on this word by themselves: it must keep its meaning."
        return ""

    def _meaning(self, change: Change) -> str:
        """Whether a new word would mean two things. As in replies, accents count in answers and not in
        keywords."""
        if takes_terms(change.entry):
            return ""
        name = change.entry.partition(".")[0]
        if change.entry in {"polite", "stop_unless_asked"} and (why := self._carriers(change)):
            return why
        sense = _SENSES.get(change.entry) or (name if name in _ACTING else "")
        if not sense and change.entry != "polite":
            return ""
        for language, entry, other in self._senses(change):
            same = _answer_key if SHARED not in (language, change.language) else _key
            if other != sense and same(change.word) in map(same, self.of(language)[entry]):
                return f"One word would mean two things: it is also in the list {entry}."
        return ""

    def _senses(self, change: Change) -> Iterator[tuple[str, str, str]]:
        """(file, entry, sense) of the lists that a new word may not be in as well."""
        heard = self.shipped if change.language == SHARED else {change.language, "en", SHARED}
        for language in heard:
            if language not in self.shipped:
                continue
            for entry in self.of(language):
                name = entry.partition(".")[0]
                if sense := _SENSES.get(entry) or (name if name in _ACTING else ""):
                    yield language, entry, sense

    def _unreadable(self, change: Change) -> str:
        """Whether a term cannot be read or found. What can be read is kept for `documents`."""
        if not takes_terms(change.entry):
            return ""
        try:
            term = term_of(self.shipped, change)
        except ValueError as error:
            return f"This cannot be read: {error}."
        if not _is_found(term, change.language):
            return "Nothing that a patient types could ever match this."
        self.parsed.setdefault(change.language, {})[change.word] = term
        return ""

    def apply(self, change: Change) -> None:
        """Put the change into the lists; what is there, or gone, already stays so."""
        words = self.of(change.language)[change.entry]
        there = change.word in words
        if there is (change.kind is Kind.ADD):
            return
        if there:
            words.remove(change.word)
        else:
            words.append(change.word)
        self.touched.setdefault(change.language, set()).add(change.entry)

    def documents(self) -> dict[str, Document]:
        """All files, those that changed as new values."""
        return {language: self._document(language) for language in self.shipped}

    def _document(self, language: str) -> Document:
        document = self.shipped[language]
        if language not in self.touched:
            return document
        changed: dict[str, Any] = dict(document)
        changed["parsed"] = {**self.parsed.get(language, {}), **document.get("parsed", {})}
        for entry in sorted(self.touched[language]):
            _put(changed, entry, self.of(language)[entry])
        return changed


def _terms(document: Document, entry: str) -> list[str]:
    """The terms of a red flag as they ship."""
    terms: list[str] = document["redflags"][entry.partition(".")[2]]["terms"]
    return terms


def _put(document: dict[str, Any], entry: str, words: list[str]) -> None:
    """Set one list of a document whose inner values belong to somebody else."""
    name, _, part = entry.partition(".")
    if name == "redflags":
        rules = document["redflags"]
        document["redflags"] = {**rules, part: {**rules[part], "terms": words}}
    elif name == "numbers":
        place = int(part)
        document["numbers"] = [words if at == place else one for at, one in enumerate(document["numbers"])]
    elif part:
        document[name] = {**document.get(name, {}), part: words}
    else:
        document[name] = words


def _unusable(change: Change) -> str:
    """What is wrong with the letters of a new word, or nothing."""
    word = change.word
    if not clean(word) or len(word) > LONGEST:
        return f"Write a word, in up to {LONGEST} characters."
    if word != clean(word) or any(unicodedata.category(char) in _UNUSABLE for char in word):
        return "It holds a character that cannot be used."
    if takes_terms(change.entry):
        return ""
    if _NOTATION.intersection(word.removesuffix("*") if change.entry == "not_slips" else word):
        return "This list takes plain words, without signs such as + or *."
    if any(char.isdigit() for char in word):
        return "It holds a digit: digits are read as they are."
    return "" if _key(word) else "It holds no letter."


def _same(entry: str) -> Any:
    """How two words of a list are compared."""
    if takes_terms(entry):
        return str.casefold
    return _answer_key if entry in _SENSES else _key


def _is_found(term: Term, language: str) -> bool:
    """Whether the plainest text that the term describes is found by it."""
    said = [slot[0][1:].partition(" ")[0] for part in term.parts for slot in (part[0] if part else ())]
    index = build_index([Vocabulary(language, (term,))])
    return all(term.parts) and bool(index.search(index.read(" ".join(said), ()), ()))
