"""Which sequences fit a course, by what those that ship wait for, and in which order a patient meets them."""

from __future__ import annotations

import pytest

from campaigns.domain.suggesting import Why, in_order, suggest
from campaigns.domain.visits import VisitKind
from campaigns.queries import sequence_files

BOTH = set(VisitKind)
FITTING = {
    "welcome": Why.AT_ONCE,
    "previsit": Why.BEFORE_CONSULTATION,
    "pretreatment": Why.BEFORE_TREATMENT,
    "aftercare": Why.AFTER_TREATMENT,
    "missed_visit": Why.IF_MISSED,
    "course_end": Why.AFTER_COURSE,
}


@pytest.mark.parametrize(
    ("kinds", "followed", "not_fitting"),
    [
        (BOTH, set(), {}),
        (BOTH, {"welcome", "aftercare"}, {"welcome": Why.HAD_IT}),
        ({VisitKind.SESSION}, set(), {"previsit": Why.NO_CONSULTATION}),
        (
            {VisitKind.CONSULTATION},
            set(),
            {"pretreatment": Why.NO_TREATMENT, "aftercare": Why.NO_TREATMENT},
        ),
        (set(), set(), dict.fromkeys(FITTING.keys() - {"welcome"}, Why.NO_VISIT)),
    ],
)
def test_what_fits(kinds: set[VisitKind], followed: set[str], not_fitting: dict[str, Why]) -> None:
    found = suggest(sequence_files.load_all().values(), kinds, followed)
    assert {one.sequence: one.why for one in found} == FITTING | not_fitting
    assert {one.sequence for one in found if not one.fits} == set(not_fitting)


def test_they_stand_in_the_order_in_which_a_patient_meets_them() -> None:
    assert [one.key for one in in_order(sequence_files.load_all().values())] == list(FITTING)
