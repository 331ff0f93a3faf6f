"""Which words of a lexicon a misspelt word may be.

Words are compared as they sound, by the letters that the language lists as alike (`alike`: ee and i in
romanised Hindi, b and v in Spanish), doubled letters counting once. Then one slip of the thumb is allowed in
words of six letters and more; in shorter ones two letters swapped or a vowel left out. A word that the
lexicon lists as a word of its own is no slip.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from campaigns.domain.folding import plain

_SHORT = 6
"""From so many letters on, any one slip is allowed."""
_SHORTEST = 4
_LONGEST = 24
_VOWELS = frozenset("aeiouyаеиоуыэюяії")
Value = TypeVar("Value")
_DOUBLED = re.compile(r"([^\W\d_])\1+")


def _once(doubled: re.Match[str]) -> str:
    return doubled[1]


class Sounded(NamedTuple):
    """A word of a term: how it sounds, and the atom it is."""

    sound: str
    atom: str

    @property
    def is_beginning(self) -> bool:
        """Whether words may begin like this and go on."""
        return self.atom[0] == "^"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Letters that sound alike in one language."""

    pattern: re.Pattern[str] | None
    plain: Mapping[str, str]

    def sound(self, word: str) -> str:
        """The word with one spelling for what sounds alike, doubled letters once."""
        return _DOUBLED.sub(_once, self.respelt(word))

    def respelt(self, word: str) -> str:
        """The word with one spelling for what sounds alike."""
        return self.pattern.sub(lambda match: self.plain[match[0]], word) if self.pattern else word


def read_alike(listed: Iterable[str]) -> Alike:
    """Read lines such as `ee i`: what is written, and what it counts as; `h` alone counts as nothing."""
    pairs = [[plain(part) for part in line.split()] for line in listed]
    table = {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}
    longest_first = sorted(table, key=len, reverse=True)
    return Alike(
        pattern=re.compile("|".join(map(re.escape, longest_first))) if table else None,
        plain=table,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slips:
    """Words by parts that one slip leaves alone; `short` leads from a misspelling to the short words, `same`
    and `beginnings` from a sound to the words that sound so."""

    alike: Alike
    heads: Mapping[str, tuple[Sounded, ...]]
    middles: Mapping[str, tuple[Sounded, ...]]
    short: Mapping[str, tuple[str, ...]]
    same: Mapping[str, tuple[str, ...]]
    beginnings: Mapping[str, tuple[str, ...]]
    lengths: tuple[int, ...]
    correct: frozenset[str]
    correct_beginnings: tuple[str, ...]

    def knows(self, word: str) -> bool:
        """Whether a word is a correct one, and not a slip of another."""
        return word in self.correct or word.startswith(self.correct_beginnings)

    def of(self, word: str) -> Iterator[str]:
        """The atoms that a word may be a misspelling of."""
        if self.knows(word) or len(word) > _LONGEST:
            return
        sound = self.alike.sound(word)
        yield from self.short.get(word, ())
        if len(sound) >= _SHORTEST:
            yield from self.same.get(sound, ())
            for length in self.lengths:
                yield from self.beginnings.get(sound[:length], ())
        if len(word) >= _SHORT - 1:
            yield from self._near(sound)

    def _near(self, sound: str) -> Iterator[str]:
        near = set(self.heads.get(sound[:3], ()))
        for at in (2, 3, 4):
            near.update(self.middles.get(sound[at : at + 3], ()))
        yield from (known.atom for known in near if _is_slip_of(sound, known))


def build_slips(atoms: Iterable[str], *, alike: Sequence[str] = (), correct: Sequence[str] = ()) -> Slips:
    """Arrange the words of all terms of one language so that a misspelt one leads to them."""
    sounds = read_alike(alike)
    respelt = {atom: sounds.respelt(atom[1:]) for atom in atoms if atom[0] in "=^~&"}
    listed = [Sounded(_DOUBLED.sub(_once, letters), atom) for atom, letters in respelt.items()]
    long = [each for each in listed if len(respelt[each.atom]) >= _SHORT <= len(each.sound) + 1]
    words = {each.atom[1:] for each in listed}
    begun = [each for each in listed if each.is_beginning and len(each.sound) >= _SHORTEST]
    return Slips(
        alike=sounds,
        heads=_grouped((head, each) for each in long for head in _heads(each.sound)),
        middles=_grouped((each.sound[3:6], each) for each in long),
        short=_grouped((form, each.atom) for each in listed for form in _short_slips(each.atom[1:]) - words),
        same=_grouped((each.sound, each.atom) for each in listed),
        beginnings=_grouped((each.sound, each.atom) for each in begun),
        lengths=tuple(sorted({len(each.sound) for each in begun})),
        correct=frozenset(plain(word) for word in correct if not word.endswith("*")),
        correct_beginnings=tuple(plain(word[:-1]) for word in correct if word.endswith("*")),
    )


def _heads(sound: str) -> tuple[str, str]:
    return sound[:3], sound[:2] + sound[3]


def _short_slips(word: str) -> set[str]:
    """A short word with two inner letters swapped or an inner vowel left out."""
    if not _SHORTEST <= len(word) < _SHORT or not _VOWELS.intersection(word):
        return set()
    swapped = {
        word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        for at in range(1, len(word) - 2)
        if word[at] != word[at + 1]
    }
    return swapped | {word[:at] + word[at + 1 :] for at in range(1, len(word) - 1) if word[at] in _VOWELS}


def _grouped(pairs: Iterable[tuple[str, Value]]) -> dict[str, tuple[Value, ...]]:
    found: dict[str, dict[Value, None]] = defaultdict(dict)
    for name, value in pairs:
        found[name][value] = None
    return {name: tuple(values) for name, values in found.items()}


def _is_slip_of(sound: str, known: Sounded) -> bool:
    wanted = known.sound
    if not known.is_beginning:
        return abs(len(sound) - len(wanted)) < 2 and one_slip_apart(sound, wanted)
    sizes = (len(wanted) - 1, len(wanted), len(wanted) + 1)
    return any(one_slip_apart(sound[:size], wanted) for size in sizes if size <= len(sound))


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
