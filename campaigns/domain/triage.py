"""Whether a reply needs a person now. Rules only raise; nothing here lowers a rank to none or closes a case.

Every text is searched for red flags in all the languages of the lexicon, opt-outs included, before
anything else is made of it. A denied term ("no fever") is still a hit: at most it becomes urgent instead
of an emergency, in a reply of one clause whose only hit it is; breathing, collapse, chest and crisis
never drop. Numbers and answers have thresholds that the clinic may set.

Urgency: `emergency`, an automatic safety text and an alert at once; `urgent`, a person looks the same
day. Which words point where follows the table of red flags and actions for British Columbia (draft, to be
signed by a clinician); the lexicon is data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from campaigns.domain.answering import Answer
from campaigns.domain.borrowing import is_abroad
from campaigns.domain.denial import is_denied
from campaigns.domain.folding import words
from campaigns.domain.lexicon import Lexicon, Rule, base_language
from campaigns.domain.matching import Span
from campaigns.domain.replies import Expects, Parsed, parse


class Urgency(StrEnum):
    """How soon a person must look."""

    EMERGENCY = "emergency"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From where on a person looks: pain 0 to 10, its rise since the last answer, change 1 to 7 (worst)."""

    pain: int = 8
    pain_rise: int = 3
    change: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What was found. `rule` and `group` are those of the gravest finding, empty where there is none.

    `matched` are the patient's own words, folded, and `denied` those of them that stand behind a
    negation; `groups` and `rules` hold every finding, gravest first. A `crisis` among the groups asks for
    the 9-8-8 text.
    """

    urgency: Urgency | None = None
    rule: str = ""
    group: str = ""
    matched: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    rule: Rule
    span: Span
    denied: bool


NEVER_DROP = frozenset({"resp", "crisis"})
"""Groups in which a denied term stays an emergency."""

_GRAVEST_FIRST = ("crisis", "resp", "allergy", "bleed", "neuro", "infect", "distress")
_CLAUSE_END = re.compile(r"[.,;:!?\n…،؛؟。、！？।]\s*\S")
_JOINING_WORDS = frozenset(
    word
    for listed in (
        "and but though however et mais pero aunque ale але та и но",
        "لكن بس ولكن ولی اما vali",
        "पर ਪਰ lekin लेकिन magar मगर ਤੇ ਅਤੇ aur और",
        "kaso kasi và nhưng mà",
    )
    for word in words(listed)
)


def assess(
    text: str,
    *,
    language: str,
    question: str = "",
    answer: Answer | None = None,
    previous_answer: int | None = None,
    lexicon: Lexicon,
    thresholds: Thresholds | None = None,
) -> Assessment:
    """Assess a reply. `answer` is what the parser made of it, `previous_answer` the one before it.

    `language` is the patient's: it decides only which negations are understood.
    """
    hits = _sorted(_hits(text, language, lexicon))
    raised = _by_answer(question, answer, previous_answer, thresholds or Thresholds())
    if not hits:
        return (
            Assessment(urgency=Urgency.URGENT, rule=raised, group="answer", rules=(raised,))
            if raised
            else Assessment()
        )
    emergency = not _only_denied(text, hits) and any(hit.rule.urgency == Urgency.EMERGENCY for hit in hits)
    return Assessment(
        urgency=Urgency.EMERGENCY if emergency else Urgency.URGENT,
        rule=hits[0].rule.id,
        group=hits[0].rule.group,
        matched=_unique(hit.span.surface for hit in hits),
        denied=_unique(hit.span.surface for hit in hits if hit.denied),
        groups=_unique(hit.rule.group for hit in hits),
        rules=_unique([*(hit.rule.id for hit in hits), *([raised] if raised else ())]),
    )


def _hits(text: str, language: str, lexicon: Lexicon) -> list[_Hit]:
    spoken = lexicon.spoken(language)
    read = lexicon.danger.index.read(text, spoken)
    negators = lexicon.negators_for(language)
    abroad = is_abroad(read.typed, english=base_language(language) == "en")
    found = [
        (lexicon.danger.owners[number], span)
        for number, span in lexicon.danger.index.search(read, spoken)
        if abroad or not lexicon.danger.owners[number].abroad
    ]
    denied = {place: is_denied(read, place, negators) for place in {span.place for _, span in found}}
    return [_Hit(rule=rule, span=span, denied=denied[span.place]) for rule, span in found]


def _only_denied(text: str, hits: list[_Hit]) -> bool:
    """Whether the one thing found is denied, in a single clause, in a group where that may count."""
    places = {(hit.span.place.first, hit.span.place.last) for hit in hits}
    may_drop = not any(hit.rule.group in NEVER_DROP for hit in hits)
    # In Chinese a run of letters is one place: "no fever but pus" must not pass for a denial.
    denied = all(hit.denied for hit in hits if hit.rule.urgency == Urgency.EMERGENCY)
    return len(places) == 1 and denied and may_drop and _is_one_clause(text)


def _is_one_clause(text: str) -> bool:
    return not _CLAUSE_END.search(text) and not _JOINING_WORDS.intersection(words(text))


def _sorted(hits: list[_Hit]) -> list[_Hit]:
    def rank(hit: _Hit) -> tuple[bool, int, bool, int]:
        group = (
            _GRAVEST_FIRST.index(hit.rule.group) if hit.rule.group in _GRAVEST_FIRST else len(_GRAVEST_FIRST)
        )
        return hit.rule.urgency != Urgency.EMERGENCY, group, hit.rule.abroad, hit.span.place.start

    return sorted(hits, key=rank)


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _by_answer(question: str, answer: Answer | None, previous: int | None, limits: Thresholds) -> str:
    """The rule that an answer trips, or an empty text.

    Yes on the side-effect screen; not ready, or not coming, so that somebody rings; a pill that was
    taken trips nothing here: staff are told when they can.
    """
    match question, answer:
        case "pain", int(score) if score >= limits.pain:
            return "answer.pain_high"
        case "pain", int(score) if previous is not None and score - previous >= limits.pain_rise:
            return "answer.pain_rise"
        case "change", int(score) if score >= limits.change:
            return "answer.much_worse"
        case (("side_effects" | "screen"), "yes"):
            return "answer.side_effects"
        case (("ready" | "confirm"), "no"):
            return f"answer.not_{question}"
    return ""


_QUESTION_OF = {Expects.NRS: "pain", Expects.CHANGE: "change", Expects.YES_NO: "screen", Expects.NONE: ""}


def understand(
    text: str, *, language: str, expects: Expects, question: str = "", lexicon: Lexicon
) -> tuple[Parsed, Assessment]:
    """Parse and assess. Without a question the strictest reading holds: pain, or the safety screen."""
    asked = question or _QUESTION_OF[expects]
    parsed = parse(text, language=language, expects=expects, question=asked, lexicon=lexicon)
    found = assess(text, language=language, question=asked, answer=parsed.answer, lexicon=lexicon)
    return parsed, found


def report(text: str, *, language: str, expects: str, question: str = "", lexicon: Lexicon) -> dict[str, Any]:
    """What a reply would do, as `triage` prints it. Raises ValueError for an unknown `expects`."""
    parsed, found = understand(
        text, language=language, expects=Expects(expects), question=question, lexicon=lexicon
    )
    return {
        "keyword": parsed.keyword,
        "answer": parsed.answer,
        "language": parsed.keyword_language,
        "urgency": found.urgency,
        "matched": list(found.matched),
        "parser": parsed.parser,
        "problem": parsed.problem,
        "rules": list(found.rules),
        "also_asks_visit": parsed.also_asks_visit,
    }
