"""What holds of every plan, whatever the course: tried on many courses with all sequences that ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.domain.lifecycle import Purpose, Reason
from campaigns.domain.schedule import (
    CourseFacts,
    CourseState,
    EnrollmentFacts,
    Key,
    PatientFacts,
    Plan,
    Sent,
    Standing,
    VisitFacts,
    VisitKind,
    VisitState,
)
from campaigns.domain.timing import end_of_quiet, to_instant
from campaigns.queries import sequence_files
from tests.domain.planning import (
    EMAIL,
    PARIS,
    SMS,
    TORONTO,
    VANCOUVER,
    clinic,
    identity,
    make,
    moved,
    sent,
    told,
    visit,
)

START = datetime(2026, 10, 20, 16, tzinfo=UTC)
SHIPPED = sequence_files.load_all()
CHECKED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

days = st.integers(min_value=-20, max_value=60)
clocks = st.sampled_from(["08:00", "09:00", "13:15", "15:30", "18:00"])
channels = st.sets(st.sampled_from([SMS, EMAIL])).map(frozenset)
zones = st.sampled_from([None, TORONTO, PARIS])
caps = st.sampled_from([(1, 2), (2, 4), (2, 7), (99, 99)])


def wall(day: int, clock: str) -> str:
    return f"{(START + timedelta(days=day)).date()} {clock}"


@st.composite
def visits(draw: st.DrawFn) -> tuple[VisitFacts, ...]:
    found = []
    for number in range(1, draw(st.integers(min_value=1, max_value=4)) + 1):
        when = wall(draw(days), draw(clocks))
        kind = VisitKind.CONSULTATION if number == 1 and draw(st.booleans()) else VisitKind.SESSION
        booked = visit(when, number, kind=kind, version=draw(st.integers(1, 3)))
        state = draw(st.sampled_from(list(VisitState)))
        settled = to_instant(booked.on_date, booked.at_time, VANCOUVER) + timedelta(
            hours=draw(st.integers(0, 9))
        )
        found.append(
            booked if state is VisitState.BOOKED else replace(booked, state=state, settled_at=settled)
        )
    return tuple(found)


class Enrollments(list[EnrollmentFacts]):
    """All sequences for one course, told briefly when a property fails."""

    def __repr__(self) -> str:
        about = [
            (v.number, v.kind, v.on_date, v.at_time, v.state, v.settled_at) for v in self[0].course.visits
        ]
        return f"{self[0].course.state} {about} {[(e.enrolled_at, dict(e.answers)) for e in self][:2]}"


@st.composite
def courses(draw: st.DrawFn) -> Enrollments:
    state = draw(st.sampled_from(list(CourseState)))
    ended = None if state is CourseState.OPEN else START + timedelta(days=draw(days))
    course = CourseFacts(state=state, visits=draw(visits()), completed_at=ended)
    asked = st.tuples(
        st.sampled_from(["next_day", "week_pain"]), st.sampled_from([v.id for v in course.visits])
    )
    answers: dict[tuple[str, UUID | None], datetime] = {
        key: START + timedelta(days=draw(days)) for key in sorted(draw(st.sets(asked, max_size=3)))
    }
    return Enrollments(
        EnrollmentFacts(
            id=identity(number),
            sequence=sequence,
            course=course,
            enrolled_at=START - timedelta(days=draw(st.sampled_from([0, 30]))),
            answers=answers if sequence.key == "aftercare" else {},
        )
        for number, sequence in enumerate(SHIPPED.values(), 1)
    )


def planned(enrollments: list[EnrollmentFacts], now: datetime, who: PatientFacts, **more: Any) -> Plan:
    return make(*enrollments, now=now, who=who, **more)


patients = st.builds(PatientFacts, channels=channels, zone=zones)
moments = st.integers(min_value=0, max_value=70 * 24).map(lambda hours: START + timedelta(hours=hours))


def histories(enrollments: list[EnrollmentFacts]) -> list[Sent]:
    """Every visit was told of, with its first hour; half of them have moved since."""
    return [
        told(replace(v, version=1), enrollment=enrollments[-1].id, sent_at=START - timedelta(days=1))
        for v in enrollments[0].course.visits
    ]


@CHECKED
@given(courses(), patients, moments)
def test_planning_twice_changes_nothing(enrollments: Enrollments, who: PatientFacts, now: datetime) -> None:
    history = histories(enrollments)
    first = planned(enrollments, now, who, history=history)
    again = planned(enrollments, now, who, history=history, standing=first.standing())
    assert again == first


@CHECKED
@given(courses(), patients, moments, st.integers(min_value=1, max_value=400), caps)
def test_time_alone_sends_or_expires_and_changes_no_time_and_no_reason(
    enrollments: Enrollments, who: PatientFacts, now: datetime, hours: int, most: tuple[int, int]
) -> None:
    here = clinic(sms_per_day=most[0], sms_per_week=most[1])
    first = planned(enrollments, now, who, at_clinic=here)
    later = now + timedelta(hours=hours)
    again = planned(enrollments, later, who, at_clinic=here, standing=first.standing())
    rows = first.standing()
    kept = {m.key: m.send_at for m in again.planned}
    for key, row in rows.items():
        if row.reason is None and row.expires_at > later:
            assert kept.get(key) == row.send_at, key
    now_refused = {n.key: n.reason for n in again.not_planned}
    for n in first.not_planned:
        # A text that expired unsent makes room for one that had found no day, and for no other.
        made_room = n.reason is Reason.CAP_REACHED and n.key in kept
        assert made_room or now_refused.get(n.key) == n.reason, n
    fresh = [m for m in again.planned if m.key not in rows]
    assert fresh == []


@CHECKED
@given(courses(), patients, moments, st.lists(st.integers(1, 200), min_size=2, max_size=4), caps)
def test_a_text_keeps_its_promised_time_however_often_it_is_planned_again(
    enrollments: Enrollments, who: PatientFacts, now: datetime, waits: list[int], most: tuple[int, int]
) -> None:
    here = clinic(sms_per_day=most[0], sms_per_week=most[1])
    made = planned(enrollments, now, who, at_clinic=here)
    rows, promised = made.standing(), {m.key: m for m in made.planned}
    for hours in waits:
        now += timedelta(hours=hours)
        made = planned(enrollments, now, who, at_clinic=here, standing=rows)
        rows = write_down(rows, made)
        for m in made.planned:
            assert promised.setdefault(m.key, m).send_at == m.send_at, m.key


@CHECKED
@given(courses(), patients, moments)
def test_what_has_left_is_not_planned_again_and_moves_nothing(
    enrollments: Enrollments, who: PatientFacts, now: datetime
) -> None:
    first = planned(enrollments, now, who)
    half = first.planned[: len(first.planned) // 2]
    rows = {key: row for key, row in first.standing().items() if key not in {m.key for m in half}}
    later = max((m.send_at for m in half), default=now)
    again = planned(enrollments, later, who, history=[sent(m) for m in half], standing=rows)
    left = [m for m in first.planned if m not in half and m.expires_at > later]
    assert {m.key: m.send_at for m in left}.items() <= {m.key: m.send_at for m in again.planned}.items()
    assert not {m.key for m in again.planned} & {m.key for m in half}


@CHECKED
@given(courses(), patients, moments)
def test_nothing_goes_after_its_cut_off_or_in_the_night(
    enrollments: Enrollments, who: PatientFacts, now: datetime
) -> None:
    here = clinic()
    made = planned(enrollments, now, who, history=histories(enrollments))
    starts = {v.id: to_instant(v.on_date, v.at_time, here.zone) for v in enrollments[0].course.visits}
    for message in made.planned:
        assert now <= message.send_at < message.expires_at
        assert end_of_quiet(message.send_at, who.zone or here.zone, here.quiet_from, here.quiet_to) is None
        if message.sequence in {"previsit", "pretreatment"} and message.visit:
            assert message.expires_at <= starts[message.visit]


@CHECKED
@given(courses(), patients, moments)
def test_texts_keep_the_caps_but_for_exempt_ones(
    enrollments: Enrollments, who: PatientFacts, now: datetime
) -> None:
    here = clinic()
    texts = [m for m in planned(enrollments, now, who).planned if m.channel is SMS]
    by_day = [m.send_at.astimezone(who.zone or here.zone).toordinal() for m in texts]
    for message, day in zip(texts, by_day, strict=True):
        if not message.exempt:
            assert by_day.count(day) <= here.sms_per_day
            assert all(sum(first <= d < first + 7 for d in by_day) <= 7 for first in range(day - 6, day + 1))


@CHECKED
@given(courses(), patients, moments)
def test_the_order_of_what_it_is_told_does_not_matter(
    enrollments: Enrollments, who: PatientFacts, now: datetime
) -> None:
    history = histories(enrollments)
    first = planned(enrollments, now, who, history=history)
    shuffled = [
        replace(e, course=replace(e.course, visits=e.course.visits[::-1])) for e in reversed(enrollments)
    ]
    assert planned(shuffled, now, who, history=history[::-1]) == first


@CHECKED
@given(courses(), patients, moments)
def test_every_occurrence_is_planned_or_refused_once(
    enrollments: Enrollments, who: PatientFacts, now: datetime
) -> None:
    made = planned(enrollments, now, who, history=histories(enrollments))
    keys = [m.key for m in (*made.planned, *made.not_planned)]
    assert len(keys) == len(set(keys))
    assert list(made.planned) == sorted(made.planned, key=lambda m: m.send_at)
    for v in enrollments[0].course.visits:
        open_course = enrollments[0].course.state is CourseState.OPEN
        if open_course and v.kind is VisitKind.SESSION and v.state is VisitState.BOOKED:
            about = {m.step for m in (*made.planned, *made.not_planned) if m.visit == v.id}
            enrolled = next(e.enrolled_at for e in enrollments if e.sequence.key == "pretreatment")
            if to_instant(v.on_date, v.at_time, VANCOUVER) > enrolled:
                assert {"nsaids", "avoid", "day_before", "morning"} <= about


# Edits


Rows = Mapping[Key, Standing]


def write_down(rows: Rows, made: Plan) -> dict[Key, Standing]:
    """What the database holds after a plan: new and changed rows, and a reason for what nothing owes."""
    return {
        **{key: row._replace(reason=made.gone.get(key, row.reason)) for key, row in rows.items()},
        **made.standing(),
    }


EDITS = ("move the first", "cancel the second", "complete the third", "book the fourth", "end an address")


def edit(visits_now: dict[UUID, VisitFacts], which: str, now: datetime) -> dict[UUID, VisitFacts]:
    changed = dict(visits_now)
    if which == "move the first":
        changed[identity(101)] = moved(changed[identity(101)], "2026-11-25 10:00")
    elif which == "cancel the second":
        changed[identity(102)] = replace(changed[identity(102)], state=VisitState.CANCELLED, settled_at=now)
    elif which == "complete the third":
        changed[identity(103)] = replace(changed[identity(103)], state=VisitState.COMPLETED, settled_at=now)
    elif which == "book the fourth":
        changed[identity(104)] = visit("2027-01-20 14:00", 4)
    return changed


def after_edits(order: tuple[str, ...], now: datetime) -> Plan:
    booked = (visit("2026-11-23 09:00", 1), visit("2026-12-02 14:00", 2), visit("2026-11-12 09:00", 3))
    state = {v.id: v for v in booked}
    rows: dict[Key, Standing] = {}
    made, who = Plan(), PatientFacts(channels=frozenset({SMS, EMAIL}))
    for which in ("", *order):
        state = edit(state, which, now)
        if which == "end an address":
            who = PatientFacts(channels=frozenset({SMS}))
        course = CourseFacts(state=CourseState.OPEN, visits=tuple(state.values()))
        enrollments = [
            EnrollmentFacts(id=identity(n), sequence=s, course=course, enrolled_at=START)
            for n, s in enumerate(SHIPPED.values(), 1)
        ]
        statements = [told(visit("2026-11-23 09:00", 1), enrollment=identity(5), sent_at=START)]
        made = planned(enrollments, now, who, standing=rows, history=statements)
        rows = write_down(rows, made)
    return made


def test_the_order_of_edits_does_not_matter() -> None:
    now = datetime(2026, 11, 12, 19, tzinfo=UTC)
    expected = after_edits(EDITS, now)
    for order in permutations(EDITS):
        made = after_edits(order, now)
        assert made.planned == expected.planned, order
        assert {(n.key, n.reason) for n in made.not_planned} == {
            (n.key, n.reason) for n in expected.not_planned
        }, order


@pytest.mark.parametrize("channel", [SMS, EMAIL])
def test_the_correction_of_an_edit_is_one_a_channel(channel: object) -> None:
    made = after_edits(("move the first", "move the first"), datetime(2026, 11, 12, 19, tzinfo=UTC))
    found = [m for m in made.planned if m.purpose is Purpose.CORRECTION and m.channel is channel]
    assert len(found) == (1 if channel is SMS else 0)
