"""The words of a language that the reply parser and the triage rules act on, as one value.

Built from plain documents (the files under `campaigns/lexicons/`, read by `lexicon_files`), never guessed.
Everything a patient may type is folded once here, so that finding it later is a look-up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from campaigns.domain.folding import exact_words, fold, marks, word_pairs, words
from campaigns.domain.languages import canonical
from campaigns.domain.matching import Term, parse_term
from campaigns.domain.word_index import Index, Vocabulary, build_index

Document = Mapping[str, Any]

EMERGENCY, URGENT = "emergency", "urgent"
LEAVE, STAY, CALL = "leave", "stay", "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Terms that mean the same. `id` is stable (`en.breathing`); `group` is what they point to.

    `urgency` is empty for the rules on messages: `leave` (no more messages) and `stay` (what looks like it).
    """

    id: str
    group: str
    urgency: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Rules, and the index of all their terms. `owners` says whose each term is, by number."""

    rules: tuple[Rule, ...]
    owners: tuple[Rule, ...]
    index: Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How one language answers questions. All keys are folded words, several words joined by single spaces.

    `ambiguous` are number words with a second meaning. `agree` and `not_ready` answer only questions on
    readiness, `nothing` only the side-effect screen: "ok" there may mean "I am ok". `out_of` stands between
    answer and scale (7 out of 10), `scale_first` between scale and answer (10分之7). `joined`: the language
    writes words together.
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
    scale_first: tuple[str, ...]
    joined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Negators:
    """Folded phrases that deny a term standing after them (`before` it) or right before them (`after` it)."""

    before: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Everything the parser knows. `version` changes with any word.

    Keyword maps lead from a folded word to the languages it belongs to, the first being the usual one.
    `stop_unless_asked` are opt-outs only while no question is open, because they also answer one; `marked`
    are the accents that a keyword must have, if it is typed with any.
    `wrong_person` are phrases that say that we write to somebody else, `who_is_it` such whole messages,
    `unsure` phrases of hope, doubt or piety, with which nobody says yes or no for certain.
    `danger` finds the red flags, `leaving` opt-outs in free words, `asking` wishes for a call or a language.
    """

    version: str
    stop: Mapping[str, tuple[str, ...]]
    stop_or_visit: frozenset[str]
    stop_unless_asked: frozenset[str]
    marked: Mapping[str, frozenset[str]]
    start: Mapping[str, tuple[str, ...]]
    help: Mapping[str, tuple[str, ...]]
    call: Mapping[str, tuple[str, ...]]
    language_names: Mapping[str, tuple[str, ...]]
    language_words: frozenset[str]
    polite: frozenset[str]
    wrong_person: frozenset[str]
    who_is_it: frozenset[str]
    unsure: frozenset[str]
    answers: Mapping[str, Answers]
    negators: Mapping[str, Negators]
    danger: Search
    leaving: Search
    asking: Search

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The red flags of every language."""
        return self.danger.rules

    def spoken(self, tag: str) -> tuple[str, ...]:
        """The languages a patient is likely to write: the files of their own, then English.

        A tag with a script (`zh-Hant`) is looked up as it is first; the other scripts of the same language
        follow, because people mix them.
        """
        wanted = canonical(tag)
        own = [known for known in self.answers if base_language(known) == base_language(wanted)]
        own.sort(key=lambda known: known.lower() != wanted.lower())
        return tuple(dict.fromkeys((*own, *(["en"] if "en" in self.answers else []))))

    def answers_for(self, tag: str) -> tuple[Answers, ...]:
        """The words of the patient's language, then English; English alone where we have none."""
        return tuple(self.answers[known] for known in self.spoken(tag))

    def negators_for(self, tag: str) -> Negators:
        """What denies a term in the patient's language and in English."""
        known = [self.negators[language] for language in self.spoken(tag)]
        return Negators(
            before=tuple(phrase for each in known for phrase in each.before),
            after=tuple(phrase for each in known for phrase in each.after),
        )


@lru_cache(maxsize=256)
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
    """Make a lexicon from the documents of its files; a term that is not `parsed` is read as plain words.

    Raises KeyError or ValueError where one is incomplete or garbled.
    """
    documents = list(languages)
    return Lexicon(
        version=_digest([keywords, *documents]),
        stop=_keywords(keywords["stop"]),
        stop_or_visit=frozenset(map(key, keywords["stop_or_visit"])),
        stop_unless_asked=frozenset(map(key, keywords.get("stop_unless_asked", ()))),
        marked=_marked(keywords["stop"], {each["language"] for each in documents if each.get("marks_count")}),
        start=_keywords(keywords["start"]),
        help=_keywords(keywords["help"]),
        call=_keywords(keywords["call"]),
        language_names=_keywords(keywords["language_names"]),
        language_words=frozenset(map(key, keywords["language_words"])),
        polite=frozenset(map(key, keywords["polite"])),
        wrong_person=frozenset(_keywords(keywords.get("wrong_person", {}))),
        who_is_it=frozenset(_keywords(keywords.get("who_is_it", {}))),
        unsure=frozenset(_keywords(keywords.get("unsure", {}))),
        answers={document["language"]: _answers(document) for document in documents},
        negators={document["language"]: _negators(document) for document in documents},
        danger=_search([(document, list(_redflags(document))) for document in (keywords, *documents)]),
        leaving=_search(
            [(document, list(_leaving(document))) for document in documents],
            masks=("harmless", "other_stops"),
        ),
        asking=_search([(document, list(_asking(document))) for document in documents]),
    )


def _digest(documents: list[Document]) -> str:
    read = [{name: value for name, value in each.items() if name != "parsed"} for each in documents]
    canonical_form = json.dumps(read, ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(canonical_form.encode()).hexdigest()[:8]


def _keywords(by_language: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for tag, listed in by_language.items():
        for word in dict.fromkeys(map(key, listed)):
            found[word] = (*found.get(word, ()), tag)
    return found


def _marked(by_language: Mapping[str, list[str]], tags: set[str]) -> dict[str, frozenset[str]]:
    """The accents of keywords that belong only to languages in which accents count."""
    found: dict[str, set[str]] = {}
    for tag in tags & by_language.keys():
        for word in by_language[tag]:
            found.setdefault(key(word), set()).add(accents(word))
    others = {key(word) for tag, listed in by_language.items() if tag not in tags for word in listed}
    return {word: frozenset(known) for word, known in found.items() if word not in others}


def accents(text: str) -> str:
    """The accents of a text, by word."""
    return " ".join(found for _, typed in word_pairs(text) if (found := marks(typed)))


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
        scale_first=tuple(fold(phrase) for phrase in document.get("scale_first", ())),
        joined=document.get("words_joined", False),
    )


def _negators(document: Document) -> Negators:
    return Negators(
        before=tuple(tuple(words(phrase)) for phrase in document["negators"]),
        after=tuple(tuple(words(phrase)) for phrase in document.get("negators_after", ())),
    )


def _search(found: list[tuple[Document, list[Rule]]], *, masks: tuple[str, ...] = ("harmless",)) -> Search:
    rules = tuple(rule for _, listed in found for rule in listed)
    return Search(
        rules=rules,
        owners=tuple(rule for rule in rules for _ in rule.terms),
        index=build_index(
            Vocabulary(
                language=document["language"],
                terms=tuple(term for rule in listed for term in rule.terms),
                correct=tuple(document.get("not_slips", ())),
                glue=tuple(document.get("glue", ())),
                alike=tuple(document.get("alike", ())),
                harmless=tuple(term for name in masks for term in _harmless(document, name)),
            )
            for document, listed in found
        ),
    )


def _harmless(document: Document, name: str) -> tuple[Term, ...]:
    known = document.get("parsed", {})
    terms = [known.get(term) or parse_term(term, inside=False) for term in document.get(name, ())]
    for term in terms:
        if len(term.parts) > 1:  # What stands between its parts might be a danger.
            raise ValueError(f"{document['language']}.{name}: {term.label!r} is not side by side")
    return tuple(terms)


def _redflags(document: Document) -> Iterable[Rule]:
    for name, rule in document["redflags"].items():
        if rule["urgency"] not in (EMERGENCY, URGENT):
            raise ValueError(f"{document['language']}.{name}: urgency is {EMERGENCY} or {URGENT}")
        yield _rule(document, name, rule["terms"], group=rule["group"], urgency=rule["urgency"])


def _leaving(document: Document) -> Iterable[Rule]:
    yield _rule(document, "leave", document.get("stop_phrases", ()), group=LEAVE)
    yield _rule(document, "stay", document.get("keep_phrases", ()), group=STAY)


def _asking(document: Document) -> Iterable[Rule]:
    yield _rule(document, "call", document.get("call_phrases", ()), group=CALL)
    for tag, listed in document.get("language_phrases", {}).items():
        yield _rule(document, tag, listed, group=tag)


def _rule(document: Document, name: str, listed: Iterable[str], *, group: str, urgency: str = "") -> Rule:
    known = document.get("parsed", {})
    terms = tuple(known.get(term) or parse_term(term, inside=False) for term in listed)
    return Rule(id=f"{document['language']}.{name}", group=group, urgency=urgency, terms=terms)
