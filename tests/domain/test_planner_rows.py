"""The planner, rule by rule: channels, rows that stand, dry runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import pytest

from campaigns.domain.lifecycle import Reason
from campaigns.domain.recipients import Channel
from campaigns.domain.schedule import (
    Standing,
    VisitState,
    difference,
)
from campaigns.domain.steps import Sequence
from tests.domain.planning import (
    EMAIL,
    SMS,
    VANCOUVER,
    at,
    clinic,
    enrollment,
    make,
    moved,
    patient,
    reasons,
    sent,
    sequence,
    step_text,
    told,
    visit,
    walls,
)

VISIT = visit("2026-12-10 14:00")  # a Thursday


# Channels

FIRST_OF = sequence(step_text(channels="{first_of: [sms, email]}"))
ALL_OF = sequence(step_text(channels="{all_of: [sms, email]}"))


def test_the_first_channel_the_patient_has() -> None:
    assert [m.channel for m in make(enrollment(VISIT, follows=FIRST_OF)).planned] == [SMS]
    assert [m.channel for m in make(enrollment(VISIT, follows=FIRST_OF), who=patient(EMAIL)).planned] == [
        EMAIL
    ]


@pytest.mark.parametrize(
    ("refused", "found"), [((), SMS), ((SMS,), EMAIL), ((EMAIL,), SMS), ((SMS, EMAIL), SMS)]
)
def test_a_choice_between_channels_passes_one_by_that_the_patient_refused(
    refused: tuple[Channel, ...], found: Channel
) -> None:
    who = replace(patient(SMS, EMAIL), refused=frozenset(refused))
    assert [m.channel for m in make(enrollment(VISIT, follows=FIRST_OF), who=who).planned] == [found]


def test_all_channels_the_patient_has() -> None:
    assert [m.channel for m in make(enrollment(VISIT, follows=ALL_OF)).planned] == [EMAIL, SMS]
    only_mail = make(enrollment(VISIT, follows=ALL_OF), who=patient(EMAIL))
    assert [m.channel for m in only_mail.planned] == [EMAIL]
    assert only_mail.not_planned == ()


@pytest.mark.parametrize("steps", [FIRST_OF, ALL_OF])
def test_without_any_address_one_row_says_so(steps: Sequence) -> None:
    nobody = replace(patient(), channels=frozenset())
    made = make(enrollment(VISIT, follows=steps), who=nobody)
    assert [(m.channel, m.reason) for m in made.not_planned] == [(SMS, Reason.NO_ADDRESS)]


def test_what_went_by_text_does_not_go_again_by_mail_when_the_number_is_lost() -> None:
    went = [sent(message) for message in make(enrollment(VISIT, follows=FIRST_OF)).planned]
    made = make(enrollment(VISIT, follows=FIRST_OF), now="2026-12-07 11:00", history=went, who=patient(EMAIL))
    assert (made.planned, made.not_planned) == ((), ())


def test_a_lost_number_passes_the_message_to_the_next_channel() -> None:
    rows = make(enrollment(VISIT, follows=FIRST_OF)).standing()
    made = make(
        enrollment(VISIT, follows=FIRST_OF), now="2026-12-01 11:00", standing=rows, who=patient(EMAIL)
    )
    assert [m.channel for m in made.planned] == [EMAIL]
    assert list(made.gone.values()) == [Reason.NO_ADDRESS]


def test_a_new_address_does_not_reopen_what_is_over() -> None:
    course = enrollment(VISIT, follows=ALL_OF)
    rows = make(course, who=patient(SMS)).standing()
    made = make(course, now="2026-12-11 11:00", standing=rows)
    assert [(m.channel, m.reason) for m in made.not_planned] == [(SMS, Reason.EXPIRED)]


# What stands


def test_an_address_that_came_in_time_revives_a_message() -> None:
    course = enrollment(VISIT, follows=ALL_OF)
    rows = make(course, who=replace(patient(), channels=frozenset())).standing()
    assert [m.channel for m in make(course, now="2026-12-08 11:00", standing=rows).planned] == [EMAIL, SMS]


def test_a_reason_on_record_stays_when_its_time_is_over() -> None:
    course = enrollment(VISIT)
    rows = make(course, who=replace(patient(), channels=frozenset())).standing()
    assert reasons(make(course, now="2026-12-20 11:00", standing=rows)) == [("one", Reason.NO_ADDRESS)]


def test_a_reason_on_record_stays_when_the_visit_is_called_off_after_its_time() -> None:
    rows = make(enrollment(VISIT), who=replace(patient(), channels=frozenset())).standing()
    off = replace(VISIT, state=VisitState.CANCELLED, settled_at=at("2026-12-10 12:00"))
    assert reasons(make(enrollment(off), now="2026-12-10 12:00", standing=rows)) == [
        ("one", Reason.NO_ADDRESS)
    ]


def test_a_waiting_message_with_time_ahead_follows_the_clinics_new_hours() -> None:
    rows = make(enrollment(VISIT)).standing()
    made = make(enrollment(VISIT), standing=rows, at_clinic=clinic(window=(time(11), time(16))))
    assert walls(made.planned) == [("one", "2026-12-07 11:00")]


def test_what_a_gate_or_a_person_refused_stays_refused() -> None:
    (message,) = make(enrollment(VISIT)).planned
    row = Standing(message.send_at, message.expires_at, message.template, Reason.OPTED_OUT)
    made = make(enrollment(VISIT), standing={message.key: row})
    assert (made.planned, reasons(made)) == ((), [("one", Reason.OPTED_OUT)])


def test_an_overdue_message_keeps_its_time_until_it_expires() -> None:
    course = enrollment(VISIT, follows=sequence(step_text(late="skip")))
    first = make(course)
    for now in ("2026-12-07 10:30", "2026-12-08 22:00", "2026-12-10 10:59"):
        assert make(course, now=now, standing=first.standing()) == first
    assert reasons(make(course, now="2026-12-10 11:00", standing=first.standing())) == [
        ("one", Reason.EXPIRED)
    ]


def test_a_stopped_enrollment_owes_nothing() -> None:
    rows = make(enrollment(VISIT)).standing()
    made = make(enrollment(VISIT, active=False), standing=rows)
    assert (made.planned, made.not_planned) == ((), ())
    assert list(made.gone.values()) == [Reason.ENROLLMENT_STOPPED]
    assert list(make(standing=rows).gone.values()) == [Reason.ENROLLMENT_STOPPED]


@pytest.mark.parametrize(
    "build",
    [
        lambda: make(enrollment(VISIT), now=datetime(2026, 12, 1)),  # noqa: DTZ001
        lambda: enrollment(VISIT, enrolled_at=datetime(2026, 12, 1)),  # noqa: DTZ001
        lambda: replace(VISIT, settled_at=datetime(2026, 12, 1)),  # noqa: DTZ001
        lambda: told(VISIT, sent_at=datetime(2026, 12, 1)),  # noqa: DTZ001
        lambda: enrollment(VISIT, answers={("one", None): datetime(2026, 12, 1)}),  # noqa: DTZ001
        lambda: replace(VISIT, at_time=time(9, tzinfo=VANCOUVER)),
        lambda: clinic(window=(time(18), time(9))),
    ],
)
def test_it_refuses_instants_without_a_zone_and_windows_without_room(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=r"zone|open before"):
        build()


# Dry runs


def test_a_dry_run_tells_what_a_new_date_would_do() -> None:
    steps = sequence(
        step_text("early", offset="{days: -7}", repeat="once_per_visit_date"),
        step_text("late", offset="{days: -1}", days="any", shift=None, repeat="once_per_visit_date"),
    )
    first = make(enrollment(VISIT, follows=steps))
    new = enrollment(moved(VISIT, "2026-12-24 14:00"), follows=steps)
    change = difference(
        first.standing(),
        make(new, now="2026-12-01 10:00", standing=first.standing(), history=[told(VISIT)]),
    )
    assert [(r.was, r.message.send_at) for r in change.retimed] == [
        (at("2026-12-03 10:00"), at("2026-12-17 10:00")),
        (at("2026-12-09 10:00"), at("2026-12-23 10:00")),
    ]
    assert [message.template for message in change.corrections] == ["correction/moved"]
    assert (change.added, change.cancelled) == ((), {})


def test_a_dry_run_tells_what_a_cancelled_visit_would_do() -> None:
    first = make(enrollment(VISIT))
    off = replace(VISIT, state=VisitState.CANCELLED, settled_at=at("2026-12-01 10:00"))
    change = difference(
        first.standing(), make(enrollment(off), now="2026-12-01 10:00", standing=first.standing())
    )
    assert list(change.cancelled.values()) == [Reason.VISIT_CANCELLED]
    assert (change.added, change.retimed, change.corrections) == ((), (), ())


def test_a_dry_run_of_nothing_tells_nothing() -> None:
    first = make(enrollment(VISIT))
    change = difference(first.standing(), make(enrollment(VISIT), standing=first.standing()))
    assert change == type(change)(cancelled={})
    assert [m.step for m in difference({}, first).added] == ["one"]
