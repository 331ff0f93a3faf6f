"""Every word of every term of a lexicon, arranged so that one pass over a text finds them all.

Hurried thumbs are allowed for: letters held down ("heeelp") and digits for letters ("br3athe") in any
language; in those that the patient is likely to write also misspelt words (`slips`) and words without spaces
between them (`runs`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from campaigns.domain.folding import marks, plain, word_pairs
from campaigns.domain.matching import Part, Place, Span, Term, Text, as_text, spans
from campaigns.domain.runs import Pieces, pieces_of
from campaigns.domain.slips import Slips, build_slips

_MOST_MET = 20000
_PARTICLES = ("", "ال", "و", "ف", "ب", "ل", "ك", "وال", "فال", "بال", "كال", "لل", "وب", "ول")
_ENDINGS = ("", "ي", "ه", "ها", "ك", "نا", "ا", "ات", "ين")
_STRETCHED = re.compile(r"([^\W\d_])\1\1+")
_DIGITS_FOR_LETTERS = re.compile(r"(?=[0-9]*[a-z][a-z0-9]*[a-z])[a-z0-9]*[0-9][a-z0-9]*")
_LETTERS = str.maketrans("013457", "oieast")

Hit = tuple[str, int, int]
"""An atom and where in a word it stands."""


class Vocabulary(NamedTuple):
    """What one language brings: its tag, its terms, its words that are no slips, its small words, the letters
    that sound alike in it, and phrases whose words are not meant as they say."""

    language: str
    terms: tuple[Term, ...]
    correct: tuple[str, ...] = ()
    glue: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    harmless: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """`terms` by number, and how to get from a word of a text to the few that may stand there.

    `needs` says of every part of a term with which words it may begin: without one of them it cannot stand.
    """

    terms: tuple[Term, ...]
    harmless: tuple[Term, ...]
    needs: tuple[tuple[frozenset[str], ...], ...]
    by_anchor: Mapping[str, tuple[int, ...]]
    harmless_by_anchor: Mapping[str, tuple[int, ...]]
    whole: Mapping[str, tuple[str, ...]]
    beginnings: Mapping[str, str]
    lengths: tuple[int, ...]
    inside: Mapping[str, tuple[str, ...]]
    slips: Mapping[str, Slips]
    pieces: Mapping[str, Pieces]
    met: dict[tuple[str, str, tuple[str, ...]], list[Hit]] = field(default_factory=dict, compare=False)
    """What was found for words already met, by the languages looked in: texts are made of the same ones."""

    def read(self, text: str, languages: Collection[str]) -> Text:
        """The words of a text, those written together taken apart."""
        known = [self.pieces[language] for language in languages if language in self.pieces]
        pairs: list[tuple[str, str]] = []
        for word, typed in word_pairs(text):
            parted = self._parted(word, known)
            pairs.extend((piece, piece) for piece in parted)
            if not parted or self._says_something(word, parted):
                pairs.append((word, typed))
        return as_text(pairs)

    def _parted(self, word: str, known: list[Pieces]) -> tuple[str, ...]:
        if word in self.whole:
            return ()
        return next((found for pieces in known if (found := pieces.parts(word))), ())

    def _says_something(self, word: str, parted: tuple[str, ...]) -> bool:
        """Whether a word that was taken apart is also looked at as one, in case it never was several."""
        return next(self._atoms(word), None) is not None or not all(piece in self.whole for piece in parted)

    def search(self, text: Text, languages: Collection[str]) -> list[tuple[int, Span]]:
        """The terms that stand in a text, by number, with their places."""
        listed = tuple(tag for tag in languages if tag in self.slips)
        places = self._meant(text, self._places(text, listed))
        near = {number for atom in places for number in self.by_anchor.get(atom, ())}
        numbers = [
            number for number in near if not any(need.isdisjoint(places) for need in self.needs[number])
        ]
        return [
            (number, span) for number in sorted(numbers) for span in spans(self.terms[number], places, text)
        ]

    def _meant(self, text: Text, places: dict[str, list[Place]]) -> dict[str, list[Place]]:
        """The places without those of which a harmless phrase holds every letter: "chest of drawers"."""
        numbers = {number for atom in places for number in self.harmless_by_anchor.get(atom, ())}
        masks = [span.place for number in numbers for span in spans(self.harmless[number], places, text)]
        if not masks:
            return places
        return {
            atom: [place for place in found if not any(_holds(mask, place) for mask in masks)]
            for atom, found in places.items()
        }

    def _places(self, text: Text, languages: tuple[str, ...]) -> dict[str, list[Place]]:
        places: dict[str, list[Place]] = defaultdict(list)
        for number, (word, typed) in enumerate(zip(text.words, text.typed, strict=True)):
            start = text.starts[number]
            for atom, first, last in self._known_hits(word, typed, languages):
                places[atom].append(Place(number, number, start + first, start + last))
        return places

    def _known_hits(self, word: str, typed: str, languages: tuple[str, ...]) -> list[Hit]:
        found = self.met.get((word, typed, languages))
        if found is None:
            if len(self.met) > _MOST_MET:
                self.met.clear()
            slips = [self.slips[tag] for tag in languages]
            found = sorted(set(self._hits(word, typed, slips)), key=lambda hit: hit[1:])
            self.met[word, typed, languages] = found
        return found

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


def _holds(mask: Place, place: Place) -> bool:
    return mask.start <= place.start and place.end <= mask.end


def _forms(word: str) -> tuple[str, ...]:
    """A word, and what it may be with letters that were held down, or with digits for letters."""
    if _DIGITS_FOR_LETTERS.fullmatch(word):
        return word, word.translate(_LETTERS)
    if not _STRETCHED.search(word):
        return (word,)
    return word, _STRETCHED.sub(r"\1", word), _STRETCHED.sub(r"\1\1", word)


def build_index(vocabularies: Iterable[Vocabulary]) -> Index:
    """Arrange the words of all terms, which are numbered in the order in which they are given."""
    listed = list(vocabularies)
    terms = tuple(term for vocabulary in listed for term in vocabulary.terms)
    harmless = tuple(term for vocabulary in listed for term in vocabulary.harmless)
    atoms = _atoms_of((*terms, *harmless))
    beginnings = {atom[1:]: atom for atom in atoms if atom[0] == "^"}
    return Index(
        terms=terms,
        harmless=harmless,
        needs=tuple(tuple(map(_first_words, term.parts)) for term in terms),
        by_anchor=_by_anchor(terms),
        harmless_by_anchor=_by_anchor(harmless),
        whole=_grouped((form, atom) for atom in atoms for form in _whole_forms(atom)),
        beginnings=beginnings,
        lengths=tuple(sorted({len(beginning) for beginning in beginnings})),
        inside=_grouped((atom[1:3], atom[1:]) for atom in atoms if atom[0] == "~"),
        slips={vocabulary.language: _slips(vocabulary) for vocabulary in listed},
        pieces={vocabulary.language: _pieces(vocabulary) for vocabulary in listed if vocabulary.glue},
    )


def _slips(vocabulary: Vocabulary) -> Slips:
    return _slips_of(
        tuple(sorted(_atoms_of(vocabulary.terms))), tuple(vocabulary.alike), tuple(vocabulary.correct)
    )


@lru_cache(maxsize=64)
def _slips_of(atoms: tuple[str, ...], alike: tuple[str, ...], correct: tuple[str, ...]) -> Slips:
    """Half of the work of an index; a clinic's own words change one language of fourteen."""
    return build_slips(atoms, alike=alike, correct=correct)


def _pieces(vocabulary: Vocabulary) -> Pieces:
    return pieces_of(_atoms_of(vocabulary.terms), map(plain, vocabulary.glue))


def _atoms_of(terms: Iterable[Term]) -> set[str]:
    return {
        atom for term in terms for part in term.parts for phrase in part for slot in phrase for atom in slot
    }


def _first_words(part: Part) -> frozenset[str]:
    return frozenset(atom for phrase in part for atom in phrase[0])


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
