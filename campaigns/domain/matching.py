"""Finding the terms of a lexicon in a text, once for all terms together.

A term is written in a small notation:

    short of breath        these words, side by side
    chest + pain|hurt*     both near each other, in either order; `|` separates alternatives
    infect*                a word that begins like this
    go on / carry on + not    either phrase; `/` separates phrases, `|` words
    <cannot> + walk        any entry of the set `cannot` of the same file, phrases of several words included
    <tired> <of> texts     an entry of each, side by side
    =دم                    this word, alone or with the particles that Arabic writes onto a word

Where a language joins words (`words_joined`: Arabic, Chinese, Korean), a word of a term is found anywhere
inside a word of the text, and two parts may stand in one run of letters. Elsewhere it must be the word, or
its beginning where a `*` says so. Accents do not count, but with `marks_count` (Vietnamese) a word is found
only with its own marks, or typed without any.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, product
from typing import NamedTuple

from campaigns.domain.folding import bare, fold, marks, shortened

Slot = tuple[str, ...]
"""The alternatives for one word."""
Phrase = tuple[Slot, ...]
"""Words side by side."""
Part = tuple[Phrase, ...]
"""Phrases of which one must be there."""
Sets = Mapping[str, Part]
"""Phrases that a term may name together."""

_PLUS = re.compile(r"(?<!\S)\+(?!\S)")
REACH = 6
"""How many other words may stand between words that are to be near each other."""
_REACH_IN_RUN = 12
"""How many letters may, where a language writes without spaces."""
_MOST_SPANS = 8
"""Places reported of one term: more add nothing, and a text may repeat itself a thousand times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of a rule. `label` is how the lexicon writes it."""

    label: str
    parts: tuple[Part, ...]


class Place(NamedTuple):
    """Where something stands in a text: first and last word by number, first and last letter by offset."""

    first: int
    last: int
    start: int
    end: int


class Span(NamedTuple):
    """Where a term was found, and in which words."""

    place: Place
    surface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The words of a text without accents, as they were typed, and where each begins in `line`."""

    words: tuple[str, ...]
    typed: tuple[str, ...]
    starts: tuple[int, ...]
    line: str


def as_text(pairs: Iterable[tuple[str, str]]) -> Text:
    """Arrange words, each bare and with its accents."""
    listed = list(pairs)
    starts, at = [], 0
    for word, _ in listed:
        starts.append(at)
        at += len(word) + 1
    return Text(
        words=tuple(word for word, _ in listed),
        typed=tuple(typed for _, typed in listed),
        starts=tuple(starts),
        line=" ".join(word for word, _ in listed),
    )


def parse_term(label: str, *, inside: bool, exact: bool = False, sets: Sets | None = None) -> Term:
    """Read the notation. `inside`: words are found inside words; `exact`: the marks of a word count.

    Raises ValueError for an empty word and for a set that is not there.
    """
    chunks = _chunks(label)
    if not all(chunks):
        raise ValueError(f"the term {label!r} has an empty part")
    return Term(
        label=label,
        parts=tuple(_part(chunk, inside=inside, exact=exact, sets=sets or {}) for chunk in chunks),
    )


@lru_cache(maxsize=32768)
def _chunks(label: str) -> list[list[str]]:
    """The words of a term by part. Neighbouring languages share many terms."""
    notation = shortened(fold(label)).replace("'", " ")
    return [chunk.split() for chunk in _PLUS.split(notation)]


def parse_sets(sets: Mapping[str, Sequence[str]], *, inside: bool, exact: bool = False) -> dict[str, Part]:
    """The sets of a file, read as terms are (`parse_term`). Raises ValueError for an empty word."""
    return {
        name: tuple(_set_phrase(phrase, inside=inside, exact=exact) for phrase in phrases)
        for name, phrases in sets.items()
    }


@lru_cache(maxsize=32768)
def _set_phrase(phrase: str, *, inside: bool, exact: bool) -> Phrase:
    """A phrase of a set. Neighbouring languages share many."""
    return _phrase(shortened(fold(phrase)).replace("'", " ").split(), inside=inside, exact=exact)


def _part(chunk: list[str], *, inside: bool, exact: bool, sets: Sets) -> Part:
    """The phrases that a part of a term may be, separated by ` / `."""
    if "/" not in chunk:
        return _phrases(chunk, inside=inside, exact=exact, sets=sets)
    phrases = [list(group) for is_bar, group in groupby(chunk, "/".__eq__) if not is_bar]
    return tuple(
        found for phrase in phrases for found in _phrases(phrase, inside=inside, exact=exact, sets=sets)
    )


def _phrases(chunk: list[str], *, inside: bool, exact: bool, sets: Sets) -> Part:
    """The phrases of a chunk: one, or where it names sets every way to choose from them."""
    if not any(map(_names_set, chunk)):
        return (_phrase(chunk, inside=inside, exact=exact),)
    choices = [
        _set(word, sets) if _names_set(word) else (_phrase([word], inside=inside, exact=exact),)
        for word in chunk
    ]
    if len(choices) == 1:
        return choices[0]
    return tuple(tuple(chain.from_iterable(found)) for found in product(*map(_with_one_slot, choices)))


def _names_set(word: str) -> bool:
    return word.startswith("<") and word.endswith(">")


def forget() -> None:
    """Drop what only helps while many languages are read one after the other, and takes a lot of memory."""
    for known in (_chunks, _set_phrase, _slot, _atom):
        known.cache_clear()


def _set(name: str, sets: Sets) -> Part:
    if name[1:-1] not in sets:
        raise ValueError(f"there is no set {name}")
    return sets[name[1:-1]]


def _with_one_slot(part: Part) -> Part:
    """The same phrases, those of one word as alternatives of one slot: there are fewer to combine."""
    single = tuple(dict.fromkeys(atom for phrase in part if len(phrase) == 1 for atom in phrase[0]))
    several = tuple(phrase for phrase in part if len(phrase) > 1)
    return ((single,), *several) if single else several


def _phrase(slots: list[str], *, inside: bool, exact: bool) -> Phrase:
    return tuple([_slot(slot, inside, exact) for slot in slots])


@lru_cache(maxsize=65536)
def _slot(slot: str, inside: bool, exact: bool) -> Slot:
    return tuple([_atom(word, inside, exact) for word in slot.split("|")])


@lru_cache(maxsize=65536)
def _atom(word: str, inside: bool, exact: bool) -> str:
    """A word marked with how it matches: `=` whole, `^` beginning, `~` inside, `&` with particles, `!` whole
    with its marks."""
    typed = word.strip("=*")
    folded = typed if typed.isascii() else bare(typed)
    if not folded:
        raise ValueError(f"empty word in a term: {word!r}")
    if word.startswith("="):
        return f"&{folded}"
    if word.endswith("*"):
        return f"^{folded}"
    if exact and marks(typed):
        return f"!{folded} {marks(typed)}"
    if not inside or folded.isascii():
        return f"={folded}"
    return f"&{folded}" if _is_short_arabic(folded) else f"~{folded}"


def _is_short_arabic(word: str) -> bool:
    """Two letters stand inside too many Arabic words ("لا" in "الآن"); in Chinese one sign is a word."""
    return len(word) < 3 and "\u0600" <= word[0] <= "\u06ff"


Places = Mapping[str, Sequence[Place]]
"""Where each word of the terms was found, in the order of the text."""


def spans(term: Term, places: Places, text: Text) -> list[Span]:
    """The places where a term stands in a text, the first few of them."""
    found = [_part_places(part, places) for part in term.parts]
    if not all(found):
        return []
    spans_: list[Span] = []
    for anchor in found[0]:
        chosen = _nearest(anchor, found[1:])
        if chosen:
            spans_.append(_span(chosen, text))
        if len(spans_) == _MOST_SPANS:
            break
    return spans_


def _part_places(part: Part, places: Places) -> list[Place]:
    if len(part) == 1:
        return _phrase_places(part[0], places)
    return sorted({place for phrase in part for place in _phrase_places(phrase, places)})


def _phrase_places(phrase: Phrase, places: Places) -> list[Place]:
    found = _slot_places(phrase[0], places)
    for slot in phrase[1:]:
        if not found:
            return []
        found = _side_by_side(found, _slot_places(slot, places))
    return found


def _slot_places(slot: Slot, places: Places) -> list[Place]:
    if len(slot) == 1:
        return list(places.get(slot[0], ()))
    return sorted({place for atom in slot for place in places.get(atom, ())})


def _side_by_side(left: list[Place], right: list[Place]) -> list[Place]:
    """What of the right follows something of the left at once: in the next word, or in the same run."""
    by_word: dict[int, list[Place]] = {}
    for place in right:
        by_word.setdefault(place.first, []).append(place)
    return [
        Place(one.first, two.last, one.start, two.end)
        for one in left
        for two in (*by_word.get(one.last, ()), *by_word.get(one.last + 1, ()))
        if two.first > one.last or two.start == one.end
    ]


def _nearest(anchor: Place, others: list[list[Place]]) -> list[Place] | None:
    """The anchor and, of every other part, the place nearest to it; None if one is too far."""
    chosen = [anchor]
    for found in others:
        at = bisect_left(found, anchor)
        around = found[max(0, at - 4) : at + 4]
        reachable = [(gap, place) for place in around if (gap := _gap(anchor, place)) is not None]
        if not reachable:
            return None
        chosen.append(min(reachable)[1])
    return chosen


def _gap(one: Place, other: Place) -> int | None:
    """How many letters stand between two places; None where they overlap or are out of reach."""
    first, second = sorted((one, other))
    letters = second.start - first.end
    if letters < 0:
        return None
    if first.last == second.first:
        return letters if letters <= _REACH_IN_RUN else None
    return letters if second.first - first.last - 1 <= REACH else None


def _span(chosen: list[Place], text: Text) -> Span:
    place = Place(
        min(one.first for one in chosen),
        max(one.last for one in chosen),
        min(one.start for one in chosen),
        max(one.end for one in chosen),
    )
    numbers = sorted({number for one in chosen for number in range(one.first, one.last + 1)})
    return Span(place, " ".join(text.typed[number] for number in numbers))
