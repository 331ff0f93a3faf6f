"""Reading the answer to an open question: a number, or yes or no, or why there is none. Never a guess.

A digit counts with nothing but fillers round it, a number word only as the whole reply. Two numbers, a unit,
a time, a range, a sign or a word with a second meaning is asked again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from campaigns.domain.folding import exact_words, plain
from campaigns.domain.lexicon import Answers

Answer = int | str


class Problem(StrEnum):
    """Why there is no answer."""

    AMBIGUOUS = "ambiguous"
    OUT_OF_RANGE = "out_of_range"
    NOT_UNDERSTOOD = "not_understood"


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer, or the reason why there is none; neither where no question is open."""

    answer: Answer | None = None
    problem: Problem | None = None


_NOT_UNDERSTOOD = Reading(problem=Problem.NOT_UNDERSTOOD)
_AMBIGUOUS = Reading(problem=Problem.AMBIGUOUS)
_MOST_WORDS = 12
LONGEST_POLITE = 5
"""Words of a polite phrase."""


def read_yes_no(spoken: Sequence[str], known: Sequence[Answers], *, ready: bool) -> Reading:
    """Yes or no, said in one way or several times in the same sense. `ready`: "ok" is a yes."""
    for answers in known:
        yes = answers.yes | (answers.agree if ready else frozenset())
        no = answers.no | (answers.not_ready if ready else answers.nothing)
        for sense, listed in (("yes", yes), ("no", no)):
            if _says(spoken, listed, answers):
                return Reading(answer=sense)
    if _mixes(spoken, known):
        return _AMBIGUOUS
    return _NOT_UNDERSTOOD


def _says(spoken: Sequence[str], listed: Collection[str], answers: Answers) -> bool:
    """Whether a reply is made of listed phrases alone, smiles and endings aside."""
    said = [word for word in spoken if not (_is_symbol(word) and word in answers.fillers)] or list(spoken)
    if not said or len(said) > _MOST_WORDS:
        return False
    done = [True, *[False] * len(said)]
    for end in range(1, len(said) + 1):
        done[end] = any(done[start] and " ".join(said[start:end]) in listed for start in range(end))
    return done[-1] or (answers.joined and all(_is_doubled(word, listed) for word in said))


def _is_doubled(word: str, listed: Collection[str]) -> bool:
    """Whether a word is a listed one, or one of them said two or three times without a space."""
    return word in listed or any(word in (one * 2, one * 3) for one in listed)


def _mixes(spoken: Sequence[str], known: Iterable[Answers]) -> bool:
    """Whether a reply says both yes and no."""
    said = set(spoken)
    return any(said & answers.yes for answers in known) and any(said & answers.no for answers in known)


def read_number(
    folded: str, spoken: Sequence[str], allowed: range, known: Sequence[Answers], polite: Collection[str]
) -> Reading:
    """A number from a folded text; `spoken` are its words without polite ones and without the scale. `polite`
    are phrases that may stand beside a digit, as fillers may."""
    spelled = _read_number_word(_without_just(spoken), allowed, known)
    if spelled is _NOT_UNDERSTOOD and re.search(r"\d", folded):
        return _read_digits(folded, allowed, known, polite)
    return spelled


_JUST = frozenset(
    word
    for listed in (
        "just only solo sólo apenas juste seulement chỉ chi thôi thoi lang lamang",
        "बस सिर्फ सिर्फ़ केवल ਬੱਸ ਬਸ ਸਿਰਫ ਸਿਰਫ਼ bas sirf بس فقط faghat",
        "только лишь всего лише тільки всього 겨우 只 只有 才 就 而已",
    )
    for word in exact_words(listed)
)
"""What makes a number small and stays beside it: "hai thôi", "ਬੱਸ ਦੋ"."""


def _without_just(spoken: Sequence[str]) -> Sequence[str]:
    if len(spoken) > 1 and spoken[0] in _JUST:
        return spoken[1:]
    if len(spoken) > 1 and spoken[-1] in _JUST:
        return spoken[:-1]
    return spoken


_POINTS = ("分", "점")
"""What Chinese and Korean write behind a score. Not 点: "七点" is also seven o'clock."""


def _read_number_word(spoken: Sequence[str], allowed: range, known: Iterable[Answers]) -> Reading:
    for answers in known:
        message = " ".join(word for word in spoken if not (_is_symbol(word) and word in answers.fillers))
        if message in answers.ambiguous:
            return _AMBIGUOUS
        if message in answers.numbers:
            return _in_range(answers.numbers[message], allowed)
        points = answers.numbers.get(message[:-1].strip())
        if message.endswith(_POINTS) and points is not None and message[:-1].strip() not in answers.ambiguous:
            return _in_range(points, allowed)
    return _NOT_UNDERSTOOD


def _in_range(number: int, allowed: range) -> Reading:
    return Reading(answer=number) if number in allowed else Reading(problem=Problem.OUT_OF_RANGE)


_SCALE_FIRST = ("分之", "분의")


def drop_scale(folded: str, top: int, known: Iterable[Answers]) -> str:
    """Take "/10", "out of ten" or "10分之" away, so that only the answer is left; "/7" where 7 is the top."""
    tops, joins, first = {str(top)}, set[str](), set(_SCALE_FIRST)
    for answers in known:
        tops.update(word for word, number in answers.numbers.items() if number == top)
        joins.update(answers.out_of)
        first.update(answers.scale_first)
    scale = _any_of(tops)
    folded = re.sub(rf"(?<!\w)(?:{scale})\s*(?:{_any_of(first)})\s*(?=\w)", "", folded)
    return re.sub(rf"(?<=\w)(?:\s*/\s*|\s+(?:{_any_of(joins)})\s+)(?:{scale})(?!\w)", "", folded)


def _any_of(phrases: Collection[str]) -> str:
    return "|".join(map(re.escape, sorted(phrases, key=len, reverse=True))) or "(?!)"


_ONE_NUMBER = re.compile(r"(?P<before>\D*?)(?P<number>\d+)(?:\s*[分점])?(?P<after>\D*)", re.DOTALL)
_HARMLESS = " .,!?;:\"'()[]~≈=*_…،؛؟。、！？।～ᅲᅮᄏᄒ"
"""Signs and lone Korean letters (laughing, crying) that say nothing about a number."""
_RUN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def _read_digits(folded: str, allowed: range, known: Sequence[Answers], polite: Collection[str]) -> Reading:
    """One number with nothing but fillers and polite words round it."""
    match = _ONE_NUMBER.fullmatch(folded)
    if not match:
        return _AMBIGUOUS
    around = (match["before"], match["after"])
    if _AT.search(around[0]) and not _only_fillers(around[0], known):
        return _NOT_UNDERSTOOD
    if not _stands_alone(*around) or not all(_adds_nothing(part, known, polite) for part in _cut(*around)):
        return _NOT_UNDERSTOOD
    if len(match["number"]) > 1 and match["number"].startswith("0"):
        return _NOT_UNDERSTOOD
    return _in_range(int(match["number"][:4]), allowed)


def _stands_alone(before: str, after: str) -> bool:
    """Whether the number touches no letter: "7am" and "b12" are not answers. Runs have no spaces to put."""
    return not any(char.isalnum() and not _RUN.match(char) for char in (before[-1:], after[:1]))


_AT = re.compile(r"\b(?:at|à|a|в|о|об)\s*$")
"""What stands before a time: "good morning at 7" is none of the scale."""
_TOUCHING_BEFORE = re.compile(rf"{_RUN.pattern}+$")
_TOUCHING_AFTER = re.compile(rf"^{_RUN.pattern}+")


def _cut(before: str, after: str) -> Iterable[tuple[str, bool]]:
    """What stands round a number, with whether it touches it: in Chinese 早晨7 may be a time."""
    for part, touching in ((before, _TOUCHING_BEFORE), (after, _TOUCHING_AFTER)):
        close = touching.search(part)
        yield (close[0] if close else ""), True
        yield touching.sub("", part), False


def _only_fillers(text: str, known: Sequence[Answers]) -> bool:
    return _adds_nothing((text, True), known, ())


def _adds_nothing(part: tuple[str, bool], known: Sequence[Answers], polite: Collection[str]) -> bool:
    """Whether a part adds nothing to the number. A sign such as - + % or < always adds something."""
    text, touches = part
    if any(char not in _HARMLESS and _is_sign(char) for char in text):
        return False
    said = [word for word in exact_words(text) if word.strip(_HARMLESS)]
    plain_words = [any(_is_filler(word, answers) for answers in known) for word in said]
    if touches or all(plain_words):
        return all(plain_words)
    done = [True, *[False] * len(said)]
    for end in range(1, len(said) + 1):
        done[end] = (done[end - 1] and plain_words[end - 1]) or any(
            done[start] and plain(" ".join(said[start:end])) in polite
            for start in range(max(0, end - LONGEST_POLITE), end)
        )
    return done[-1]


def _is_filler(word: str, answers: Answers) -> bool:
    """Whether a word is a filler, or a run of several in a language that writes them together."""
    if word in answers.fillers:
        return True
    if not answers.joined or len(word) > _MOST_WORDS or not all(map(_RUN.match, word)):
        return False
    done = [True, *[False] * len(word)]
    for end in range(1, len(word) + 1):
        done[end] = any(done[start] and word[start:end] in answers.fillers for start in range(end))
    return done[-1]


def _is_symbol(word: str) -> bool:
    return len(word) == 1 and not word.isalnum()


def _is_sign(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "PS" and category != "So"
