"""Finding the terms of a lexicon in a text, once for all terms together.

A term is written in a small notation:

    short of breath        these words, side by side
    chest + pain|hurt*     both near each other, in either order; `|` separates alternatives
    infect*                a word that begins like this
    =دم                    this word, alone or with the particles that Arabic writes onto a word

In scripts that join particles to words (Arabic) or write no spaces (Chinese), a word of a term is found
anywhere inside a word of the text. Elsewhere it must be the word, or its beginning where a `*` says so,
and words of six letters and more may hold one slip of the thumb, unless the lexicon lists the result as a
word of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from campaigns.domain.folding import plain

Slot = tuple[str, ...]
"""The alternatives for one word."""
Phrase = tuple[Slot, ...]
"""Words side by side."""

REACH = 6
"""How many other words may stand between words that are to be near each other."""
_FUZZY_LENGTH = 6
_LONGEST_FUZZY = 24

_PARTICLES = ("", "ال", "و", "ف", "ب", "ل", "ك", "وال", "فال", "بال", "كال", "لل", "وب", "ول")
_ENDINGS = ("", "ي", "ه", "ها", "ك", "نا", "ا", "ات", "ين")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of a rule. `label` is how the lexicon writes it."""

    label: str
    phrases: tuple[Phrase, ...]


class Span(NamedTuple):
    """Where a term was found: the first and last word, by number, and which words they are."""

    first: int
    last: int
    surface: str


def parse_term(label: str, *, inside: bool) -> Term:
    """Read the notation; `inside`: words are found inside words. Raises ValueError for an empty word."""
    phrases = tuple(
        tuple(tuple(_atom(word, inside=inside) for word in slot.split("|")) for slot in phrase.split())
        for phrase in label.replace("'", " ").split(" + ")
    )
    if not all(phrases):
        raise ValueError(f"the term {label!r} has an empty part")
    return Term(label=label, phrases=phrases)


def _atom(word: str, *, inside: bool) -> str:
    """A word marked with how it matches: `=` whole, `^` beginning, `~` inside, `&` with particles."""
    folded = plain(word.strip("=*"))
    if not folded:
        raise ValueError(f"empty word in a term: {word!r}")
    if word.startswith("="):
        return f"&{folded}"
    if word.endswith("*"):
        return f"^{folded}"
    if not inside or folded.isascii():
        return f"={folded}"
    return f"&{folded}" if _is_short_arabic(folded) else f"~{folded}"


def _is_short_arabic(word: str) -> bool:
    """Two letters stand inside too many Arabic words ("لا" in "الآن"); in Chinese one sign is a word."""
    return len(word) < 3 and "\u0600" <= word[0] <= "\u06ff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Every word of every term, arranged so that one pass over a text finds them all."""

    whole: Mapping[str, frozenset[str]]
    beginnings: Mapping[str, str]
    lengths: tuple[int, ...]
    inside: tuple[str, ...]
    slips: Mapping[str, frozenset[str]]
    correct: frozenset[str]
    correct_beginnings: tuple[str, ...]

    def found_in(self, tokens: Sequence[str]) -> dict[str, list[int]]:
        """The numbers of the words of a text at which each atom is found."""
        places: dict[str, list[int]] = defaultdict(list)
        for number, token in enumerate(tokens):
            for atom in self._atoms(token):
                places[atom].append(number)
        return places

    def _atoms(self, token: str) -> set[str]:
        found = set(self.whole.get(token, ()))
        found.update(
            self.beginnings[token[:length]] for length in self.lengths if token[:length] in self.beginnings
        )
        if not token.isascii():
            found.update(atom for atom in self.inside if atom[1:] in token)
        if self._may_be_a_slip(token):
            found.update(self._misspelled(token))
        return found

    def _may_be_a_slip(self, token: str) -> bool:
        return (
            _FUZZY_LENGTH - 1 <= len(token) <= _LONGEST_FUZZY
            and token not in self.correct
            and not token.startswith(self.correct_beginnings)
        )

    def _misspelled(self, token: str) -> Iterator[str]:
        candidates = {token} | _without_one(token)
        for candidate in candidates:
            for atom in self.slips.get(candidate, ()):
                if one_slip_apart(token, atom[1:]):
                    yield atom
        for length in {
            cut for size in self.lengths if size >= _FUZZY_LENGTH for cut in (size - 1, size, size + 1)
        }:
            yield from self._misspelled_beginning(token[:length])

    def _misspelled_beginning(self, beginning: str) -> Iterator[str]:
        for candidate in {beginning} | _without_one(beginning):
            for atom in self.slips.get(f"{candidate}*", ()):
                if one_slip_apart(beginning, atom[1:]):
                    yield atom


def build_index(terms: Iterable[Term], correct: Iterable[str]) -> Index:
    """Arrange the words of all terms. `correct` are words, or beginnings with `*`, that are never slips."""
    atoms = {atom for term in terms for phrase in term.phrases for slot in phrase for atom in slot}
    whole: dict[str, set[str]] = defaultdict(set)
    slips: dict[str, set[str]] = defaultdict(set)
    for atom in atoms:
        for form in _whole_forms(atom):
            whole[form].add(atom)
        for key in _slip_keys(atom):
            slips[key].add(atom)
    beginnings = {atom[1:]: atom for atom in atoms if atom[0] == "^"}
    listed = list(correct)
    return Index(
        whole={form: frozenset(found) for form, found in whole.items()},
        beginnings=beginnings,
        lengths=tuple(sorted({len(beginning) for beginning in beginnings})),
        inside=tuple(sorted(atom for atom in atoms if atom[0] == "~")),
        slips={key: frozenset(found) for key, found in slips.items()},
        correct=frozenset(plain(word) for word in listed if not word.endswith("*")),
        correct_beginnings=tuple(plain(word[:-1]) for word in listed if word.endswith("*")),
    )


def _whole_forms(atom: str) -> Iterator[str]:
    if atom[0] == "=":
        yield atom[1:]
    elif atom[0] == "&":
        yield from (particle + atom[1:] + ending for particle in _PARTICLES for ending in _ENDINGS)


def _slip_keys(atom: str) -> Iterator[str]:
    word = atom[1:]
    if len(word) >= _FUZZY_LENGTH:
        mark = "*" if atom[0] == "^" else ""
        yield from (key + mark for key in {word} | _without_one(word))


def _without_one(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def one_slip_apart(first: str, second: str) -> bool:
    """Whether one letter added, lost, changed or swapped with its neighbour turns one word into the other."""
    if first == second:
        return True
    start = next((at for at, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        return abs(len(first) - len(second)) == 1
    left, right = first[start:], second[start:]
    return (
        left[1:] == right[1:]
        or left == right[1:]
        or left[1:] == right
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )


def spans(term: Term, places: Mapping[str, list[int]], tokens: Sequence[str]) -> list[Span]:
    """Every place where a term stands in a text."""
    starts = [_phrase_starts(phrase, places) for phrase in term.phrases]
    if not all(starts):
        return []
    found = []
    for start in starts[0]:
        chosen = _nearest(start, starts[1:], term.phrases)
        if chosen:
            found.append(_span(chosen, tokens))
    return found


def _phrase_starts(phrase: Phrase, places: Mapping[str, list[int]]) -> list[int]:
    candidates = {at for atom in phrase[0] for at in places.get(atom, ())}
    for offset, slot in enumerate(phrase[1:], start=1):
        if not candidates:
            return []
        candidates &= {at - offset for atom in slot for at in places.get(atom, ())}
    return sorted(candidates)


def _nearest(start: int, others: list[list[int]], phrases: tuple[Phrase, ...]) -> list[range] | None:
    """The words each phrase takes, the others at their place nearest to the first; None if too far."""
    anchor = range(start, start + len(phrases[0]))
    chosen = [anchor]
    for phrase, found in zip(phrases[1:], others, strict=True):
        taken = [range(at, at + len(phrase)) for at in found]
        reachable = [(gap, place) for place in taken if (gap := _gap(anchor, place)) is not None]
        if not reachable:
            return None
        chosen.append(min(reachable, key=lambda pair: pair[0])[1])
    return chosen


def _gap(one: range, other: range) -> int | None:
    """How many words stand between two places; None where they overlap or are out of reach."""
    gap = other.start - one.stop if other.start >= one.stop else one.start - other.stop
    return gap if 0 <= gap <= REACH else None


def _span(places: list[range], tokens: Sequence[str]) -> Span:
    numbers = sorted(number for place in places for number in place)
    return Span(numbers[0], numbers[-1], " ".join(tokens[number] for number in numbers))
