"""What a patient's reply says: a keyword, an answer to the open question, or neither. Never a guess.

Keywords count only as the whole message. An answer counts only where nothing else can be meant; otherwise
the result says why not, and the patient is asked once more. Nothing here looks at danger: see `triage`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from campaigns.domain.folding import exact_words, fold, words
from campaigns.domain.languages import canonical
from campaigns.domain.lexicon import Answers, Lexicon, key

PARSER_VERSION = "1"
"""Rises with every change of the rules below; the lexicon has a version of its own."""

Answer = int | str


class Keyword(StrEnum):
    """Words that act whatever was asked."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    LANGUAGE = "language"


class Expects(StrEnum):
    """What kind of answer the open question takes: 0 to 10, 1 to 7, yes or no, or none is open."""

    NRS = "nrs"
    CHANGE = "change"
    YES_NO = "yes_no"
    NONE = "none"


class Problem(StrEnum):
    """Why there is no answer."""

    AMBIGUOUS = "ambiguous"
    OUT_OF_RANGE = "out_of_range"
    NOT_UNDERSTOOD = "not_understood"


EXPECTED: dict[str, Expects] = {
    "pain": Expects.NRS,
    "function": Expects.NRS,
    "change": Expects.CHANGE,
    "side_effects": Expects.YES_NO,
    "nsaids_taken": Expects.YES_NO,
    "confirm": Expects.YES_NO,
    "ready": Expects.YES_NO,
    "screen": Expects.YES_NO,
}
"""Every question and the answer it takes. `screen` stands for any safety question with yes or no."""

READINESS = frozenset({"ready", "confirm"})
"""Questions to which "ok" is a yes. To a safety question it is not: it may mean "I am ok"."""

_RANGES = {Expects.NRS: range(11), Expects.CHANGE: range(1, 8)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a reply was understood as.

    `keyword_language` is the language of the word that was used (ARRET is answered in French whatever the
    patient's language), and for LANGUAGE the language asked for. `answer` is a number, "yes" or "no";
    `problem` says why there is none although one was expected. `also_asks_visit`: the opt-out word may
    have meant the visit.
    """

    keyword: Keyword | None = None
    keyword_language: str | None = None
    answer: Answer | None = None
    problem: Problem | None = None
    also_asks_visit: bool = False
    asks_call: bool = False
    parser: str = PARSER_VERSION


@dataclass(frozen=True, slots=True)
class _Reading:
    answer: Answer | None = None
    problem: Problem | None = None


_NOT_UNDERSTOOD = _Reading(problem=Problem.NOT_UNDERSTOOD)
_AMBIGUOUS = _Reading(problem=Problem.AMBIGUOUS)


def version(lexicon: Lexicon) -> str:
    """The version to keep with a reply: of the rules and of the words."""
    return f"{PARSER_VERSION}-{lexicon.version}"


def parse(
    text: str, *, language: str, expects: Expects = Expects.NONE, question: str = "", lexicon: Lexicon
) -> Parsed:
    """Understand one reply. `question` is the id of the open question; an unknown id is taken as a screen."""
    parser = version(lexicon)
    spoken = _without_polite([word for word in words(text) if not _is_symbol(word)], lexicon)
    keyword = _keyword(spoken, language, lexicon)
    if keyword:
        numbers = " ".join(word for word in spoken if word.isdecimal())
        answer = _read(numbers, language, expects, question, lexicon).answer
        return replace(keyword, answer=answer, parser=parser)
    reading = _read(text, language, expects, question, lexicon)
    message = " ".join(spoken)
    if reading.answer is None and (message in lexicon.language_names or message in lexicon.language_words):
        wanted = lexicon.language_names.get(message, (None,))[0]
        return Parsed(keyword=Keyword.LANGUAGE, keyword_language=wanted, parser=parser)
    return Parsed(
        answer=reading.answer, problem=reading.problem, asks_call=message in lexicon.call, parser=parser
    )


def _keyword(spoken: list[str], language: str, lexicon: Lexicon) -> Parsed | None:
    stop = _stop_word(spoken, lexicon)
    if stop:
        return Parsed(
            keyword=Keyword.STOP,
            keyword_language=_language_of(lexicon.stop[stop], language),
            also_asks_visit=stop in lexicon.stop_or_visit,
        )
    message = " ".join(spoken)
    for keyword, listed in ((Keyword.START, lexicon.start), (Keyword.HELP, lexicon.help)):
        if message in listed:
            return Parsed(keyword=keyword, keyword_language=_language_of(listed[message], language))
    return None


def _is_symbol(word: str) -> bool:
    return len(word) == 1 and not word.isalnum()


def _language_of(listed: Sequence[str], patient: str) -> str:
    """The language of a keyword; where several share the word, the patient's own if it is among them."""
    tag = canonical(patient)
    return tag if tag in listed else listed[0]


def _without_polite(spoken: list[str], lexicon: Lexicon) -> list[str]:
    for size in range(min(4, len(spoken) - 1), 0, -1):
        if key(" ".join(spoken[:size])) in lexicon.polite:
            return _without_polite(spoken[size:], lexicon)
        if key(" ".join(spoken[-size:])) in lexicon.polite:
            return _without_polite(spoken[:-size], lexicon)
    return spoken


def _stop_word(spoken: list[str], lexicon: Lexicon) -> str | None:
    """The opt-out word if it is the whole message, or all but a number: "7 STOP" opts out and scores."""
    for message in (" ".join(spoken), " ".join(word for word in spoken if not word.isdecimal())):
        if message in lexicon.stop:
            return message
    return None


def _read(text: str, language: str, expects: Expects, question: str, lexicon: Lexicon) -> _Reading:
    known = lexicon.answers_for(language)
    if expects is Expects.NONE:
        return _Reading()
    if expects is Expects.YES_NO:
        return _read_yes_no(_spoken_answer(text, lexicon), known, ready=question in READINESS)
    allowed = _RANGES[expects]
    folded = _drop_scale(fold(text), allowed[-1], known)
    spelled = _read_number_word(_spoken_answer(folded, lexicon), allowed, known)
    if spelled is _NOT_UNDERSTOOD and re.search(r"\d", folded):
        return _read_digits(folded, allowed, known)
    return spelled


def _spoken_answer(text: str, lexicon: Lexicon) -> list[str]:
    """The words of an answer, accents kept, without polite ones."""
    return _without_polite(exact_words(text), lexicon)


def _read_yes_no(spoken: list[str], known: Iterable[Answers], *, ready: bool) -> _Reading:
    """Yes or no, said in one way or several times in the same sense."""
    for answers in known:
        yes = answers.yes | (answers.agree if ready else frozenset())
        no = answers.no | (answers.not_ready if ready else answers.nothing)
        for sense, listed in (("yes", yes), ("no", no)):
            if spoken and (" ".join(spoken) in listed or all(word in listed for word in spoken)):
                return _Reading(answer=sense)
    if _mixes(spoken, known):
        return _AMBIGUOUS
    return _NOT_UNDERSTOOD


def _mixes(spoken: list[str], known: Iterable[Answers]) -> bool:
    """Whether a reply says both yes and no."""
    said = set(spoken)
    return any(said & answers.yes for answers in known) and any(said & answers.no for answers in known)


def _read_number_word(spoken: list[str], allowed: range, known: Iterable[Answers]) -> _Reading:
    message = " ".join(spoken)
    for answers in known:
        if message in answers.ambiguous:
            return _AMBIGUOUS
        if message in answers.numbers:
            return _in_range(answers.numbers[message], allowed)
    return _NOT_UNDERSTOOD


def _in_range(number: int, allowed: range) -> _Reading:
    return _Reading(answer=number) if number in allowed else _Reading(problem=Problem.OUT_OF_RANGE)


_FRACTION_OF_TEN = re.compile(r"(?<!\d)10\s*分之\s*(\d+)(?!\d)")


def _drop_scale(folded: str, top: int, known: Iterable[Answers]) -> str:
    """Take "/10" or "out of ten" away, so that only the answer is left; "/7" for the 1 to 7 question."""
    tops = {
        str(top),
        *(word for answers in known for word, number in answers.numbers.items() if number == top),
    }
    joins = {re.escape(phrase) for answers in known for phrase in answers.out_of}
    scale = rf"(?<=\w)(?:\s*/\s*|\s+(?:{'|'.join(sorted(joins))})\s+)(?:{'|'.join(sorted(tops))})(?!\w)"
    if top == 10:
        folded = _FRACTION_OF_TEN.sub(r"\1", folded)
    return re.sub(scale, "", folded)


_ONE_NUMBER = re.compile(r"(?P<before>\D*?)(?P<number>\d+)(?:\s*[分점点點])?(?P<after>\D*)", re.DOTALL)
_HARMLESS = " .,!?;:\"'()[]~≈=*_…،؛؟。、"


def _read_digits(folded: str, allowed: range, known: Sequence[Answers]) -> _Reading:
    """One number with nothing but fillers round it."""
    match = _ONE_NUMBER.fullmatch(folded)
    if not match:
        return _AMBIGUOUS
    around = (match["before"], match["after"])
    if not _stands_alone(*around) or not all(_only_fillers(part, known) for part in around):
        return _NOT_UNDERSTOOD
    if len(match["number"]) > 1 and match["number"].startswith("0"):
        return _NOT_UNDERSTOOD
    return _in_range(int(match["number"][:4]), allowed)


def _stands_alone(before: str, after: str) -> bool:
    """Whether the number touches no letter: "7am" and "b12" are not answers."""
    return not (before[-1:].isalnum() or after[:1].isalnum())


def _only_fillers(part: str, known: Iterable[Answers]) -> bool:
    """Whether a part adds nothing to the number. A sign such as - + % or < always adds something."""
    return all(char in _HARMLESS or not _is_sign(char) for char in part) and all(
        any(word in answers.fillers for answers in known) for word in exact_words(part)
    )


def _is_sign(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "PS" and category != "So"
