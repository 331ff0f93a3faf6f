"""The planner, rule by rule: visits that change, anchors and conditions, questions and answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from campaigns.domain.lifecycle import Reason
from campaigns.domain.schedule import (
    CourseFacts,
    CourseState,
    VisitFacts,
    VisitKind,
    VisitState,
)
from tests.domain.planning import (
    after,
    at,
    done,
    enrollment,
    identity,
    make,
    moved,
    reasons,
    sent,
    sequence,
    step_text,
    visit,
    walls,
)

VISIT = visit("2026-12-10 14:00")  # a Thursday


# Visits that change


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (VisitState.CANCELLED, Reason.VISIT_CANCELLED),
        (VisitState.NO_SHOW, Reason.VISIT_MISSED),
        (VisitState.COMPLETED, Reason.VISIT_DONE),
    ],
)
def test_a_visit_that_is_settled_needs_no_more_reminders(state: VisitState, reason: Reason) -> None:
    before = make(enrollment(VISIT))
    settled = replace(VISIT, state=state, settled_at=at("2026-12-01 09:00"))
    made = make(enrollment(settled), now="2026-12-01 09:00", standing=before.standing())
    assert (made.planned, reasons(made)) == ((), [("one", reason)])
    assert reasons(make(enrollment(settled), now="2027-12-01 09:00")) == [("one", reason)]


def test_what_had_expired_before_the_visit_was_settled_stays_expired() -> None:
    settled = replace(VISIT, state=VisitState.COMPLETED, settled_at=at("2026-12-10 15:00"))
    assert reasons(make(enrollment(settled), now="2026-12-10 15:00")) == [("one", Reason.EXPIRED)]


def test_a_moved_visit_keeps_what_was_sent_and_says_again_what_names_the_date() -> None:
    steps = sequence(step_text("once"), step_text("dated", repeat="once_per_visit_date"))
    first = make(enrollment(VISIT, follows=steps))
    later = moved(VISIT, "2026-12-17 14:00")
    made = make(
        enrollment(later, follows=steps), now="2026-12-08 12:00", history=[sent(m) for m in first.planned]
    )
    assert [(m.step, m.visit_version, m.send_at) for m in made.planned] == [
        ("dated", 2, at("2026-12-14 10:00"))
    ]


def test_a_moved_visit_moves_what_has_not_left() -> None:
    steps = sequence(step_text("once"), step_text("dated", repeat="once_per_visit_date"))
    first = make(enrollment(VISIT, follows=steps))
    made = make(
        enrollment(moved(VISIT, "2026-12-17 14:00"), follows=steps),
        now="2026-12-01 12:00",
        standing=first.standing(),
    )
    assert walls(made.planned) == [("dated", "2026-12-14 10:00"), ("once", "2026-12-14 10:00")]
    assert [(key.step, key.visit_version, reason) for key, reason in made.gone.items()] == [
        ("dated", 1, Reason.VISIT_MOVED)
    ]


def test_a_visit_in_the_past_plans_nothing() -> None:
    past = moved(VISIT, "2026-10-01 14:00")
    made = make(enrollment(past))
    assert (made.planned, reasons(made)) == ((), [("one", Reason.EXPIRED)])
    unknown = make(enrollment(past, enrolled_at=at("2026-10-15 09:00")))
    assert (unknown.planned, unknown.not_planned) == ((), ())


def test_a_visit_booked_twice_is_written_about_once() -> None:
    double = replace(VISIT, id=identity(200), number=2)
    for visits in ((VISIT, double), (double, VISIT)):
        made = make(enrollment(*visits))
        assert [m.visit for m in made.planned] == [VISIT.id]
        assert [(m.visit, m.reason) for m in made.not_planned] == [(double.id, Reason.SUPERSEDED)]


def test_each_visit_of_a_course_is_an_anchor_of_its_own() -> None:
    steps = sequence(
        step_text(only_if="{visit_kind: session}"), after("two", only_if="{visit_kind: session}")
    )
    visits = (
        visit("2026-11-20 09:00", 1, kind=VisitKind.CONSULTATION),
        done("2026-12-01 14:00", 2),
        visit("2026-12-10 14:00", 3),
        visit("2026-12-24 14:00", 4),
    )
    made = make(enrollment(*visits, follows=steps), now="2026-12-01 14:00")
    assert walls(made.planned) == [
        ("two", "2026-12-02 10:00"),
        ("one", "2026-12-07 10:00"),
        ("one", "2026-12-21 10:00"),
    ]


def test_a_later_session_overtakes_the_questions_about_an_earlier_one() -> None:
    steps = sequence(after(offset="{days: 14}"))
    both = (done("2026-12-01 14:00", 1), done("2026-12-09 14:00", 2))
    made = make(enrollment(*both, follows=steps), now="2026-12-09 14:00")
    assert [m.visit for m in made.planned] == [both[1].id]
    assert [(m.visit, m.reason) for m in made.not_planned] == [(both[0].id, Reason.SUPERSEDED)]


def test_once_per_course_goes_with_the_first_visit_only() -> None:
    steps = sequence(step_text(repeat="once_per_course"))
    made = make(enrollment(visit("2026-12-24 14:00", 2), VISIT, follows=steps))
    assert walls(made.planned) == [("one", "2026-12-07 10:00")]
    assert (made.planned[0].visit, made.planned[0].visit_version) == (None, 0)


# Anchors and conditions


def test_an_unknown_anchor_owes_nothing() -> None:
    steps = sequence(after(), after("two", anchor="course_completed", repeat="once_per_course"))
    unsettled = replace(VISIT, state=VisitState.COMPLETED, settled_at=None)
    made = make(enrollment(VISIT, replace(unsettled, id=identity(7)), follows=steps), now="2027-01-01 08:00")
    assert (made.planned, made.not_planned) == ((), ())


def test_enrollment_counts_from_its_own_moment() -> None:
    hello = after(anchor="enrollment", offset="{minutes: 0}", window=None, repeat="once_per_course")
    course = enrollment(follows=sequence(hello), enrolled_at=at("2026-12-06 13:00"))
    assert walls(make(course, now="2026-12-06 13:00").planned) == [
        ("one", "2026-12-07 09:00")
    ]  # after a Sunday
    weekday = enrollment(follows=sequence(hello), enrolled_at=at("2026-12-07 13:07"))
    assert walls(make(weekday, now="2026-12-07 13:07").planned) == [("one", "2026-12-07 13:07")]


def test_the_end_of_a_course_is_an_anchor() -> None:
    steps = sequence(after(anchor="course_completed", offset="{days: 14}", repeat="once_per_course"))
    ended = CourseFacts(state=CourseState.COMPLETED, visits=(), completed_at=at("2026-12-01 09:00"))
    made = make(enrollment(follows=steps, course=ended), now="2026-12-01 09:00")
    assert walls(made.planned) == [("one", "2026-12-15 10:00")]
    closed = replace(ended, state=CourseState.CLOSED)
    assert make(enrollment(follows=steps, course=closed), now="2026-12-01 09:00").planned == ()


def test_a_closed_course_needs_no_more_reminders_but_keeps_its_aftercare() -> None:
    steps = sequence(step_text(), after("two"))
    visits = (done("2026-12-01 14:00", 1), visit("2026-12-10 14:00", 2))
    closed = CourseFacts(state=CourseState.CLOSED, visits=visits)
    made = make(enrollment(follows=steps, course=closed), now="2026-12-01 15:00")
    assert [m.step for m in made.planned] == ["two"]
    assert [(m.step, m.visit, m.reason) for m in made.not_planned if m.visit == visits[1].id] == [
        ("one", visits[1].id, Reason.COURSE_CLOSED)
    ]


def test_a_missed_visit_is_an_anchor_until_it_turns_out_to_be_done() -> None:
    steps = sequence(
        after(anchor="visit_missed", offset="{hours: 2}", window=None, expires="{after: {days: 1}}")
    )
    missed = replace(VISIT, state=VisitState.NO_SHOW, settled_at=at("2026-12-10 15:00"))
    made = make(enrollment(missed, follows=steps), now="2026-12-10 15:00")
    assert walls(made.planned) == [("one", "2026-12-10 17:00")]
    after_all = done("2026-12-10 14:00", settled="2026-12-10 15:30")
    again = make(enrollment(after_all, follows=steps), now="2026-12-10 15:30", standing=made.standing())
    assert (again.planned, list(again.gone.values())) == ((), [Reason.VISIT_DONE])


@pytest.mark.parametrize(
    ("following", "found"),
    [
        ("2026-12-29 14:00", ["2026-12-15 10:00"]),  # 28 days after
        ("2026-12-28 14:00", []),  # 27 days: nothing is owed
        ("2027-01-08 14:00", ["2026-12-20 10:00"]),  # 38 days after
        (None, ["2026-12-22 10:00"]),
    ],
)
def test_halfway_to_the_next_visit(following: str | None, found: list[str]) -> None:
    steps = sequence(
        after(
            anchor="visit_gap",
            offset="{gap_fraction: 0.5, fallback_days: 21}",
            days="any",
            only_if="{gap_days_at_least: 28}",
        )
    )
    visits = [done("2026-12-01 14:00", 1)] + ([visit(following, 2)] if following else [])
    made = make(enrollment(*visits, follows=steps), now="2026-12-01 14:00")
    assert [wall for _, wall in walls(made.planned)] == found
    assert made.not_planned == ()


def test_a_nudge_goes_only_while_nothing_is_booked_and_the_course_is_open() -> None:
    steps = sequence(after(offset="{days: 14}", only_if="{no_next_visit: true, course_open: true}"))
    session = done("2026-12-01 14:00", 1)
    first = make(enrollment(session, follows=steps), now="2026-12-01 14:00")
    assert len(first.planned) == 1
    booked = make(
        enrollment(session, visit("2027-01-08 14:00", 2), follows=steps),
        now="2026-12-02 14:00",
        standing=first.standing(),
    )
    assert (booked.planned, booked.not_planned) == ((), ())
    assert list(booked.gone.values()) == [Reason.NOT_NEEDED]
    off = replace(visit("2027-01-08 14:00", 2), state=VisitState.CANCELLED, settled_at=at("2026-12-03 09:00"))
    assert len(make(enrollment(session, off, follows=steps), now="2026-12-03 14:00").planned) == 1
    over = CourseFacts(state=CourseState.COMPLETED, visits=(session,), completed_at=at("2026-12-03 09:00"))
    assert make(enrollment(follows=steps, course=over), now="2026-12-03 14:00").planned == ()


# Questions and answers

ASKED = sequence(
    after("first", asks="pain", group="day", days="any"),
    after(
        "again",
        offset="{days: 2}",
        asks="pain",
        group="day",
        days="any",
        only_if="{unanswered: first}",
        late="skip",
    ),
    after(
        "then",
        anchor="answer",
        follows="first",
        offset="{minutes: 0}",
        window=None,
        not_before='"08:00"',
        not_after='"21:00"',
        days="any",
        asks="nsaids_taken",
        group="day",
    ),
)


def answered(step: str, when: str, session: VisitFacts) -> dict[tuple[str, object], datetime]:
    return {(step, session.id): at(when)}


def test_an_answer_spares_the_second_asking_and_asks_what_follows() -> None:
    session = done("2026-12-01 14:00")
    first = make(enrollment(session, follows=ASKED), now="2026-12-01 14:00")
    assert walls(first.planned) == [("first", "2026-12-02 10:00"), ("again", "2026-12-03 10:00")]
    course = enrollment(session, follows=ASKED, answers=answered("first", "2026-12-02 10:30", session))
    made = make(course, now="2026-12-02 10:30", history=[sent(first.planned[0])], standing=first.standing())
    assert walls(made.planned) == [("then", "2026-12-02 10:30")]
    assert reasons(made) == [("again", Reason.ANSWERED)]


def test_an_answer_in_the_night_is_followed_up_in_the_morning() -> None:
    session = done("2026-12-01 14:00")
    course = enrollment(session, follows=ASKED, answers=answered("first", "2026-12-02 23:30", session))
    made = make(course, now="2026-12-02 23:30")
    assert ("then", "2026-12-03 08:00") in walls(made.planned)


def test_an_answer_to_the_second_asking_clears_the_first() -> None:
    session = done("2026-12-01 14:00")
    course = enrollment(session, follows=ASKED, answers=answered("again", "2026-12-02 09:00", session))
    assert ("first", Reason.ANSWERED) in reasons(make(course, now="2026-12-02 09:00"))


def test_an_answer_about_another_visit_clears_nothing() -> None:
    one, two = done("2026-12-01 14:00", 1), visit("2026-12-20 14:00", 2)
    course = enrollment(one, two, follows=ASKED, answers=answered("first", "2026-12-02 10:30", two))
    assert ("again", "2026-12-03 10:00") in walls(make(course, now="2026-12-02 11:00").planned)


def test_a_confirmation_of_the_old_date_does_not_count_for_the_new_one() -> None:
    steps = sequence(step_text(asks="confirm", repeat="once_per_visit_date"))
    first = make(enrollment(VISIT, follows=steps))
    yes = {("one", VISIT.id): at("2026-12-07 10:30")}
    again = enrollment(moved(VISIT, "2026-12-17 14:00"), follows=steps, answers=yes)
    made = make(again, now="2026-12-08 09:00", history=[sent(first.planned[0])])
    assert walls(made.planned) == [("one", "2026-12-14 10:00")]
