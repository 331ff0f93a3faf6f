"""Which sequences fit a course, and why: by what their steps wait for, whatever the treatment is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from campaigns.domain.steps import Anchor, Sequence
from campaigns.domain.visits import VisitKind


class Why(StrEnum):
    """Why a sequence is suggested, or is not."""

    AT_ONCE = "at_once"
    BEFORE_CONSULTATION = "before_consultation"
    BEFORE_TREATMENT = "before_treatment"
    BEFORE_VISIT = "before_visit"
    AFTER_CONSULTATION = "after_consultation"
    AFTER_TREATMENT = "after_treatment"
    AFTER_VISIT = "after_visit"
    IF_MISSED = "if_missed"
    AFTER_COURSE = "after_course"
    NO_CONSULTATION = "no_consultation"
    NO_TREATMENT = "no_treatment"
    NO_VISIT = "no_visit"
    HAD_IT = "had_it"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One sequence: whether it fits, and why."""

    sequence: str
    fits: bool
    why: Why


_ORDER = (
    Anchor.ENROLLMENT,
    Anchor.VISIT_START,
    Anchor.VISIT_COMPLETED,
    Anchor.VISIT_GAP,
    Anchor.VISIT_MISSED,
    Anchor.COURSE_COMPLETED,
    Anchor.ANSWER,
)
_ABOUT_VISITS = frozenset({Anchor.VISIT_START, Anchor.VISIT_COMPLETED, Anchor.VISIT_GAP, Anchor.VISIT_MISSED})
_BEFORE = {
    VisitKind.CONSULTATION: Why.BEFORE_CONSULTATION,
    VisitKind.SESSION: Why.BEFORE_TREATMENT,
    None: Why.BEFORE_VISIT,
}
_AFTER = {
    VisitKind.CONSULTATION: Why.AFTER_CONSULTATION,
    VisitKind.SESSION: Why.AFTER_TREATMENT,
    None: Why.AFTER_VISIT,
}
_WITHOUT = {VisitKind.CONSULTATION: Why.NO_CONSULTATION, VisitKind.SESSION: Why.NO_TREATMENT}


def in_order(sequences: Iterable[Sequence]) -> list[Sequence]:
    """Sequences as a patient meets them: at the start, before visits, after them, at the end."""
    return sorted(sequences, key=lambda one: (_ORDER.index(one.steps[0].anchor), _first_visit(one)))


def _first_visit(sequence: Sequence) -> bool:
    """A consultation comes before the treatments."""
    return sequence.steps[0].only_if.visit_kind is not VisitKind.CONSULTATION


def suggest(
    sequences: Iterable[Sequence], kinds: Collection[VisitKind], followed: Collection[str] = ()
) -> list[Suggestion]:
    """What fits a course with visits of these kinds, for a patient who followed these sequences before. What
    is said once to a patient, when they are enrolled, is not said to them again."""
    return [_suggestion(sequence, kinds, followed) for sequence in sequences]


def _suggestion(sequence: Sequence, kinds: Collection[VisitKind], followed: Collection[str]) -> Suggestion:
    first = sequence.steps[0]
    if first.anchor is Anchor.ENROLLMENT:
        had_it = sequence.key in followed
        return Suggestion(sequence.key, not had_it, Why.HAD_IT if had_it else Why.AT_ONCE)
    if first.anchor is Anchor.COURSE_COMPLETED:
        return Suggestion(sequence.key, bool(kinds), Why.AFTER_COURSE if kinds else Why.NO_VISIT)
    missing = _missing(sequence, kinds)
    if missing is not None:
        return Suggestion(sequence.key, False, missing)
    return Suggestion(sequence.key, True, _fitting(sequence))


def _missing(sequence: Sequence, kinds: Collection[VisitKind]) -> Why | None:
    """What the course would need for any step about a visit to be owed."""
    wanted = {step.only_if.visit_kind for step in sequence.steps if step.anchor in _ABOUT_VISITS}
    if not kinds:
        return Why.NO_VISIT
    if None in wanted or wanted & set(kinds):
        return None
    return _WITHOUT.get(next(iter(wanted), None) or VisitKind.SESSION)


def _fitting(sequence: Sequence) -> Why:
    first = sequence.steps[0]
    if first.anchor is Anchor.VISIT_MISSED:
        return Why.IF_MISSED
    side = _BEFORE if first.anchor is Anchor.VISIT_START else _AFTER
    return side[first.only_if.visit_kind]
