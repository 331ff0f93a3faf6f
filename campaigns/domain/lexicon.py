"""The words of a language that the reply parser and the triage rules act on, as one value.

Built from plain documents (the files under `campaigns/lexicons/`, read by `lexicon_files`), never guessed.
Everything a patient may type is folded once here, so that finding it later is a look-up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from campaigns.domain.folding import exact_words, fold, marks, word_pairs, words
from campaigns.domain.languages import canonical
from campaigns.domain.matching import Term, parse_term
from campaigns.domain.word_index import Index, Share, Vocabulary, atoms_of, join, share_of

Document = Mapping[str, Any]

EMERGENCY, URGENT = "emergency", "urgent"
LEAVE, STAY, CALL, BACK = "leave", "stay", "call", "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Terms that mean the same. `id` is stable (`en.breathing`); `group` is what they point to.

    `urgency` is empty for the rules on messages: `leave` (no more messages) and `stay` (what looks like it).
    `abroad`: English words, which count in texts of other languages.
    """

    id: str
    group: str
    urgency: str
    terms: tuple[Term, ...]
    abroad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Rules, and the index of all their terms. `owners` says whose each term is, by number."""

    rules: tuple[Rule, ...]
    owners: Mapping[int, Rule]
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
    `unsure` phrases of hope, doubt or piety, with which nobody says yes or no for certain. `stop_first` opt
    out as a clause of their own at the head of a longer text too; `refusals` are by language the words that
    say no in it. `beside_numbers` are polite words and thanks to God, which add nothing to a number,
    `same_as` by number of pain the phrases that say the same.
    `danger` finds the red flags, `leaving` opt-outs in free words, `asking` wishes for a call, for a
    language, or for the messages again.
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
    stop_first: frozenset[str]
    refusals: Mapping[str, frozenset[str]]
    beside_numbers: frozenset[str]
    same_as: Mapping[int, frozenset[str]]
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


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A document as the key of what was made of it: the very same one, not an equal one."""

    document: Document

    def __hash__(self) -> int:
        return id(self.document)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.document is self.document


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one language brings to one search."""

    rules: tuple[Rule, ...]
    share: Share

    @property
    def owners(self) -> dict[int, Rule]:
        """Whose each term is, by number."""
        return dict(zip(self.share.terms, (rule for rule in self.rules for _ in rule.terms), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Language:
    """What is made of one document of a language."""

    tag: str
    digest: bytes
    marks_count: bool
    answers: Answers
    negators: Negators
    danger: _Found
    leaving: _Found
    asking: _Found


@lru_cache(maxsize=64)
def _language(same: _Same, place: int) -> _Language:
    """A clinic's own words change one document of fifteen: the others are not read again."""
    document = same.document
    return _Language(
        tag=document["language"],
        digest=_digest(document),
        marks_count=document.get("marks_count", False),
        answers=_answers(document),
        negators=_negators(document),
        danger=_find(document, _redflags(document), place),
        leaving=_find(
            document,
            _leaving(document),
            place,
            masks=("harmless", "other_stops"),
            correct=_words_that_start(document),
        ),
        asking=_find(document, _asking(document), place, masks=()),
    )


def build(keywords: Document, languages: Iterable[Document]) -> Lexicon:
    """Make a lexicon from the documents of its files; a term that is not `parsed` is read as plain words.

    What was made of a document before is used again: none may be changed in place.

    Raises KeyError or ValueError where one is incomplete or garbled.
    """
    known = [_language(_Same(document), place) for place, document in enumerate(languages, 1)]
    shared = _shared(_Same(keywords), frozenset(each.tag for each in known if each.marks_count))
    digests = (shared.digest, *(each.digest for each in known))
    return replace(
        shared.lexicon,
        version=hashlib.sha256(b"".join(digests)).hexdigest()[:8],
        answers={each.tag: each.answers for each in known},
        negators={each.tag: each.negators for each in known},
        danger=_search((shared.danger, *(each.danger for each in known))),
        leaving=_search(each.leaving for each in known),
        asking=_search(each.asking for each in known),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What is made of the keywords: a lexicon without any language, and the red flags of all of them."""

    digest: bytes
    lexicon: Lexicon
    danger: _Found


@lru_cache(maxsize=16)
def _shared(same: _Same, marked: frozenset[str]) -> _Shared:
    """`marked` are the languages in which accents count."""
    keywords, nothing = same.document, _search(())
    lexicon = Lexicon(
        version="",
        stop=_keywords(keywords["stop"]),
        stop_or_visit=frozenset(map(key, keywords["stop_or_visit"])),
        stop_unless_asked=frozenset(map(key, keywords.get("stop_unless_asked", ()))),
        marked=_marked(keywords["stop"], marked),
        start=_keywords(keywords["start"]),
        help=_keywords(keywords["help"]),
        call=_keywords(keywords["call"]),
        language_names=_keywords(keywords["language_names"]),
        language_words=frozenset(map(key, keywords["language_words"])),
        polite=frozenset(map(key, keywords["polite"])),
        wrong_person=frozenset(_keywords(keywords.get("wrong_person", {}))),
        who_is_it=frozenset(_keywords(keywords.get("who_is_it", {}))),
        unsure=frozenset(_keywords(keywords.get("unsure", {}))),
        stop_first=frozenset(_keywords(keywords.get("stop_first", {}))),
        refusals={tag: frozenset(map(key, said)) for tag, said in keywords.get("refusals", {}).items()},
        beside_numbers=_beside_numbers(keywords),
        same_as={
            0: frozenset(_keywords(keywords.get("no_pain", {}))),
            1: frozenset(_keywords(keywords.get("hardly_any_pain", {}))),
        },
        answers={},
        negators={},
        danger=nothing,
        leaving=nothing,
        asking=nothing,
    )
    danger = _find(keywords, _redflags(keywords), 0)
    return _Shared(digest=_digest(keywords), lexicon=lexicon, danger=danger)


def _digest(document: Document) -> bytes:
    read = {name: value for name, value in document.items() if name != "parsed"}
    return hashlib.sha256(json.dumps(read, ensure_ascii=True, sort_keys=True).encode()).digest()


def _keywords(by_language: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for tag, listed in by_language.items():
        for word in dict.fromkeys(map(key, listed)):
            found[word] = (*found.get(word, ()), tag)
    return found


def _marked(by_language: Mapping[str, list[str]], tags: frozenset[str]) -> dict[str, frozenset[str]]:
    """The accents of keywords that belong only to languages in which accents count."""
    found: dict[str, set[str]] = {}
    for tag in tags & by_language.keys():
        for word in by_language[tag]:
            found.setdefault(key(word), set()).add(accents(word))
    others = {key(word) for tag, listed in by_language.items() if tag not in tags for word in listed}
    return {word: frozenset(known) for word, known in found.items() if word not in others}


_ALSO_ELSE = frozenset({"早晨", "bs"})
"""Polite words that beside a number may be a time, or a measurement."""


def _beside_numbers(keywords: Document) -> frozenset[str]:
    thanks = (phrase for listed in keywords.get("thank_god", {}).values() for phrase in listed)
    return frozenset(key(phrase) for phrase in (*keywords["polite"], *thanks)) - _ALSO_ELSE


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


def _words_that_start(document: Document) -> Iterable[str]:
    """The words with which people ask for messages: увімкніть (turn on) is no slip of вимкніть (turn off)."""
    for atom in sorted(atoms_of(_terms(document, "start_phrases"))):
        yield atom[1:].partition(" ")[0] + ("*" if atom[0] == "^" else "")


def _find(
    document: Document,
    rules: Iterable[Rule],
    place: int,
    *,
    masks: tuple[str, ...] = ("harmless",),
    correct: Iterable[str] = (),
) -> _Found:
    listed = tuple(rules)
    vocabulary = Vocabulary(
        language=document["language"],
        terms=tuple(term for rule in listed for term in rule.terms),
        correct=(*document.get("not_slips", ()), *correct),
        glue=tuple(document.get("glue", ())),
        alike=tuple(document.get("alike", ())),
        harmless=tuple(term for name in masks for term in _harmless(document, name)),
    )
    return _Found(rules=listed, share=share_of(vocabulary, place))


def _search(found: Iterable[_Found]) -> Search:
    listed = list(found)
    return Search(
        rules=tuple(rule for each in listed for rule in each.rules),
        owners={number: rule for each in listed for number, rule in each.owners.items()},
        index=join(each.share for each in listed),
    )


def _harmless(document: Document, name: str) -> tuple[Term, ...]:
    terms = _terms(document, name)
    for term in terms:
        if len(term.parts) > 1:  # What stands between its parts might be a danger.
            raise ValueError(f"{document['language']}.{name}: {term.label!r} is not side by side")
    return terms


def _terms(document: Document, name: str) -> tuple[Term, ...]:
    known = document.get("parsed", {})
    return tuple(known.get(term) or parse_term(term, inside=False) for term in document.get(name, ()))


def _redflags(document: Document) -> Iterable[Rule]:
    for name, rule in document["redflags"].items():
        if rule["urgency"] not in (EMERGENCY, URGENT):
            raise ValueError(f"{document['language']}.{name}: urgency is {EMERGENCY} or {URGENT}")
        found = _rule(document, name, rule["terms"], group=rule["group"], urgency=rule["urgency"])
        yield replace(found, abroad=rule.get("abroad", False))


def _leaving(document: Document) -> Iterable[Rule]:
    yield _rule(document, "leave", document.get("stop_phrases", ()), group=LEAVE)
    yield _rule(document, "stay", document.get("keep_phrases", ()), group=STAY)


def _asking(document: Document) -> Iterable[Rule]:
    yield _rule(document, "call", document.get("call_phrases", ()), group=CALL)
    yield _rule(document, "back", document.get("start_phrases", ()), group=BACK)
    for tag, listed in document.get("language_phrases", {}).items():
        yield _rule(document, tag, listed, group=tag)


def _rule(document: Document, name: str, listed: Iterable[str], *, group: str, urgency: str = "") -> Rule:
    known = document.get("parsed", {})
    terms = tuple(known.get(term) or parse_term(term, inside=False) for term in listed)
    return Rule(id=f"{document['language']}.{name}", group=group, urgency=urgency, terms=terms)
