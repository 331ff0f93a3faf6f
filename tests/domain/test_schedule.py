"""The planner, rule by rule: days and hours, windows, late bookings."""

from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from campaigns.domain.errors import InvalidSequence
from campaigns.domain.lifecycle import Reason
from campaigns.domain.schedule import VisitState
from campaigns.queries import sequence_files
from tests.domain.planning import (
    PARIS,
    SMS,
    TORONTO,
    VANCOUVER,
    after,
    at,
    clinic,
    done,
    enrollment,
    make,
    moved,
    patient,
    reasons,
    sent,
    sequence,
    step_text,
    utc,
    visit,
    walls,
)

VISIT = visit("2026-12-10 14:00")  # a Thursday
HOURS: dict[str, str | None] = {
    "offset": "{hours: -3}",
    "window": None,
    "shift": None,
    "days": "any",
    "expires": "{before_anchor: {hours: 1}}",
}


# Days and hours


@pytest.mark.parametrize(
    ("zone", "start", "days", "hours"),
    [
        (TORONTO, "2027-03-15 10:00", 2, 47),
        (TORONTO, "2026-11-02 10:00", 2, 49),
        (PARIS, "2027-03-29 10:00", 2, 47),
        (PARIS, "2026-10-26 10:00", 2, 49),
        (VANCOUVER, "2026-03-09 10:00", 2, 47),
        (VANCOUVER, "2026-11-02 10:00", 2, 48),
        (VANCOUVER, "2028-03-01 10:00", 1, 24),
    ],
)
def test_days_before_a_visit_keep_the_hour_on_the_wall(
    zone: ZoneInfo, start: str, days: int, hours: int
) -> None:
    here = clinic(zone=zone)
    step = step_text(offset=f"{{days: -{days}}}", days="any", shift=None)
    made = make(enrollment(visit(start), follows=sequence(step)), now=utc("2026-01-01 00:00"), at_clinic=here)
    (message,) = made.planned
    assert (at(start, zone) - message.send_at).total_seconds() / 3600 == hours
    assert message.send_at.astimezone(zone).hour == 10


def test_a_winter_visit_in_british_columbia_is_at_minus_seven() -> None:
    step = sequence(step_text(**HOURS, not_before='"05:00"'))
    made = make(enrollment(visit("2026-12-01 09:00"), follows=step), at_clinic=clinic(quiet_to=time(5)))
    assert [message.send_at for message in made.planned] == [utc("2026-12-01 13:00")]
    assert made.planned[0].expires_at == utc("2026-12-01 15:00")


@pytest.mark.parametrize(
    ("start", "hours", "found"),
    [
        ("2027-03-14 09:00", 8, "2027-03-14 00:00"),  # the night is an hour shorter
        ("2026-11-01 09:00", 10, "2026-11-01 00:00"),  # and here an hour longer
    ],
)
def test_hours_are_absolute_across_a_clock_change(start: str, hours: int, found: str) -> None:
    here = clinic(zone=TORONTO, quiet_from=time(3), quiet_to=time(3))
    step = step_text(**{**HOURS, "offset": f"{{hours: -{hours}}}", "not_before": '"00:00"'})
    made = make(enrollment(visit(start), follows=sequence(step)), now=utc("2026-01-01 00:00"), at_clinic=here)
    assert walls(made.planned, TORONTO) == [("one", found)]


def test_a_window_in_a_gap_opens_after_it_and_in_a_fold_at_the_first_showing() -> None:
    here = clinic(zone=TORONTO, quiet_from=time(5), quiet_to=time(5), window=(time(1), time(4)))
    gap = step_text(offset="{days: -1}", window='{from: "02:30", to: "04:00"}', days="any", shift=None)
    fold = step_text(offset="{days: -1}", window='{from: "01:30", to: "04:00"}', days="any", shift=None)
    early = utc("2026-01-01 00:00")
    jumped = make(enrollment(visit("2027-03-15 14:00"), follows=sequence(gap)), now=early, at_clinic=here)
    twice = make(enrollment(visit("2026-11-02 14:00"), follows=sequence(fold)), now=early, at_clinic=here)
    assert walls(jumped.planned, TORONTO) == [("one", "2027-03-14 03:30")]
    assert [message.send_at for message in twice.planned] == [utc("2026-11-01 05:30")]


def test_a_clinic_setting_counts_the_days() -> None:
    step = sequence(step_text(offset="{days: -nsaid_days_before}", days="any", shift=None))
    made = make(enrollment(VISIT, follows=step), at_clinic=clinic(settings={"nsaid_days_before": 10}))
    assert walls(made.planned) == [("one", "2026-11-30 10:00")]
    with pytest.raises(InvalidSequence, match="The clinic has no setting nsaid_days_before"):
        make(enrollment(VISIT, follows=step), at_clinic=clinic(settings={}))


# Windows, closed days, zones


@pytest.mark.parametrize(("shift", "found"), [("earlier", "2026-12-05"), ("later", "2026-12-08")])
def test_sundays_and_holidays_move_a_step_the_way_it_says(shift: str, found: str) -> None:
    monday = date(2026, 12, 7)
    step = sequence(step_text(offset="{days: -3}", shift=shift))
    course = enrollment(visit("2026-12-09 14:00"), follows=step)
    assert walls(make(course, at_clinic=clinic(holidays=frozenset({monday}))).planned) == [
        ("one", f"{found} 10:00")
    ]


def test_any_day_is_any_day() -> None:
    step = sequence(step_text(offset="{days: -3}", days="any", shift=None))
    assert walls(make(enrollment(visit("2026-12-09 14:00"), follows=step)).planned) == [
        ("one", "2026-12-06 10:00")
    ]


def test_a_shift_past_its_life_leaves_no_room() -> None:
    step = sequence(after(days="clinic"))  # the day after a Saturday, for one day
    holiday = clinic(holidays=frozenset({date(2026, 12, 7)}))
    made = make(enrollment(done("2026-12-05 14:00"), follows=step), now="2026-12-05 14:00", at_clinic=holiday)
    assert reasons(made) == [("one", Reason.QUIET_HOURS_NO_WINDOW)]


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ((time(11), time(16)), "11:00"),  # the step's 10 to 17, cut to the clinic's
        ((time(8), time(20)), "10:00"),
        ((time(18), time(20)), "18:00"),  # where they do not meet, the clinic decides
    ],
)
def test_a_window_is_cut_to_the_clinics(window: tuple[time, time], found: str) -> None:
    made = make(enrollment(VISIT), at_clinic=clinic(window=window))
    assert walls(made.planned) == [("one", f"2026-12-07 {found}")]


def test_quiet_hours_are_the_patients_own() -> None:
    made = make(enrollment(VISIT), who=patient(SMS, zone=TORONTO))
    assert walls(made.planned, TORONTO) == [("one", "2026-12-07 10:00")]


def test_a_window_that_is_all_quiet_leaves_no_room() -> None:
    night = clinic(quiet_from=time(9), quiet_to=time(19))
    assert reasons(make(enrollment(VISIT), at_clinic=night)) == [("one", Reason.QUIET_HOURS_NO_WINDOW)]


@pytest.mark.parametrize(
    ("start", "found"),
    [
        ("09:00", "07:30"),
        ("14:00", "11:00"),
        ("16:00", "12:00"),  # after 15:00 the three-hour mark lies past noon
    ],
)
def test_bounds_hold_an_hour_offset_in_its_day(start: str, found: str) -> None:
    step = sequence(step_text(**HOURS, not_before='"07:30"', not_after='"12:00"'))
    made = make(enrollment(visit(f"2026-12-10 {start}"), follows=step))
    assert walls(made.planned) == [("one", f"2026-12-10 {found}")]


def test_bounds_never_pull_a_message_to_before_what_it_is_about() -> None:
    step = after(
        anchor="visit_missed",
        offset="{minutes: 30}",
        window=None,
        not_before='"08:00"',
        not_after='"20:00"',
        late="skip",
    )
    missed = visit("2026-12-10 19:00", state=VisitState.NO_SHOW, settled_at=at("2026-12-10 20:45"))
    made = make(enrollment(missed, follows=sequence(step)), now="2026-12-10 20:45")
    assert walls(made.planned) == [("one", "2026-12-11 08:00")]


def test_an_evening_visit_counts_from_its_own_date() -> None:
    assert walls(make(enrollment(visit("2026-12-10 18:00"))).planned) == [("one", "2026-12-07 10:00")]


def test_a_reminder_never_outlives_the_start_of_its_visit() -> None:
    long = sequence(step_text(offset="{days: -1}", days="any", shift=None, expires="{after: {days: 9}}"))
    (message,) = make(enrollment(VISIT, follows=long)).planned
    assert message.expires_at == at("2026-12-10 14:00")


def test_bounds_that_end_after_its_life_leave_no_room() -> None:
    step = sequence(step_text(**HOURS, not_before='"07:30"', not_after='"12:00"'))
    made = make(enrollment(visit("2026-12-10 08:00"), follows=step))
    assert reasons(made) == [("one", Reason.QUIET_HOURS_NO_WINDOW)]


@pytest.mark.parametrize(
    ("finished", "found"),
    [
        ("07:00", "2026-12-10 12:00"),
        ("10:00", "2026-12-10 14:00"),
        ("17:00", "2026-12-10 20:30"),
        ("20:45", "2026-12-11 12:00"),
    ],
)
def test_the_text_of_the_same_day_is_never_lost_after_a_late_session(finished: str, found: str) -> None:
    session = done(f"2026-12-10 {finished}")
    made = make(enrollment(session, follows=sequence_files.load("aftercare")), now=f"2026-12-10 {finished}")
    assert walls(m for m in made.planned if (m.step, m.channel) == ("same_day", SMS)) == [("same_day", found)]


# Late


@pytest.mark.parametrize(
    ("late", "now", "planned", "refused"),
    [
        ("send_now", "2026-12-08 11:00", ["2026-12-08 11:00"], []),
        ("send_now", "2026-12-08 19:00", ["2026-12-09 10:00"], []),
        ("send_now", "2026-12-10 10:59", ["2026-12-10 10:59"], []),
        ("send_now", "2026-12-10 11:00", [], [Reason.EXPIRED]),
        ("send_now", "2026-12-10 03:00", ["2026-12-10 10:00"], []),
        ("skip", "2026-12-07 10:01", [], [Reason.EXPIRED]),
        ("skip", "2026-12-07 10:00", ["2026-12-07 10:00"], []),
    ],
)
def test_a_late_booking(late: str, now: str, planned: list[str], refused: list[Reason]) -> None:
    made = make(enrollment(VISIT, follows=sequence(step_text(late=late))), now=now)
    assert [wall for _, wall in walls(made.planned)] == planned
    assert [reason for _, reason in reasons(made)] == refused


def test_a_late_booking_in_the_last_night_has_no_room() -> None:
    made = make(enrollment(visit("2026-12-10 09:00")), now="2026-12-09 20:00")
    assert (made.planned, reasons(made)) == ((), [("one", Reason.QUIET_HOURS_NO_WINDOW)])


MERGED = sequence(
    step_text(
        "about",
        offset="{days: -7}",
        expires="{after: {days: 2}}",
        late="{template: trial/merged, replaces: [prepare], expires: {before_anchor: {hours: 3}}}",
    ),
    step_text("prepare"),
)


def test_a_late_template_says_it_all_and_replaces_the_rest() -> None:
    made = make(enrollment(VISIT, follows=MERGED), now="2026-12-04 11:00")
    assert [(m.template, m.send_at) for m in made.planned] == [("trial/merged", at("2026-12-04 11:00"))]
    assert reasons(made) == [("prepare", Reason.SUPERSEDED)]
    left = make(enrollment(VISIT, follows=MERGED), now="2026-12-05 11:00", history=[sent(made.planned[0])])
    assert (left.planned, reasons(left)) == ((), [("prepare", Reason.SUPERSEDED)])


def test_in_time_both_go_and_a_worker_that_was_down_does_not_change_the_words() -> None:
    course = enrollment(VISIT, follows=MERGED)
    made = make(course)
    assert [m.template for m in made.planned] == ["trial/about", "trial/prepare"]
    overdue = make(course, now="2026-12-04 11:00", standing=made.standing())
    assert overdue.planned == made.planned
    over = make(course, now="2026-12-05 11:00", standing=made.standing())
    assert reasons(over) == [("about", Reason.EXPIRED)]


def test_a_visit_that_comes_closer_makes_a_late_booking_of_it() -> None:
    far = enrollment(visit("2027-01-14 14:00"), follows=MERGED)
    near = enrollment(moved(visit("2027-01-14 14:00"), "2026-12-10 14:00"), follows=MERGED)
    made = make(near, now="2026-12-04 11:00", standing=make(far).standing())
    assert [m.template for m in made.planned] == ["trial/merged"]
