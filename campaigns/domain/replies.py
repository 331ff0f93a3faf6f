"""What a patient's reply says: a keyword, an answer to the open question, or neither. Never a guess.

Keywords count only as the whole message. An answer counts only where nothing else can be meant; otherwise
the result says why not, and the patient is asked once more. Nothing here looks at danger: see `triage`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from campaigns.domain.answering import (
    LONGEST_POLITE,
    Answer,
    Problem,
    Reading,
    drop_scale,
    read_number,
    read_yes_no,
)
from campaigns.domain.folding import exact_words, fold, marks, word_pairs, words
from campaigns.domain.languages import canonical
from campaigns.domain.lexicon import BACK, CALL, LEAVE, STAY, Answers, Lexicon, Rule, Search, accents, key

PARSER_VERSION = "6"
"""Rises with every change of the rules below; the lexicon has a version of its own."""


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

_POLITE_RUN = re.compile("唔该|麻烦|可唔可以|可不可以|能不能|好不好|行不行")
"""Please, and may I, in signs that alone say not and bother."""
_LONGEST_RETURN = 160
"""Letters of a sentence that wants our messages again."""
_LONGEST_WISH = 80
"""Letters of a sentence that is about the language of our messages and nothing else."""

_JOINED = re.compile("[\u1100-\u11ff\u3130-\u318f\u4e00-\u9fff\uac00-\ud7af]")
"""Chinese and Korean letters: words are written together, or with what follows them."""

_CLAUSE = re.compile(r"[,;:!?…\n，。！？、；：؛،।()]+|\.(?!\d)|(?<=\d)\s+(?!\d)|(?<=[分점])\s*(?!\d)")
"""Where a text with a number may be taken apart."""

_GOES_ON = re.compile("\\s*\\n\\s*(?=[a-zà-ÿа-яєіїґ])")
"""A line that goes on in small letters: no clause ends there."""
_SENTENCE = re.compile(r"[^.!?,;\n…。！？，；؛،।؟—–]+[.!?,;\n…。！？，；؛،।؟—–]*")
"""A clause, with the signs that end it."""

_RANGES = {Expects.NRS: range(11), Expects.CHANGE: range(1, 8)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a reply was understood as.

    `keyword_language` is the language of the word that was used (ARRET is answered in French whatever the
    patient's language), and for LANGUAGE the language asked for. `answer` is a number, "yes" or "no";
    `problem` says why there is none although one was expected. `also_asks_visit`: the opt-out word may
    have meant the visit. `in_free_words`: the wish stands in a sentence, of which a person reads the rest.
    `wrong_person`: it says that the number is not the patient's, or asks who writes; whatever else it says.
    `may_stop`: an opt-out word stands by itself in it, but in a question, or as an answer to ours.
    """

    keyword: Keyword | None = None
    keyword_language: str | None = None
    answer: Answer | None = None
    problem: Problem | None = None
    also_asks_visit: bool = False
    asks_call: bool = False
    in_free_words: bool = False
    wrong_person: bool = False
    may_stop: bool = False
    parser: str = PARSER_VERSION


def version(lexicon: Lexicon) -> str:
    """The version to keep with a reply: of the rules and of the words."""
    return f"{PARSER_VERSION}-{lexicon.version}"


def parse(
    text: str, *, language: str, expects: Expects = Expects.NONE, question: str = "", lexicon: Lexicon
) -> Parsed:
    """Understand one reply. `question` is the id of the open question; an unknown id is taken as a screen."""
    spoken = _without_polite([word for word in words(text) if not _is_symbol(word)], lexicon.polite)
    keyword = _keyword(text, spoken, language, lexicon, asked=expects is not Expects.NONE)
    if keyword and keyword.keyword:
        numbers = " ".join(word for word in spoken if word.isdecimal())
        answer = _read(numbers, language, expects, question, lexicon).answer
        found = replace(keyword, answer=answer)
    else:
        found = (
            keyword
            or _leaving(text, language, lexicon)
            or _stop_clause(text, language, lexicon)
            or _answer_or_wish(text, " ".join(spoken), language, expects, question, lexicon)
        )
    doubted = found.answer is None and (
        " ".join(spoken) in lexicon.who_is_it or _says(text, lexicon.wrong_person)
    )
    may_stop = found.keyword is None and found.answer is None and _may_stop(text, spoken, lexicon)
    return replace(found, parser=version(lexicon), wrong_person=doubted, may_stop=may_stop)


def _may_stop(text: str, spoken: list[str], lexicon: Lexicon) -> bool:
    """Whether an opt-out word is all of a text that was not obeyed, or one clause of it: a person decides."""
    if " ".join(spoken) in lexicon.stop_unless_asked:
        return True
    clauses = (words(clause) for clause in _SENTENCE.findall(_GOES_ON.sub(" ", text)))
    return any(
        " ".join(_without_polite(said, lexicon.polite)) in lexicon.stop_first for said in clauses if said
    )


def _says(text: str, phrases: Iterable[str]) -> bool:
    """Whether one of the phrases stands in the text: as whole words, but in scripts that join words."""
    message = key(text)
    spaced, joined = f" {message} ", message.replace(" ", "")
    return any(
        phrase.replace(" ", "") in joined if _JOINED.match(phrase) else f" {phrase} " in spaced
        for phrase in phrases
    )


def _answer_or_wish(
    text: str, message: str, language: str, expects: Expects, question: str, lexicon: Lexicon
) -> Parsed:
    reading = _read(text, language, expects, question, lexicon)
    if reading.answer is not None:
        return Parsed(answer=reading.answer)
    if message in lexicon.language_names or message in lexicon.language_words:
        wanted = lexicon.language_names.get(message, (None,))[0]
        return Parsed(keyword=Keyword.LANGUAGE, keyword_language=wanted)
    return replace(_asking(text, language, lexicon), problem=reading.problem)


def _asking(text: str, language: str, lexicon: Lexicon) -> Parsed:
    """A wish for a call or for another language, in a word or in a sentence."""
    message = key(text)
    wishes = [rule.group for rule in _found(text, language, lexicon, lexicon.asking)]
    if BACK in wishes and _wants_back(text, language, lexicon):
        tag = canonical(lexicon.spoken(language)[0] if lexicon.spoken(language) else "en")
        return Parsed(keyword=Keyword.START, keyword_language=tag, in_free_words=True)
    tongues = [wish for wish in wishes if wish not in (CALL, BACK)]
    if len(set(tongues)) == 1 and len(message) <= _LONGEST_WISH:
        return Parsed(keyword=Keyword.LANGUAGE, keyword_language=tongues[0], in_free_words=True)
    called = " ".join(_without_polite(message.split(), lexicon.polite)) in lexicon.call
    return Parsed(asks_call=called or CALL in wishes)


def _wants_back(text: str, language: str, lexicon: Lexicon) -> bool:
    """Whether a sentence that asks for the messages again says nothing else: no "not", no word that stops."""
    message = " ".join(_without_polite(words(text), lexicon.polite))
    if len(message) > _LONGEST_RETURN:
        return False
    if any(rule.group == LEAVE for rule in _found(text, language, lexicon, lexicon.leaving)):
        return False
    negators = lexicon.negators_for(language)
    refusals = {" ".join(phrase) for phrase in (*negators.before, *negators.after)} | lexicon.stop_first
    for tag in lexicon.spoken(language):
        refusals |= lexicon.refusals.get(canonical(tag), frozenset())
    return not _says(_POLITE_RUN.sub("", message), refusals)


def _keyword(text: str, spoken: list[str], language: str, lexicon: Lexicon, *, asked: bool) -> Parsed | None:
    stop = _stop_word(spoken, lexicon)
    if stop and _is_meant(stop, text, language, lexicon):
        if asked and stop in lexicon.stop_unless_asked and not accents(text):
            return Parsed(problem=Problem.AMBIGUOUS)
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


def _is_meant(stop: str, text: str, language: str, lexicon: Lexicon) -> bool:
    """Whether an opt-out word is one here: "đúng" is right and not "dừng".

    A single Latin letter (T, in Chinese) counts for patients of its language: for others it is a slip.
    """
    if stop in lexicon.marked and accents(text):
        return _accents_of(stop, text) in lexicon.marked[stop]
    if len(stop) == 1 and stop.isascii():
        return canonical(language) in lexicon.stop[stop]
    return True


def _accents_of(stop: str, text: str) -> str:
    """The accents of the opt-out word alone: a polite word beside it ("ngưng ạ") has accents of its own."""
    pairs, wanted = word_pairs(text), stop.split()
    for first in range(len(pairs) - len(wanted) + 1):
        part = pairs[first : first + len(wanted)]
        if [plainly for plainly, _ in part] == wanted:
            return " ".join(found for _, typed in part if (found := marks(typed)))
    return accents(text)


def _leaving(text: str, language: str, lexicon: Lexicon) -> Parsed | None:
    """An opt-out in free words: a sentence that wants no more messages, and says so of messages."""
    found = _found(text, language, lexicon, lexicon.leaving)
    if not found or any(rule.group == STAY for rule in found):
        return None
    tag = canonical(found[0].id.partition(".")[0])
    return Parsed(keyword=Keyword.STOP, keyword_language=tag, in_free_words=True)


def _stop_clause(text: str, language: str, lexicon: Lexicon) -> Parsed | None:
    """An opt-out word as the first clause of a longer text, or in capitals as the last: it is obeyed, and a
    person reads the rest. A question ("stop? or go on") is none."""
    if text.rstrip().endswith(("?", "？", "؟")):
        return None
    joined = _GOES_ON.sub(" ", text)
    clauses = [clause for clause in _SENTENCE.findall(joined) if words(clause)]
    first, last = clauses[:1], clauses[-1:] if len(clauses) > 1 else []
    for clause in (*first, *(one for one in last if one.upper() == one)):
        stop = " ".join(_without_polite(words(clause), lexicon.polite))
        if len(clauses) > 1 and stop in lexicon.stop_first and not clause.endswith(("?", "？", "؟")):
            tag = _language_of(lexicon.stop.get(stop, (canonical(language),)), language)
            return Parsed(keyword=Keyword.STOP, keyword_language=tag, in_free_words=True)
    return None


def _found(text: str, language: str, lexicon: Lexicon, search: Search) -> list[Rule]:
    """The rules of which a term stands in a text, those of the patient's language first."""
    spoken = lexicon.spoken(language)
    read = search.index.read(text, spoken)
    rules = [search.owners[number] for number, _ in search.index.search(read, spoken)]
    return sorted(rules, key=lambda rule: rule.id.partition(".")[0] not in spoken)


def _is_symbol(word: str) -> bool:
    return len(word) == 1 and not word.isalnum()


def _language_of(listed: Sequence[str], patient: str) -> str:
    """The language of a keyword; where several share the word, the patient's own if it is among them."""
    tag = canonical(patient)
    return tag if tag in listed else listed[0]


def _without_polite(spoken: list[str], polite: Collection[str]) -> list[str]:
    """The words without polite ones at either end; the last one stays."""
    first, end = 0, len(spoken)
    while taken := _polite_end(spoken, first, end, polite):
        first, end = first + taken[0], end - taken[1]
    return spoken[first:end]


def _polite_end(spoken: list[str], first: int, end: int, polite: Collection[str]) -> tuple[int, int] | None:
    """How many words between two places are polite: at the beginning, or else at the end."""
    for size in range(min(LONGEST_POLITE, end - first - 1), 0, -1):
        if key(" ".join(spoken[first : first + size])) in polite:
            return size, 0
        if key(" ".join(spoken[end - size : end])) in polite:
            return 0, size
    return None


def _stop_word(spoken: list[str], lexicon: Lexicon) -> str | None:
    """The opt-out word if it is the whole message, or all but a number: "7 STOP" opts out and scores."""
    for message in (" ".join(spoken), " ".join(word for word in spoken if not word.isdecimal())):
        if message in lexicon.stop:
            return message
    return None


def _read(text: str, language: str, expects: Expects, question: str, lexicon: Lexicon) -> Reading:
    known = lexicon.answers_for(language)
    if expects is Expects.NONE:
        return Reading()
    if expects is Expects.YES_NO:
        if _says(text, lexicon.unsure):
            return Reading(problem=Problem.AMBIGUOUS)
        return _yes_no(text, known, lexicon, ready=question in READINESS)
    allowed = _RANGES[expects]
    found = _number(text, allowed, known, lexicon)
    if found.answer is None and question == "pain":
        return next(_said_twice(text, allowed, known, lexicon), found)
    return found


def _yes_no(text: str, known: Sequence[Answers], lexicon: Lexicon, *, ready: bool) -> Reading:
    """Yes or no. Thanks to God beside a no to a safety question change nothing; beside a yes they might mean
    that all is well."""
    said = exact_words(text)
    found = read_yes_no(_without_polite(said, lexicon.polite), known, ready=ready)
    if found.answer is None and not ready:
        other = read_yes_no(_without_polite(said, lexicon.beside_numbers), known, ready=ready)
        return other if other.answer == "no" else found
    return found


def _number(text: str, allowed: range, known: Sequence[Answers], lexicon: Lexicon) -> Reading:
    folded = drop_scale(fold(text), allowed[-1], known)
    spoken = _without_joined(_without_polite(exact_words(folded), lexicon.beside_numbers), lexicon)
    return read_number(folded, spoken, allowed, known, lexicon.beside_numbers)


def _said_twice(text: str, allowed: range, known: Sequence[Answers], lexicon: Lexicon) -> Iterator[Reading]:
    """A number of pain, and a clause beside it that says the same: "0, no pain at all"."""
    clauses = [clause for clause in _CLAUSE.split(fold(text)) if clause.strip()]
    said = [" ".join(_without_polite(words(clause), lexicon.beside_numbers)) for clause in clauses]
    for number, phrases in lexicon.same_as.items():
        rest = [clause for clause, phrase in zip(clauses, said, strict=True) if phrase not in phrases]
        if len(rest) < len(clauses):
            found = _number(" ".join(rest), allowed, known, lexicon)
            if found.answer == number:
                yield found


def _without_joined(spoken: list[str], lexicon: Lexicon) -> list[str]:
    """The words without what is polite at either end of a run that has no spaces: 七分唔該."""
    if not spoken:
        return spoken
    last = spoken[-1]
    for size in (4, 3, 2):
        if len(last) > size and _JOINED.match(last[-size:]) and key(last[-size:]) in lexicon.beside_numbers:
            return _without_joined([*spoken[:-1], last[:-size]], lexicon)
    return spoken
