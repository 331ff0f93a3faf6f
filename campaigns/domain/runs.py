"""Taking words apart that were typed without spaces: "cantbreathe", "неможудышать", "nopuedorespirar"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_SHORTEST, _LONGEST = 7, 40
"""Letters of a word that may be several."""
_LONGEST_PIECE = 16
_WITH_GAPS = 10
"""From so many letters on, some of them may belong to words that nobody listed."""
_GAP = 3
"""What an unlisted letter costs, in pieces."""
_LISTED = 0.62
"""The least share of listed letters."""
_MOST_KEPT = 20000
_INDIC = re.compile("[\u0900-\u0a7f]")
"""Signs of Hindi and Punjabi, in which one says more than a letter does elsewhere."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The words of one language that may be written together."""

    words: frozenset[str]
    known: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    """Words already taken apart, so that the common ones cost nothing."""

    def parts(self, word: str) -> tuple[str, ...]:
        """A word as the fewest listed pieces, one of four letters or more; empty if that cannot be.

        A piece of one letter may only come first ("icantbreathe"): elsewhere it is an ending.
        """
        if not _SHORTEST <= len(word) <= _LONGEST:
            return ()
        found = self.known.get(word)
        if found is None:
            if len(self.known) > _MOST_KEPT:
                self.known.clear()
            found = self.known[word] = _parts(word, self.words)
        return found


def pieces_of(atoms: Iterable[str], glue: Iterable[str]) -> Pieces:
    """The words of all terms of a language, with common endings, and its small words."""
    listed = list(atoms)
    words = {atom[1:] for atom in listed if atom[0] in "=^" and len(atom) > 2 and _is_word(atom[1:])}
    words |= {atom[1:].split(" ")[0] for atom in listed if atom[0] == "!"}
    endings = {atom[1:] + end for atom in listed if atom[0] == "^" for end in ("s", "es", "e", "ed", "ing")}
    return Pieces(frozenset(words | endings | set(glue)))


def _is_word(text: str) -> bool:
    """Whether a text has letters alone. The vowel signs of Hindi and Punjabi belong to their letters."""
    return all(char.isalpha() or _INDIC.match(char) for char in text)


Best = tuple[int, tuple[str, ...], int]
"""What a beginning of a word costs, its pieces, and how many of its letters are unlisted."""


def _parts(word: str, pieces: frozenset[str]) -> tuple[str, ...]:
    gaps = len(word) >= _WITH_GAPS
    best: list[Best | None] = [(0, (), 0), *[None] * len(word)]
    for end in range(1, len(word) + 1):
        best[end] = min(_ways(word, end, best, pieces, gaps=gaps), default=None)
    found = best[-1]
    return found[1] if found and _is_credible(word, *found[1:], pieces) else ()


def _ways(
    word: str, end: int, best: list[Best | None], pieces: frozenset[str], *, gaps: bool
) -> Iterable[Best]:
    for start in range(max(0, end - _LONGEST_PIECE), end):
        before = best[start]
        if before is None:
            continue
        piece = word[start:end]
        if piece in pieces and (len(piece) > 1 or start == 0):
            yield before[0] + 1, (*before[1], piece), before[2]
        elif gaps and start == end - 1:
            yield before[0] + _GAP, _with_letter(before[1], piece, pieces), before[2] + 1


def _with_letter(before: tuple[str, ...], letter: str, pieces: frozenset[str]) -> tuple[str, ...]:
    """Unlisted letters side by side are one piece."""
    if before and before[-1] not in pieces:
        return (*before[:-1], before[-1] + letter)
    return (*before, letter)


def _is_credible(word: str, found: tuple[str, ...], unlisted: int, pieces: frozenset[str]) -> bool:
    listed = [piece for at, piece in enumerate(found) if piece in pieces and (at == 0 or len(piece) > 1)]
    longest = max(map(len, listed), default=0)
    if not unlisted:
        return len(listed) > 1 and longest > (2 if _INDIC.match(word) else 3)
    return len(listed) > 1 and longest > 4 and (len(word) - unlisted) / len(word) >= _LISTED
