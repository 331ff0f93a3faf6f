"""What changes of the word lists would do before anybody approves them: tried on labelled replies that ship,
and on the last replies of the clinic. Nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from campaigns.domain import own_words
from campaigns.domain.folding import exact_words
from campaigns.domain.languages import SUPPORTED, canonical
from campaigns.domain.lexicon import Lexicon, answer_key
from campaigns.domain.measuring import Score, measure, together
from campaigns.domain.own_words import SHARED, Change, Kind, takes_terms, term_of
from campaigns.domain.replies import EXPECTED, Expects
from campaigns.domain.triage import understand
from campaigns.domain.word_index import Vocabulary, build_index
from campaigns.models import Clinic, Reply
from campaigns.queries import lexicons

LAST = 200
"""Stored replies that a change is tried on."""
SHOWN = 20
"""Replies of one kind that are listed; all are counted."""
COMMON = 0.05
"""A term that stands in more than this share of past replies is a word of every day."""
FEWEST = 20
"""Past replies below which a share says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One reply to read: `question` is empty where none was open. `patient` is whose words they are."""

    text: str
    language: str
    question: str = ""
    patient: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reply would be taken for."""

    urgency: str = ""
    keyword: str = ""
    language: str = ""
    answer: str = ""
    asks_call: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How one reply is read, with the words that fired and their rules, gravest first."""

    reading: Reading
    matched: tuple[str, ...]
    rules: tuple[str, ...]
    parser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One reply that would be read differently."""

    text: str
    language: str
    before: Reading
    after: Reading
    patient: UUID | None = None


class Concern(StrEnum):
    """What somebody should think about before they approve a word."""

    COMMON = "common"
    ALSO = "also"
    FEWER = "fewer"
    FALSE_ALARMS = "false_alarms"
    FALSE_STOPS = "false_stops"
    WRONG = "wrong"
    HIDES = "hides"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """A concern: about a word, with another list (`entry`) or figures where it has some."""

    concern: Concern
    word: str = ""
    entry: str = ""
    number: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Scores on the labelled replies, before and after; which replies would be read differently, the first of
    them, and how many of how many."""

    before: Score
    after: Score
    labelled: tuple[Difference, ...]
    labelled_changed: int
    labelled_total: int
    past: tuple[Difference, ...]
    past_changed: int
    past_total: int
    warnings: tuple[Caution, ...]

    @property
    def whose(self) -> list[UUID]:
        """The patients whose words are listed."""
        return [one.patient for one in self.past if one.patient]


def read(case: Case, lexicon: Lexicon) -> Tried:
    """Understand one reply as the service would, an earlier answer aside."""
    expects = EXPECTED.get(case.question, Expects.NONE)
    parsed, found = understand(
        case.text, language=case.language, expects=expects, question=case.question, lexicon=lexicon
    )
    reading = Reading(
        urgency=found.urgency or "",
        keyword=parsed.keyword or "",
        language=parsed.keyword_language or "",
        answer="" if parsed.answer is None else str(parsed.answer),
        asks_call=parsed.asks_call,
    )
    return Tried(reading=reading, matched=found.matched, rules=found.rules, parser=parsed.parser)


def effects(clinic: Clinic, changes: Sequence[Change]) -> Effects:
    """What these changes would do: those in force taken out of it, the others put into force."""
    in_force = lexicons.approved(clinic)
    new = tuple(change for change in changes if change not in in_force)
    then = (*(change for change in in_force if change not in changes), *new)
    before, after = lexicons.of(clinic), lexicons.with_changes(then).lexicon
    labelled = _labelled(changes)
    past = _past(clinic)
    scores = [together(measure(labelled, lexicon)) for lexicon in (before, after)]
    texts = [Case(text=one["text"], language=one["language"], question=one["question"]) for one in labelled]
    changed, changed_past = _differences(texts, before, after), _differences(past, before, after)
    warnings = [
        *_about_scores(*scores),
        *(warning for change in new for warning in _about(clinic, change, past)),
    ]
    return Effects(
        before=scores[0],
        after=scores[1],
        labelled=tuple(changed[:SHOWN]),
        labelled_changed=len(changed),
        labelled_total=len(texts),
        past=tuple(changed_past[:SHOWN]),
        past_changed=len(changed_past),
        past_total=len(past),
        warnings=tuple(warnings),
    )


def _labelled(changes: Iterable[Change]) -> list[lexicons.Sample]:
    """The replies that ship in the languages of the changes, and in English, which everybody mixes in."""
    wanted = {"en-CA"}
    for change in changes:
        tag = change.entry.partition(".")[2] if change.language == SHARED else canonical(change.language)
        wanted |= {tag} if tag in SUPPORTED else set(SUPPORTED)
    return [sample for tag in SUPPORTED if tag in wanted for sample in lexicons.samples(tag)]


def _past(clinic: Clinic) -> list[Case]:
    """The last replies of the clinic, newest first, with the question that each answered."""
    rows = Reply.objects.filter(clinic=clinic).select_related("patient", "message")
    rows = rows.only("body", "language", "patient__language", "message__asks").order_by("-received_at")
    return [
        Case(
            text=row.body,
            language=row.patient.language if row.patient else row.language or "en-CA",
            question=row.message.asks if row.message else "",
            patient=row.patient_id,
        )
        for row in rows[:LAST]
    ]


def _differences(cases: Iterable[Case], before: Lexicon, after: Lexicon) -> list[Difference]:
    found = []
    for case in cases:
        old, new = read(case, before).reading, read(case, after).reading
        if old != new:
            found.append(
                Difference(
                    text=case.text, language=case.language, before=old, after=new, patient=case.patient
                )
            )
    return found


def _about_scores(before: Score, after: Score) -> Iterator[Caution]:
    """What got worse on replies whose right reading is known."""
    fewer = before.right.get("emergency", 0) - after.right.get("emergency", 0)
    if fewer > 0:
        yield Caution(concern=Concern.FEWER, number=fewer, total=after.total["emergency"])
    for concern, old, new in (
        (Concern.FALSE_ALARMS, before.false_alarms, after.false_alarms),
        (Concern.FALSE_STOPS, before.false_stops, after.false_stops),
        (Concern.WRONG, before.wrong_answers, after.wrong_answers),
    ):
        more = Counter(new) - Counter(old)
        if more:
            yield Caution(concern=concern, number=more.total(), word=next(iter(more)))


def _about(clinic: Clinic, change: Change, past: Sequence[Case]) -> Iterator[Caution]:
    """What one change should make somebody think of."""
    if own_words.needs_reason(change) and change.kind is Kind.ADD:
        yield Caution(concern=Concern.HIDES, word=change.word, entry=change.entry)
    if change.kind is Kind.REMOVE:
        return
    for entry in _also(clinic, change):
        yield Caution(concern=Concern.ALSO, word=change.word, entry=entry)
    number = sum(_stands_in(change, past))
    if len(past) >= FEWEST and number > COMMON * len(past):
        yield Caution(concern=Concern.COMMON, word=change.word, number=number, total=len(past))


def _also(clinic: Clinic, change: Change) -> list[str]:
    """The other lists of plain words, of this language and of the keywords, that hold the same word."""
    documents = lexicons.own(clinic).documents
    found = []
    for language in dict.fromkeys((change.language, SHARED)):
        for entry, words in own_words.lists(documents[language]).items():
            elsewhere = (language, entry) != (change.language, change.entry)
            if elsewhere and not takes_terms(entry) and own_words.holds(words, change.word):
                found.append(entry)
    return found


def _stands_in(change: Change, past: Sequence[Case]) -> Iterator[bool]:
    """For each past reply, whether the new word or term stands in it."""
    if not takes_terms(change.entry):
        said = f" {answer_key(change.word)} "
        yield from (said in f" {' '.join(exact_words(case.text))} " for case in past)
        return
    index = build_index([Vocabulary(change.language, (term_of(lexicons.shipped(), change),))])
    yield from (bool(index.search(index.read(case.text, ()), ())) for case in past)
