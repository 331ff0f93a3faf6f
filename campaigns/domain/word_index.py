"""Every word of every term of a lexicon, arranged so that one pass over a text finds them all.

Hurried thumbs are allowed for: letters held down ("heeelp") and digits for letters ("br3athe") in any
language; in those that the patient is likely to write also misspelt words (`slips`) and words without spaces
between them (`runs`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import NamedTuple, TypeVar

from campaigns.domain.folding import marks, plain, word_pairs
from campaigns.domain.matching import Part, Place, Slot, Span, Term, Text, as_text, spans
from campaigns.domain.runs import Pieces, pieces_of
from campaigns.domain.slips import Slips, build_slips

_MOST_MET = 20000
_PARTICLES = ("", "ال", "و", "ف", "ب", "ل", "ك", "وال", "فال", "بال", "كال", "لل", "وب", "ول")
_ENDINGS = ("", "ي", "ه", "ها", "ك", "نا", "ا", "ات", "ين")
_STRETCHED = re.compile(r"([^\W\d_])\1\1+")
_DIGITS_FOR_LETTERS = re.compile(r"(?=[0-9]*[a-z][a-z0-9]*[a-z])[a-z0-9]*[0-9][a-z0-9]*")
_LETTERS = str.maketrans("013457", "oieast")
_ELSEWHERE = "\u0400-\u1dff\u2e80-\U0001ffff"
_MIXED = re.compile(f"[a-z0-9][{_ELSEWHERE}]|[{_ELSEWHERE}][a-z0-9]")
_OF_ONE_SCRIPT = re.compile("[a-z0-9]+|[^a-z0-9]+")
"""The runs of a word such as "我有fever" or "swelling이". Digits stay with Latin letters: "3andi" is one."""

Hit = tuple[str, int, int]
"""An atom and where in a word it stands."""


Name = TypeVar("Name")
Value = TypeVar("Value")


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

    terms: Mapping[int, Term]
    harmless: Mapping[int, Term]
    needs: Mapping[int, tuple[Slot, ...]]
    by_anchor: Mapping[str, tuple[int, ...]]
    harmless_by_anchor: Mapping[str, tuple[int, ...]]
    whole: Mapping[str, tuple[str, ...]]
    beginnings: Mapping[str, str]
    lengths: tuple[int, ...]
    inside: Mapping[str, tuple[str, ...]]
    slips: Mapping[str, Callable[[], Slips]] = field(compare=False)
    pieces: Mapping[str, Callable[[], Pieces]] = field(compare=False)
    met: dict[tuple[str, str, tuple[str, ...]], list[Hit]] = field(default_factory=dict, compare=False)
    """What was found for words already met, by the languages looked in: texts are made of the same ones."""

    def read(self, text: str, languages: Collection[str]) -> Text:
        """The words of a text, those written together taken apart."""
        known = [self.pieces[language]() for language in languages if language in self.pieces]
        pairs: list[tuple[str, str]] = []
        for word, typed in word_pairs(text):
            parted = self._parted(word, known)
            pairs.extend((piece, piece) for piece in parted)
            if not parted or self._says_something(word, parted):
                pairs.append((word, typed))
        return as_text(pairs)

    def _parted(self, word: str, known: list[Pieces]) -> tuple[str, ...]:
        if word in self.whole or _MIXED.search(word):
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
        lack = places.keys().isdisjoint
        numbers = [number for number in near if not any(map(lack, self.needs[number]))]
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
            slips = [self.slips[tag]() for tag in languages]
            found = sorted(set(self._hits(word, typed, slips)), key=lambda hit: hit[1:])
            self.met[word, typed, languages] = found
        return found

    def _hits(self, word: str, typed: str, slips: list[Slips]) -> Iterator[Hit]:
        end, mixed = len(word), _MIXED.search(word)
        for form in _forms(word):
            for atom in self.whole.get(form, ()) if mixed else self._atoms(form):
                yield atom, 0, end
            if not form.isascii():
                yield from self._inside(form, end)
        for atom in self.whole.get(f"{word} {marks(typed)}", ()):
            yield atom, 0, end
        if mixed:
            yield from self._in_runs(word, slips)
        elif word not in self.whole:
            yield from ((atom, 0, end) for kind in slips for atom in kind.of(word))

    def _in_runs(self, word: str, slips: list[Slips]) -> Iterator[Hit]:
        """What each run of a word in two scripts would be as a word of its own."""
        for run in _OF_ONE_SCRIPT.finditer(word):
            for atom, first, last in self._hits(run[0], run[0], slips):
                yield atom, run.start() + first, run.start() + last

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one language brings to an index, ready to be put beside the others. Its terms are numbered from
    its place on, so that they keep their numbers whatever the others bring. What only the texts of those who
    speak it need is made when the first one comes."""

    language: str
    terms: Mapping[int, Term]
    harmless: Mapping[int, Term]
    needs: Mapping[int, tuple[Slot, ...]]
    by_anchor: Mapping[str, tuple[int, ...]]
    harmless_by_anchor: Mapping[str, tuple[int, ...]]
    whole: Mapping[str, tuple[str, ...]]
    beginnings: Mapping[str, str]
    inside: Mapping[str, tuple[str, ...]]
    slips: Callable[[], Slips]
    pieces: Callable[[], Pieces] | None


_ROOM = 1 << 20
"""The most terms of one language."""


def share_of(vocabulary: Vocabulary, place: int) -> Share:
    """Arrange the words of one language, the `place`-th of those that make an index."""
    terms = dict(enumerate(vocabulary.terms, place * _ROOM))
    harmless = dict(enumerate(vocabulary.harmless, place * _ROOM))
    own = atoms_of(vocabulary.terms)
    atoms = sorted(own | atoms_of(vocabulary.harmless))
    return Share(
        language=vocabulary.language,
        terms=terms,
        harmless=harmless,
        needs=_needs(terms),
        by_anchor=_by_anchor(terms),
        harmless_by_anchor=_by_anchor(harmless),
        whole=_grouped((form, atom) for atom in atoms for form in _whole_forms(atom)),
        beginnings={atom[1:]: atom for atom in atoms if atom[0] == "^"},
        inside=_grouped((atom[1:3], atom[1:]) for atom in atoms if atom[0] == "~"),
        slips=cache(partial(build_slips, sorted(own), alike=vocabulary.alike, correct=vocabulary.correct)),
        pieces=cache(partial(_pieces, own, vocabulary.glue)) if vocabulary.glue else None,
    )


def _pieces(atoms: Iterable[str], glue: Iterable[str]) -> Pieces:
    return pieces_of(atoms, map(plain, glue))


def build_index(vocabularies: Iterable[Vocabulary]) -> Index:
    """Arrange the words of all terms, which are numbered in the order in which they are given."""
    return join(share_of(vocabulary, place) for place, vocabulary in enumerate(vocabularies))


def join(shares: Iterable[Share]) -> Index:
    """One index of what each language brings."""
    listed = list(shares)
    beginnings = _one(share.beginnings for share in listed)
    return Index(
        terms=_one(share.terms for share in listed),
        harmless=_one(share.harmless for share in listed),
        needs=_one(share.needs for share in listed),
        by_anchor=_together(share.by_anchor for share in listed),
        harmless_by_anchor=_together(share.harmless_by_anchor for share in listed),
        whole=_together(share.whole for share in listed),
        beginnings=beginnings,
        lengths=tuple(sorted(set(map(len, beginnings)))),
        inside=_together(share.inside for share in listed),
        slips={share.language: share.slips for share in listed},
        pieces={share.language: share.pieces for share in listed if share.pieces},
    )


def _one(maps: Iterable[Mapping[Name, Value]]) -> dict[Name, Value]:
    found: dict[Name, Value] = {}
    for each in maps:
        found.update(each)
    return found


def _together(maps: Iterable[Mapping[str, tuple[Value, ...]]]) -> dict[str, tuple[Value, ...]]:
    """The maps as one; what several know of the same word stands side by side."""
    found: dict[str, tuple[Value, ...]] = {}
    for each in maps:
        known = [(name, found[name], each[name]) for name in found.keys() & each.keys()]
        found.update(each)
        found.update((name, tuple(dict.fromkeys(one + two))) for name, one, two in known if one != two)
    return found


def atoms_of(terms: Iterable[Term]) -> set[str]:
    """Every word of every phrase of terms, marked with how it matches."""
    return {
        atom for term in terms for part in term.parts for phrase in part for slot in phrase for atom in slot
    }


def _needs(terms: Mapping[int, Term]) -> dict[int, tuple[Slot, ...]]:
    """What each part of each term may begin with. Tuples, the very same one for parts that begin alike: sets
    would take a fifth of all memory of the lexicon."""
    first_words = cache(_first_words)
    return {number: tuple(map(first_words, term.parts)) for number, term in terms.items()}


def _first_words(part: Part) -> Slot:
    if len(part) == 1:
        return part[0][0]
    return tuple({atom: None for phrase in part for atom in phrase[0]})


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        known = found.get(name, ())
        if value not in known:
            found[name] = (*known, value)
    return found


def _by_anchor(terms: Mapping[int, Term]) -> dict[str, tuple[int, ...]]:
    """From a word to the terms that cannot stand without it, or without one of its alternatives."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, term in terms.items():
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
        word = atom[1:]
        yield from [f"{particle}{word}{ending}" for particle in _PARTICLES for ending in _ENDINGS]
