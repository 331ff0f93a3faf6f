"""The words of a language that the reply parser and the triage rules act on, as one value.

Built from plain documents (the files under `campaigns/lexicons/`), never guessed. Everything a patient
may type is folded once here, so that finding it later is a look-up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.domain.folding import exact_words, fold, words
from campaigns.domain.matching import Index, Term, build_index, parse_term

Document = Mapping[str, Any]

EMERGENCY, URGENT = "emergency", "urgent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Red-flag terms that mean the same. `id` is stable (`en.breathing`); `group` is what they point to."""

    id: str
    group: str
    urgency: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How one language answers questions. All keys are folded words, several words joined by single spaces.

    `ambiguous` are number words with a second meaning. `agree` and `not_ready` answer only questions on
    readiness, `nothing` only the side-effect screen: "ok" there may mean "I am ok".
    """

    numbers: Mapping[str, int]
    ambiguous: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]
    agree: frozenset[str]
    not_ready: frozenset[str]
    nothing: frozenset[str]
    fillers: frozenset[str]
    out_of: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Everything the parser knows. `version` changes with any word.

    Keyword maps lead from a folded word to the languages it belongs to, the first being the usual one.
    `negators` are folded phrases that stand before what they deny, by language.
    """

    version: str
    stop: Mapping[str, tuple[str, ...]]
    stop_or_visit: frozenset[str]
    start: Mapping[str, tuple[str, ...]]
    help: Mapping[str, tuple[str, ...]]
    call: Mapping[str, tuple[str, ...]]
    language_names: Mapping[str, tuple[str, ...]]
    language_words: frozenset[str]
    polite: frozenset[str]
    answers: Mapping[str, Answers]
    negators: Mapping[str, tuple[tuple[str, ...], ...]]
    rules: tuple[Rule, ...]
    index: Index

    def answers_for(self, tag: str) -> tuple[Answers, ...]:
        """The words of the patient's language, then English; English alone where we have none."""
        keys = dict.fromkeys((base_language(tag), "en"))
        return tuple(self.answers[key] for key in keys if key in self.answers)

    def negators_for(self, tag: str) -> tuple[tuple[str, ...], ...]:
        """What denies a term in the patient's language and in English."""
        keys = dict.fromkeys((base_language(tag), "en"))
        return tuple(phrase for key in keys for phrase in self.negators.get(key, ()))


def base_language(tag: str) -> str:
    """The language without region and script: `fr-CA` -> `fr`."""
    return tag.replace("_", "-").split("-")[0].lower()


def key(text: str) -> str:
    """The form in which keywords are looked up: no accents, no punctuation."""
    return " ".join(words(text))


def answer_key(text: str) -> str:
    """The form in which answers are looked up: with accents, no punctuation."""
    return " ".join(exact_words(text))


def build(keywords: Document, languages: Iterable[Document]) -> Lexicon:
    """Make a lexicon from parsed files. Raises KeyError or ValueError where one is incomplete or garbled."""
    documents = list(languages)
    rules = tuple(rule for document in (keywords, *documents) for rule in _rules(document))
    correct = [word for document in documents for word in document.get("not_slips", ())]
    return Lexicon(
        version=_digest([keywords, *documents]),
        stop=_keywords(keywords["stop"]),
        stop_or_visit=frozenset(map(key, keywords["stop_or_visit"])),
        start=_keywords(keywords["start"]),
        help=_keywords(keywords["help"]),
        call=_keywords(keywords["call"]),
        language_names=_keywords(keywords["language_names"]),
        language_words=frozenset(map(key, keywords["language_words"])),
        polite=frozenset(map(key, keywords["polite"])),
        answers={document["language"]: _answers(document) for document in documents},
        negators={
            document["language"]: tuple(tuple(words(phrase)) for phrase in document["negators"])
            for document in documents
        },
        rules=rules,
        index=build_index((term for rule in rules for term in rule.terms), correct),
    )


def _digest(documents: list[Document]) -> str:
    canonical = json.dumps(documents, ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]


def _keywords(by_language: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for tag, listed in by_language.items():
        for word in dict.fromkeys(map(key, listed)):
            found[word] = (*found.get(word, ()), tag)
    return found


def _answers(document: Document) -> Answers:
    return Answers(
        numbers={
            answer_key(word): number for number, listed in enumerate(document["numbers"]) for word in listed
        },
        ambiguous=frozenset(map(answer_key, document["ambiguous_numbers"])),
        yes=frozenset(map(answer_key, document["yes"])),
        no=frozenset(map(answer_key, document["no"])),
        agree=frozenset(map(answer_key, document["agree"])),
        not_ready=frozenset(map(answer_key, document["not_ready"])),
        nothing=frozenset(map(answer_key, document["nothing"])),
        fillers=frozenset(word for filler in document["fillers"] for word in exact_words(filler)),
        out_of=tuple(fold(phrase) for phrase in document["out_of"]),
    )


def _rules(document: Document) -> Iterable[Rule]:
    prefix = document["language"]
    inside = document.get("words_joined", False)
    for name, rule in document["redflags"].items():
        if rule["urgency"] not in (EMERGENCY, URGENT):
            raise ValueError(f"{prefix}.{name}: urgency is {EMERGENCY} or {URGENT}")
        yield Rule(
            id=f"{prefix}.{name}",
            group=rule["group"],
            urgency=rule["urgency"],
            terms=tuple(parse_term(str(term), inside=inside) for term in rule["terms"]),
        )
