"""Caps: who gives way, and to when."""

from __future__ import annotations

from datetime import datetime, time

import pytest

from campaigns.domain.caps import Ledger
from campaigns.domain.lifecycle import Reason
from campaigns.queries import sequence_files
from tests.domain.planning import (
    EMAIL,
    SMS,
    TORONTO,
    VANCOUVER,
    at,
    clinic,
    done,
    enrollment,
    identity,
    make,
    patient,
    reasons,
    sent,
    sequence,
    step_text,
    told,
    visit,
    walls,
)

VISIT = visit("2026-12-11 14:00")  # a Friday


def on(days: int, key: str, **entries: str | None) -> str:
    return step_text(key, offset=f"{{days: -{days}}}", days="any", shift=None, **entries)


@pytest.mark.parametrize(
    ("sent_on", "room"),
    [
        ([], True),
        (["2026-12-05"], True),
        (["2026-12-05"] * 2, False),
        (["2026-11-28", "2026-11-29", "2026-11-30"], True),
        (["2026-12-01", "2026-12-02", "2026-12-03"], False),
        (["2026-12-03", "2026-12-06", "2026-12-08"], False),
        (["2026-12-06", "2026-12-08", "2026-12-11"], False),
        (["2026-12-06", "2026-12-08", "2026-12-12"], True),
        (["2026-11-30", "2026-12-02", "2026-12-07", "2026-12-10"], True),
    ],
)
def test_there_is_room_when_the_day_and_every_week_around_it_keep_the_caps(
    sent_on: list[str], room: bool
) -> None:
    ledger = Ledger(VANCOUVER, 2, 3, (at(f"{day} 12:00") for day in sent_on))
    assert ledger.has_room(at("2026-12-05 12:00")) is room


def test_a_day_is_the_recipients() -> None:
    late: datetime = at("2026-12-04 22:30")  # already the fifth in Toronto
    assert not Ledger(TORONTO, 1, 9, [late]).has_room(at("2026-12-05 12:00"))
    assert Ledger(VANCOUVER, 1, 9, [late]).has_room(at("2026-12-05 12:00"))


def test_a_text_too_many_moves_to_the_next_day_with_room() -> None:
    three = sequence(*(on(4, key) for key in ("a", "b", "c")))
    made = make(enrollment(VISIT, follows=three))
    assert walls(made.planned) == [
        ("a", "2026-12-07 10:00"),
        ("b", "2026-12-07 10:00"),
        ("c", "2026-12-08 10:00"),
    ]


def test_a_text_without_a_day_in_its_life_is_not_planned() -> None:
    three = sequence(*(on(4, key, expires="{after: {hours: 8}}") for key in ("a", "b", "c")))
    made = make(enrollment(VISIT, follows=three))
    assert [step for step, _ in walls(made.planned)] == ["a", "b"]
    assert reasons(made) == [("c", Reason.CAP_REACHED)]


def test_visits_come_first_then_check_ins_then_education() -> None:
    three = sequence(
        on(4, "a", topic="education", expires="{after: {hours: 8}}"),
        on(4, "b", topic="check_ins", expires="{after: {hours: 8}}"),
        on(4, "c", topic="reminders", expires="{after: {hours: 8}}"),
    )
    made = make(enrollment(VISIT, follows=three), at_clinic=clinic(sms_per_day=1))
    assert [step for step, _ in walls(made.planned)] == ["c"]
    assert sorted(reasons(made)) == [("a", Reason.CAP_REACHED), ("b", Reason.CAP_REACHED)]


def test_an_earlier_text_gives_way_to_a_later_one_of_higher_rank() -> None:
    two = sequence(on(5, "a", topic="education", expires="{after: {hours: 8}}"), on(3, "b"))
    made = make(enrollment(VISIT, follows=two), at_clinic=clinic(sms_per_week=1))
    assert ([m.step for m in made.planned], reasons(made)) == (["b"], [("a", Reason.CAP_REACHED)])


def test_an_overdue_text_is_not_moved_by_what_went_in_the_meantime() -> None:
    course = enrollment(VISIT, follows=sequence(on(4, "a")))
    first = make(course)
    went = [told(VISIT, sent_at=at(f"2026-12-07 1{n}:00"), step=f"s{n}", stated=None) for n in (0, 1)]
    assert make(course, now="2026-12-07 12:00", history=went, standing=first.standing()) == first


def test_exempt_texts_count_and_never_move() -> None:
    steps = sequence(*(on(4, key, exempt_from_cap="true") for key in ("x", "y", "z")), on(4, "a"))
    made = make(enrollment(VISIT, follows=steps))
    assert walls(made.planned) == [
        ("x", "2026-12-07 10:00"),
        ("y", "2026-12-07 10:00"),
        ("z", "2026-12-07 10:00"),
        ("a", "2026-12-08 10:00"),
    ]


def test_what_was_sent_counts() -> None:
    earlier = [
        told(VISIT, sent_at=at(f"2026-12-0{day} 10:00"), step=f"s{day}", stated=None) for day in range(1, 8)
    ]
    made = make(
        enrollment(VISIT, follows=sequence(on(4, "a"))), history=earlier, at_clinic=clinic(sms_per_day=9)
    )
    assert walls(made.planned) == [("a", "2026-12-08 10:00")]


def test_e_mail_is_not_counted() -> None:
    many = sequence(*(on(4, key, channels="{all_of: [email]}") for key in ("a", "b", "c", "d")))
    made = make(enrollment(VISIT, follows=many))
    assert len(made.planned) == 4


def test_the_caps_hold_across_enrollments_in_whatever_order_they_come() -> None:
    one = enrollment(VISIT, follows=sequence(on(4, "a"), on(4, "b"), key="first"))
    two = enrollment(VISIT, follows=sequence(on(4, "a"), on(4, "b"), key="second"), id=identity(2))
    assert make(one, two) == make(two, one)
    days = [wall[:10] for _, wall in walls(make(one, two).planned)]
    assert days == ["2026-12-07", "2026-12-07", "2026-12-08", "2026-12-08"]


def test_a_moved_text_stays_where_it_is_while_the_days_go_by() -> None:
    three = enrollment(VISIT, follows=sequence(*(on(4, key) for key in ("a", "b", "c"))))
    first = make(three)
    went = [sent(message) for message in first.planned[:2]]
    rows = {key: row for key, row in first.standing().items() if key.step == "c"}
    later = make(three, now="2026-12-07 12:00", history=went, standing=rows)
    assert walls(later.planned) == [("c", "2026-12-08 10:00")]


def test_a_treatment_week_loses_no_visit_day_or_safety_text() -> None:
    visits = (done("2026-12-01 14:00"), visit("2026-12-08 14:00", 2))
    both = [
        enrollment(*visits, follows=sequence_files.load(key), id=identity(number))
        for number, key in enumerate(("pretreatment", "aftercare"), 1)
    ]
    made = make(*both, now="2026-12-01 14:00", who=patient(SMS, EMAIL))
    texts = {message.step: message.send_at for message in made.planned if message.channel is SMS}
    first = {"same_day", "next_day", "side_effects"}
    assert first | {"nsaids", "avoid", "day_before", "morning"} <= set(texts)
    mails = {message.step for message in made.planned if message.channel is EMAIL}
    assert {"next_day_again", "side_effects_again"} <= mails - set(texts)
    refused = {step for step, reason in reasons(made) if reason == Reason.CAP_REACHED}
    assert refused <= {"week_pain"}


def test_a_cap_of_nothing_holds_back_only_what_can_wait() -> None:
    held = {
        f"{sequence.key}.{step.key}"
        for sequence in sequence_files.load_all().values()
        for step in sequence.steps
        if not step.exempt_from_cap
    }
    assert held == {
        "previsit.about", "previsit.prepare",
        "aftercare.week_pain", "aftercare.change", "aftercare.midway",
        "aftercare.plan_next", "aftercare.plan_next_again",
        "course_end.pain", "course_end.three_months",
        "missed_visit.sorry", "missed_visit.rebook",
    }  # fmt: skip
    visits = (done("2026-12-01 14:00"), visit("2026-12-15 14:00", 2))
    both = [
        enrollment(*visits, follows=sequence_files.load(key), id=identity(number))
        for number, key in enumerate(("pretreatment", "aftercare"), 1)
    ]
    nothing = clinic(sms_per_day=0, sms_per_week=0)
    made = make(*both, now="2026-12-01 14:00", who=patient(SMS), at_clinic=nothing)
    session_texts = {m.step for m in made.planned if m.sequence == "pretreatment"}
    assert session_texts == {"nsaids", "avoid", "day_before", "morning"}
    assert ("week_pain", Reason.CAP_REACHED) in reasons(made)
    assert "week_pain" not in {m.step for m in made.planned}


THREE = enrollment(VISIT, follows=sequence(on(4, "a", expires="{after: {days: 3}}"), on(4, "b"), on(4, "c")))


@pytest.mark.parametrize(
    ("promised", "day"), [(True, "2026-12-08 10:00"), (False, "2026-12-07 10:00")], ids=["same", "new rules"]
)
def test_a_moved_text_comes_forward_only_when_the_rules_of_its_time_have_changed(
    promised: bool, day: str
) -> None:
    """One of the three is gone, so that the first day has room again."""
    rows = {key: row._replace(promised=promised) for key, row in make(THREE).standing().items()}
    left = sequence(on(4, "b"), on(4, "c"))
    made = make(enrollment(VISIT, follows=left), standing=rows)
    assert dict(walls(made.planned)) == {"b": "2026-12-07 10:00", "c": day}
    assert {(key.step, reason) for key, reason in made.gone.items()} == {("a", Reason.NOT_NEEDED)}


def test_a_moved_text_follows_its_own_hours() -> None:
    steps = sequence(*(on(4, key, window=None) for key in ("a", "b", "c")))
    rows = make(enrollment(VISIT, follows=steps)).standing()
    late = clinic(window=(time(11), time(12)))
    made = make(enrollment(VISIT, follows=steps), at_clinic=late, standing=rows)
    assert walls(made.planned)[-1] == ("c", "2026-12-08 11:00")


def test_a_newcomer_of_the_same_rank_does_not_push_a_promised_text() -> None:
    two = sequence(on(4, "b"), on(4, "c"))
    rows = make(enrollment(VISIT, follows=two)).standing()
    made = make(enrollment(VISIT, follows=sequence(on(4, "a"), on(4, "b"), on(4, "c"))), standing=rows)
    assert dict(walls(made.planned)) == {
        "a": "2026-12-08 10:00",
        "b": "2026-12-07 10:00",
        "c": "2026-12-07 10:00",
    }


def test_a_promised_text_still_gives_way_to_a_visit() -> None:
    lesson = on(4, "a", topic="education")
    rows = make(enrollment(VISIT, follows=sequence(lesson)), at_clinic=clinic(sms_per_day=1)).standing()
    both = enrollment(VISIT, follows=sequence(lesson, on(4, "b")))
    made = make(both, at_clinic=clinic(sms_per_day=1), standing=rows)
    assert walls(made.planned) == [("b", "2026-12-07 10:00"), ("a", "2026-12-08 10:00")]


def test_a_text_that_found_no_day_takes_the_slot_of_one_that_is_gone() -> None:
    short = {"expires": "{after: {hours: 8}}"}
    full = enrollment(VISIT, follows=sequence(*(on(4, key, **short) for key in ("a", "b", "c"))))
    rows = make(full).standing()
    left = enrollment(VISIT, follows=sequence(*(on(4, key, **short) for key in ("b", "c"))))
    made = make(left, standing=rows)
    assert walls(made.planned) == [("b", "2026-12-07 10:00"), ("c", "2026-12-07 10:00")]
