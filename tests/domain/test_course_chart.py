"""Answers plotted against a course: inside the picture, in order, and no line through what nobody said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.course_chart import MOST_TICKS, Asked, Drawing, Stop, draw

DAYS = st.integers(-400, 800)
ASKED = st.lists(st.builds(Asked, DAYS, st.none() | st.integers(0, 10)), min_size=1, max_size=8)
VISITS = st.lists(st.builds(Stop, st.integers(1, 20), DAYS, st.booleans(), st.booleans()), max_size=8)


def drawn(*asked: Asked, visits: tuple[Stop, ...] = (), flare_days: int = 7) -> Drawing:
    found = draw({"pain": asked}, visits, flare_days)
    assert found is not None
    return found


def test_nothing_asked_is_no_picture() -> None:
    assert draw({}, [Stop(1, 0)], 7) is None
    assert draw({"pain": []}, [Stop(1, 0)], 7) is None


@pytest.mark.parametrize(
    ("values", "runs", "gaps"),
    [
        ((5,), [[5]], 0),
        ((5, 3), [[5, 3]], 0),
        ((5, None, 3), [[5], [3]], 1),
        ((None, None), [], 2),
        ((0, 10, None), [[0, 10]], 1),
    ],
)
def test_a_question_without_an_answer_breaks_the_line(
    values: tuple[int | None, ...], runs: list[list[int]], gaps: int
) -> None:
    line = drawn(*(Asked(day, value) for day, value in enumerate(values))).lines["pain"]
    assert [[point.value for point in run] for run in line.runs] == runs
    assert len(line.gaps) == gaps


def test_more_pain_stands_higher_and_later_stands_further_on() -> None:
    early, late = drawn(Asked(14, 2), Asked(0, 9)).lines["pain"].runs[0]
    assert (early.value, late.value) == (9, 2)
    assert early.x < late.x
    assert early.y < late.y


def test_only_what_can_leave_somebody_sore_is_shaded_and_for_as_long_as_the_clinic_says() -> None:
    visits = (Stop(1, 0), Stop(2, 28, flares=True), Stop(3, 56, booked=True))
    short, long = (drawn(Asked(60, 4), visits=visits, flare_days=days) for days in (2, 10))
    [(begins, narrow)], [(_, wide)] = short.flares, long.flares
    assert begins == short.visits[1].x
    assert wide == pytest.approx(5 * narrow, abs=0.5)
    assert [visit.booked for visit in short.visits] == [False, False, True]


@given(ASKED, ASKED, VISITS, st.integers(0, 30))
def test_everything_lies_inside_the_picture(
    pain: list[Asked], function: list[Asked], visits: list[Stop], flare_days: int
) -> None:
    found = draw({"pain": pain, "function": function}, visits, flare_days)
    assert found is not None
    points = [point for line in found.lines.values() for run in line.runs for point in run]
    gaps = [x for line in found.lines.values() for x in line.gaps]
    across = [*(p.x for p in points), *gaps, *(v.x for v in found.visits), *(x for x, _ in found.days)]
    assert all(found.left <= x <= found.right for x in across)
    assert all(found.top <= point.y <= found.bottom for point in points)
    assert all(w >= 0 and found.left <= x and x + w <= found.right + 0.2 for x, w in found.flares)
    assert len(points) + len(gaps) == len(pain) + len(function)
    assert len(found.days) <= MOST_TICKS + 1
