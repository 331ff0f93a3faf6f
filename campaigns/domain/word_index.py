"""Every word of every term of a lexicon, arranged so that one pass over a text finds them all.

Hurried thumbs are allowed for, in the languages that the patient is likely to write: one slip in words of
six letters and more, two letters swapped or a vowel left out in shorter ones, letters held down
("heeelp"), and spaces left out ("cantbreathe"). A word that a lexicon lists as a word of its own is no slip.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from campaigns.domain.folding import marks, plain, word_pairs
from campaigns.domain.matching import Place, Span, Term, Text, as_text, spans

_FUZZY_LENGTH = 6
_LONGEST_WORD = 24
_LONGEST_RUN = 40
"""Letters of a word that may be several written together."""
_SHORTEST_RUN = 7

_PARTICLES = ("", "ال", "و", "ف", "ب", "ل", "ك", "وال", "فال", "بال", "كال", "لل", "وب", "ول")
_ENDINGS = ("", "ي", "ه", "ها", "ك", "نا", "ا", "ات", "ين")
_STRETCHED = re.compile(r"([^\W\d_])\1\1+")
_VOWELS = frozenset("aeiouyаеиоуыэюяії")

Hit = tuple[str, int, int]
"""An atom and where in a word it stands."""


class Vocabulary(NamedTuple):
    """What one language brings: its tag, its terms, its words that are no slips, its small words."""

    language: str
    terms: tuple[Term, ...]
    correct: tuple[str, ...] = ()
    glue: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slips:
    """Words by parts that one slip leaves alone; `short` leads from a misspelling to the short words."""

    heads: Mapping[str, tuple[str, ...]]
    middles: Mapping[str, tuple[str, ...]]
    short: Mapping[str, tuple[str, ...]]
    correct: frozenset[str]
    correct_beginnings: tuple[str, ...]

    def of(self, word: str) -> Iterator[str]:
        """The atoms that a word may be a misspelling of."""
        if word in self.correct or word.startswith(self.correct_beginnings):
            return
        yield from self.short.get(word, ())
        if not _FUZZY_LENGTH - 1 <= len(word) <= _LONGEST_WORD:
            return
        near = set(self.heads.get(word[:3], ()))
        for at in (2, 3, 4):
            near.update(self.middles.get(word[at : at + 3], ()))
        yield from (atom for atom in near if _is_slip_of(word, atom))


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """`terms` by number, and how to get from a word of a text to the few that may stand there."""

    terms: tuple[Term, ...]
    by_anchor: Mapping[str, tuple[int, ...]]
    whole: Mapping[str, tuple[str, ...]]
    beginnings: Mapping[str, str]
    lengths: tuple[int, ...]
    inside: Mapping[str, tuple[str, ...]]
    slips: Mapping[str, Slips]
    pieces: Mapping[str, frozenset[str]]

    def read(self, text: str, languages: Collection[str]) -> Text:
        """The words of a text, those written together taken apart."""
        known = [self.pieces[language] for language in languages if language in self.pieces]
        pairs: list[tuple[str, str]] = []
        for word, typed in word_pairs(text):
            parted = self._parted(word, known) if known else None
            pairs.extend(((piece, piece) for piece in parted) if parted else ((word, typed),))
        return as_text(pairs)

    def _parted(self, word: str, known: list[frozenset[str]]) -> list[str] | None:
        if not _SHORTEST_RUN <= len(word) <= _LONGEST_RUN or not word.isascii() or not word.isalpha():
            return None
        if word in self.whole:
            return None
        return next((found for pieces in known if (found := _parts(word, pieces))), None)

    def search(self, text: Text, languages: Collection[str]) -> list[tuple[int, Span]]:
        """The terms that stand in a text, by number, with their places."""
        places = self._places(text, [self.slips[tag] for tag in languages if tag in self.slips])
        numbers = {number for atom in places for number in self.by_anchor.get(atom, ())}
        return [
            (number, span) for number in sorted(numbers) for span in spans(self.terms[number], places, text)
        ]

    def _places(self, text: Text, slips: list[Slips]) -> dict[str, list[Place]]:
        places: dict[str, list[Place]] = defaultdict(list)
        known: dict[tuple[str, str], list[Hit]] = {}
        for number, pair in enumerate(zip(text.words, text.typed, strict=True)):
            if pair not in known:
                known[pair] = sorted(set(self._hits(*pair, slips)), key=lambda hit: hit[1:])
            start = text.starts[number]
            for atom, first, last in known[pair]:
                places[atom].append(Place(number, number, start + first, start + last))
        return places

    def _hits(self, word: str, typed: str, slips: list[Slips]) -> Iterator[Hit]:
        end = len(word)
        for form in _forms(word):
            for atom in self._atoms(form):
                yield atom, 0, end
            if not form.isascii():
                yield from self._inside(form, end)
        for atom in self.whole.get(f"{word} {marks(typed)}", ()):
            yield atom, 0, end
        if word not in self.whole:
            for kind in slips:
                for atom in kind.of(word):
                    yield atom, 0, end

    def _atoms(self, form: str) -> Iterator[str]:
        yield from self.whole.get(form, ())
        for length in self.lengths:
            if length > len(form):
                return
            atom = self.beginnings.get(form[:length])
            if atom:
                yield atom

    def _inside(self, form: str, end: int) -> Iterator[Hit]:
        for at in range(len(form)):
            for word in (*self.inside.get(form[at], ()), *self.inside.get(form[at : at + 2], ())):
                if form.startswith(word, at):
                    yield f"~{word}", min(at, end), min(at + len(word), end)


def _forms(word: str) -> tuple[str, ...]:
    """A word, and what it may be with the letters that were held down."""
    if not _STRETCHED.search(word):
        return (word,)
    return word, _STRETCHED.sub(r"\1", word), _STRETCHED.sub(r"\1\1", word)


def _parts(word: str, pieces: frozenset[str]) -> list[str] | None:
    """A word as the fewest known pieces, one of them of four letters or more; None if that cannot be."""
    best: list[list[str] | None] = [[], *[None] * len(word)]
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _LONGEST_WORD), end):
            before = best[start]
            if before is None or word[start:end] not in pieces:
                continue
            here = best[end]
            if here is None or len(before) + 1 < len(here):
                best[end] = [*before, word[start:end]]
    found = best[-1]
    return found if found and len(found) > 1 and max(map(len, found)) > 3 else None


def build_index(vocabularies: Iterable[Vocabulary]) -> Index:
    """Arrange the words of all terms, which are numbered in the order in which they are given."""
    listed = list(vocabularies)
    terms = tuple(term for vocabulary in listed for term in vocabulary.terms)
    atoms = _atoms_of(terms)
    beginnings = {atom[1:]: atom for atom in atoms if atom[0] == "^"}
    return Index(
        terms=terms,
        by_anchor=_by_anchor(terms),
        whole=_grouped((form, atom) for atom in atoms for form in _whole_forms(atom)),
        beginnings=beginnings,
        lengths=tuple(sorted({len(beginning) for beginning in beginnings})),
        inside=_grouped((atom[1:3], atom[1:]) for atom in atoms if atom[0] == "~"),
        slips={vocabulary.language: _slips(vocabulary) for vocabulary in listed},
        pieces={vocabulary.language: _pieces(vocabulary) for vocabulary in listed if vocabulary.glue},
    )


def _atoms_of(terms: Iterable[Term]) -> set[str]:
    return {
        atom for term in terms for part in term.parts for phrase in part for slot in phrase for atom in slot
    }


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, value in pairs:
        found[name].add(value)
    return {name: tuple(sorted(values)) for name, values in found.items()}


def _by_anchor(terms: Iterable[Term]) -> dict[str, tuple[int, ...]]:
    """From a word to the terms that cannot stand without it, or without one of its alternatives."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, term in enumerate(terms):
        anchors = min(({atom for phrase in part for atom in phrase[0]} for part in term.parts), key=len)
        for atom in anchors:
            found[atom].append(number)
    return {atom: tuple(numbers) for atom, numbers in found.items()}


def _whole_forms(atom: str) -> Iterator[str]:
    if atom[0] == "=":
        yield atom[1:]
    elif atom[0] == "!":
        yield atom[1:]
        yield f"{atom[1:].partition(' ')[0]} "
    elif atom[0] == "&":
        yield from (particle + atom[1:] + ending for particle in _PARTICLES for ending in _ENDINGS)


def _slips(vocabulary: Vocabulary) -> Slips:
    atoms = [atom for atom in _atoms_of(vocabulary.terms) if atom[0] in "=^~&"]
    long = [atom for atom in atoms if len(atom) > _FUZZY_LENGTH]
    short = [atom for atom in atoms if 4 < len(atom) <= _FUZZY_LENGTH]
    words = {atom[1:] for atom in atoms}
    return Slips(
        heads=_grouped((head, atom) for atom in long for head in (atom[1:4], atom[1:3] + atom[4])),
        middles=_grouped((atom[4:7], atom) for atom in long),
        short=_grouped((form, atom) for atom in short for form in _short_slips(atom[1:]) - words),
        correct=frozenset(plain(word) for word in vocabulary.correct if not word.endswith("*")),
        correct_beginnings=tuple(plain(word[:-1]) for word in vocabulary.correct if word.endswith("*")),
    )


def _short_slips(word: str) -> set[str]:
    """A short word with two inner letters swapped or an inner vowel left out."""
    if not _VOWELS.intersection(word):
        return set()
    swapped = {
        word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        for at in range(1, len(word) - 2)
        if word[at] != word[at + 1]
    }
    return swapped | {word[:at] + word[at + 1 :] for at in range(1, len(word) - 1) if word[at] in _VOWELS}


def _pieces(vocabulary: Vocabulary) -> frozenset[str]:
    atoms = _atoms_of(vocabulary.terms)
    words = {atom[1:] for atom in atoms if atom[0] in "=^" and atom.isascii() and len(atom) > 2}
    endings = {atom[1:] + end for atom in atoms if atom[0] == "^" for end in ("s", "es", "e", "ed", "ing")}
    return frozenset(words | endings | {plain(word) for word in vocabulary.glue})


def _is_slip_of(word: str, atom: str) -> bool:
    wanted = atom[1:]
    if atom[0] != "^":
        return abs(len(word) - len(wanted)) < 2 and one_slip_apart(word, wanted)
    sizes = (len(wanted) - 1, len(wanted), len(wanted) + 1)
    return any(one_slip_apart(word[:size], wanted) for size in sizes if size <= len(word))


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
