"""Corrections: what the patient was told and is no longer so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns.domain.lifecycle import Purpose, Reason
from campaigns.domain.schedule import Plan, Planned, Sent, VisitFacts, VisitState
from tests.domain.planning import (
    EMAIL,
    SMS,
    at,
    enrollment,
    identity,
    make,
    moved,
    patient,
    sent,
    sequence,
    step_text,
    told,
    visit,
)

OLD = visit("2026-12-10 14:00")
NEW = moved(OLD, "2026-12-11 09:00")
QUIET_STEP = sequence(step_text(channels="{all_of: [email]}"))


def corrections(made: Plan) -> list[Planned]:
    return [message for message in made.planned if message.purpose is Purpose.CORRECTION]


def after_telling(
    told_of: VisitFacts, now_is: VisitFacts, *more: Sent, now: str = "2026-12-01 10:00", **facts: object
) -> Plan:
    course = enrollment(now_is, follows=QUIET_STEP, **facts)
    return make(course, now=now, history=[told(told_of), *more])


def test_a_visit_that_moved_is_put_right_at_once_on_the_channel_that_told() -> None:
    (correction,) = corrections(after_telling(OLD, NEW))
    assert (correction.template, correction.channel) == ("correction/moved", SMS)
    assert correction.send_at == at("2026-12-01 10:00")
    assert correction.expires_at == at("2026-12-11 09:00")
    assert (correction.visit, correction.visit_version) == (OLD.id, 2)
    assert correction.stated == {"visit": str(OLD.id), "date": "2026-12-10", "time": "14:00"}
    assert correction.exempt


def test_each_channel_that_told_is_put_right() -> None:
    made = after_telling(OLD, NEW, told(OLD, channel=EMAIL, step="mail"), told(OLD, step="again"))
    assert sorted(message.channel for message in corrections(made)) == [EMAIL, SMS]


def test_a_visit_nobody_was_told_of_needs_no_correction() -> None:
    assert corrections(make(enrollment(NEW))) == []


def test_a_text_that_named_no_time_told_nothing() -> None:
    silent = told(OLD, stated=None)
    assert corrections(make(enrollment(NEW), now="2026-12-01 10:00", history=[silent])) == []


def test_a_new_hour_does_not_belie_a_text_that_named_only_the_day() -> None:
    only_day = told(OLD, stated={"visit": str(OLD.id), "date": "2026-12-10"})
    same_day = moved(OLD, "2026-12-10 09:00")
    assert corrections(make(enrollment(same_day), now="2026-12-01 10:00", history=[only_day])) == []
    assert corrections(make(enrollment(NEW), now="2026-12-01 10:00", history=[only_day])) != []


def test_a_cancelled_visit_is_called_off_until_the_hour_it_was_told_for() -> None:
    off = replace(OLD, state=VisitState.CANCELLED, settled_at=at("2026-12-01 09:00"))
    (correction,) = corrections(after_telling(OLD, off))
    assert correction.template == "correction/cancelled"
    assert correction.expires_at == at("2026-12-10 14:00")


def test_in_quiet_hours_it_waits_for_the_morning() -> None:
    (correction,) = corrections(after_telling(OLD, NEW, now="2026-12-01 22:00"))
    assert correction.send_at == at("2026-12-02 07:30")


def test_it_goes_on_sundays_and_outside_the_send_window() -> None:
    (correction,) = corrections(after_telling(OLD, NEW, now="2026-12-06 20:00"))
    assert correction.send_at == at("2026-12-06 20:00")


def test_with_no_waking_hour_left_staff_see_that_it_could_not_go() -> None:
    early = moved(OLD, "2026-12-02 07:00")
    made = after_telling(OLD, early, now="2026-12-01 22:00")
    assert corrections(made) == []
    assert [(m.template, m.reason) for m in made.not_planned if m.purpose is Purpose.CORRECTION] == [
        ("correction/moved", Reason.QUIET_HOURS_NO_WINDOW)
    ]


def test_nothing_is_put_right_about_a_time_that_has_passed() -> None:
    assert corrections(after_telling(OLD, moved(OLD, "2026-12-20 09:00"), now="2026-12-10 14:00")) == []


def test_a_visit_typed_into_the_past_leaves_a_reason() -> None:
    made = after_telling(OLD, moved(OLD, "2026-11-11 09:00"))
    assert [m.reason for m in made.not_planned if m.purpose is Purpose.CORRECTION] == [Reason.EXPIRED]


def test_a_visit_that_is_over_needs_none() -> None:
    over = replace(NEW, state=VisitState.COMPLETED, settled_at=at("2026-12-01 09:00"))
    assert corrections(after_telling(OLD, over)) == []


def test_moving_back_before_it_was_sent_takes_it_away() -> None:
    waiting = after_telling(OLD, NEW, now="2026-12-01 22:00").standing()
    back = moved(NEW, "2026-12-10 14:00")
    made = make(
        enrollment(back, follows=QUIET_STEP), now="2026-12-01 23:00", history=[told(OLD)], standing=waiting
    )
    assert corrections(made) == []
    assert {reason for key, reason in made.gone.items() if key.step == "correction/moved"} == {
        Reason.VISIT_MOVED
    }


def test_a_sent_correction_is_a_statement_itself() -> None:
    (first,) = corrections(after_telling(OLD, NEW))
    stated = told(NEW).stated
    left = sent(first, stated=stated)
    assert corrections(after_telling(OLD, NEW, left, now="2026-12-01 11:00")) == []
    (second,) = corrections(after_telling(OLD, moved(NEW, "2026-12-10 14:00"), left, now="2026-12-01 12:00"))
    assert second.visit_version == 3
    assert second.stated == {"visit": str(OLD.id), "date": "2026-12-11", "time": "09:00"}


def test_a_visit_called_off_and_booked_again_is_told_of_again() -> None:
    off = replace(OLD, state=VisitState.CANCELLED, settled_at=at("2026-12-01 09:00"))
    (called_off,) = corrections(after_telling(OLD, off))
    left = sent(called_off)
    assert corrections(after_telling(OLD, off, left, now="2026-12-01 11:00")) == []
    (again,) = corrections(after_telling(OLD, moved(off, "2026-12-10 14:00"), left, now="2026-12-02 11:00"))
    assert again.template == "correction/moved"


def test_a_correction_that_waits_keeps_its_time_even_past_the_old_hour() -> None:
    waiting = after_telling(OLD, NEW).standing()
    course = enrollment(NEW, follows=QUIET_STEP)
    made = make(course, now="2026-12-10 15:00", history=[told(OLD)], standing=waiting)
    assert [message.send_at for message in corrections(made)] == [at("2026-12-01 10:00")]


def test_a_lost_number_is_a_reason() -> None:
    course = enrollment(NEW, follows=QUIET_STEP)
    made = make(course, now="2026-12-01 10:00", history=[told(OLD)], who=patient(EMAIL))
    assert [m.reason for m in made.not_planned if m.purpose is Purpose.CORRECTION] == [Reason.NO_ADDRESS]


def test_two_enrollments_of_a_course_give_one_correction_owned_by_the_first_to_tell() -> None:
    courses = [enrollment(NEW, follows=QUIET_STEP, id=identity(number)) for number in (1, 2)]
    history = [
        told(OLD, enrollment=identity(2)),
        told(OLD, enrollment=identity(1), sent_at=at("2026-10-02 10:00")),
    ]
    found = [
        corrections(make(*order, now="2026-12-01 10:00", history=told_in))
        for order in (courses, courses[::-1])
        for told_in in (history, history[::-1])
    ]
    assert [[message.enrollment for message in messages] for messages in found] == [[identity(2)]] * 4


def test_a_patient_whose_enrollments_all_ended_is_left_alone() -> None:
    assert corrections(after_telling(OLD, NEW, active=False)) == []


@pytest.mark.parametrize("minutes", [0, 1, 600])
def test_planning_again_changes_nothing(minutes: int) -> None:
    course = enrollment(NEW, follows=QUIET_STEP)
    history = [told(OLD), told(OLD, channel=EMAIL, step="mail")]
    first = make(course, now="2026-12-01 10:00", history=history)
    again = make(
        course,
        now=at("2026-12-01 10:00") + timedelta(minutes=minutes),
        history=history,
        standing=first.standing(),
    )
    assert again == first
