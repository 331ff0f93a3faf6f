"""How hard an English text is to read: the Flesch-Kincaid grade, with syllables counted by rule.

grade = 0.39 * words / sentences + 11.8 * syllables / words - 15.59 (Kincaid and others, 1975). It means
nothing in other languages. A line of a list counts as a sentence, a link as one word, a number as a
syllable for each digit, three at the most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TARGET = 6.0
WORST = 8.0
FEW_WORDS = 30  # a shorter text is too short for its grade to mean anything

_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|\d[\d-]*")
_BREAK = re.compile(r"[.!?:]\s|\n\s*\n|\n\s*[-•] |\n")
_SILENT = re.compile(r"(?<![aeiouyl])e$|(?<=[aeiouy])(?<!ee)e$|(?<=[aeiouy])le$|(?<![td])ed$")
_JOINED = re.compile(r"[aeiouy]+")
_APART = re.compile(r"i[ao](?!u)|(?<!q)ua|(?<=[aeiouy])ing")
_ONE_SOUND = re.compile(r"[tcsg]i(?:on|al|ou|a)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The measures of one text; `grade` is a school grade."""

    words: int
    sentences: int
    syllables: int

    @property
    def grade(self) -> float:
        """The Flesch-Kincaid grade; 0 for a text without words."""
        if not self.words:
            return 0.0
        return 0.39 * self.words / self.sentences + 11.8 * self.syllables / self.words - 15.59

    @property
    def is_too_hard(self) -> bool:
        """Whether the text is long enough to judge and beyond the worst grade."""
        return self.words > FEW_WORDS and self.grade > WORST


def read(text: str) -> Reading:
    """Measure an English text as the patient sees it."""
    text = re.sub(r"https?://\S+", "link", text)
    words = _WORD.findall(text)
    sentences = [part for part in _BREAK.split(text) if re.search("[A-Za-z]", part)]
    return Reading(words=len(words), sentences=max(len(sentences), 1), syllables=sum(map(syllables, words)))


def syllables(word: str) -> int:
    """The syllables of an English word: groups of vowels, with the silent and the split ones minded."""
    if word[0].isdigit():
        return min(len(word.replace("-", "")), 3)
    return sum(_syllables(part) for part in re.findall("[a-z]+", word.lower().replace("'s", "")))


def _syllables(word: str) -> int:
    count = len(_JOINED.findall(word))
    count += len(_APART.findall(_ONE_SOUND.sub("to", word)))
    return max(count - len(_SILENT.findall(word)), 1)
