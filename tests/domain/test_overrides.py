"""What a clinic changes about a step: held to the rules of files, and planned as an edited file would be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.errors import InvalidSequence
from campaigns.domain.lifecycle import Reason
from campaigns.domain.overrides import Misfit, OffReason, Override, effective, fits, hours_of, misfits
from campaigns.domain.schedule import ClinicFacts, PatientFacts, Plan
from campaigns.domain.steps import Days, Mandatory, Sequence, Span, Window
from campaigns.queries import sequence_files
from tests.domain.planning import (
    SETTINGS,
    after,
    clinic,
    done,
    enrollment,
    make,
    reasons,
    sent,
    sequence,
    step_text,
    visit,
    walls,
)
from tests.domain.test_planner_properties import CHECKED, Enrollments, courses, moments, patients

OFF = OffReason.TOO_MANY_MESSAGES
SPAN = {"offset": "{hours: -3}", "window": None, "shift": None, "expires": "{before_anchor: {hours: 1}}"}
BY_SETTING = {"offset": "{days: -nsaid_days_before}", "expires": "{before_anchor: {days: avoid_days_before}}"}
GAP = {
    "anchor": "visit_gap",
    "offset": "{gap_fraction: 0.5, fallback_days: 21}",
    "expires": "{after: {days: 1}}",
}


def window(opens: int, closes: int) -> Window:
    return Window(opens=time(opens), closes=time(closes))


@pytest.mark.parametrize(
    ("text", "override", "found"),
    [
        (step_text(), Override(step="one", offset=Days(number=-5)), []),
        (step_text(), Override(step="one", window=window(11, 12)), []),
        (step_text(), Override(step="one", off=OFF), []),
        (step_text(mandatory="consent"), Override(step="one", off=OFF), [("off", Misfit.MANDATORY)]),
        (step_text(mandatory="consent"), Override(step="one", offset=Days(number=-5)), []),
        (step_text(), Override(step="one", offset=Days(number=2)), [("offset", Misfit.WRONG_SIDE)]),
        (step_text(), Override(step="one", offset=Days(number=-3651)), [("offset", Misfit.TOO_FAR)]),
        (step_text(), Override(step="one", offset=Span(minutes=-60)), [("offset", Misfit.OTHER_UNIT)]),
        (step_text(), Override(step="one", window=window(12, 12)), [("window", Misfit.NO_HOURS)]),
        (after(), Override(step="one", offset=Days(number=-1)), [("offset", Misfit.WRONG_SIDE)]),
        (
            step_text(expires="{before_anchor: {days: avoid_days_before}}"),
            Override(step="one", offset=Days(number=-1)),
            [("offset", Misfit.ENDS_FIRST)],
        ),
        (step_text(**SPAN), Override(step="one", offset=Span(minutes=-90)), []),
        (step_text(**SPAN), Override(step="one", window=window(8, 11)), []),
        (
            step_text(**SPAN),
            Override(step="one", offset=Span(minutes=-60)),
            [("offset", Misfit.ENDS_FIRST)],
        ),
        (step_text(**SPAN), Override(step="one", offset=Days(number=-1)), [("offset", Misfit.OTHER_UNIT)]),
        (
            step_text(**BY_SETTING),
            Override(step="one", offset=Days(number=-5)),
            [("offset", Misfit.BY_SETTING)],
        ),
        (step_text(**BY_SETTING), Override(step="one", window=window(11, 12)), []),
        (
            after(**GAP, only_if="{visit_kind: session}"),
            Override(step="one", offset=Days(number=9)),
            [("offset", Misfit.BY_GAP)],
        ),
    ],
)
def test_an_override_is_held_to_the_rules_of_files(
    text: str, override: Override, found: list[tuple[str, Misfit]]
) -> None:
    file = sequence(text)
    assert misfits(file.step("one"), override, SETTINGS) == found
    assert fits(file, override, SETTINGS) is not bool(found)
    changed = effective(file, [override], SETTINGS)
    assert (changed is file) is bool(found)


def test_what_a_file_itself_does_wrong_at_a_clinic_is_not_the_override_s_fault() -> None:
    file = sequence(step_text(**BY_SETTING))
    late = {**SETTINGS, "nsaid_days_before": 1}
    assert misfits(file.step("one"), Override(step="one", window=window(11, 12)), late) == []


def test_nothing_to_change_gives_the_file_itself_and_its_digest() -> None:
    for file in sequence_files.load_all().values():
        nothing = [Override(step=step.key) for step in file.steps] + [Override(step="gone", off=OFF)]
        assert effective(file, nothing, SETTINGS) is file
        first = next((step for step in file.steps if step.mandatory is None), None)
        if first is not None:
            off = effective(file, [Override(step=first.key, off=OFF)], SETTINGS)
            assert off.timing_digest != file.timing_digest
            assert replace(off, off=()).timing_digest == file.timing_digest
        free = replace(file, steps=tuple(replace(step, mandatory=None) for step in file.steps))
        assert free.timing_digest == file.timing_digest


def test_the_file_says_why_a_step_cannot_be_switched_off() -> None:
    why = {
        f"{key}.{step.key}": step.mandatory
        for key, file in sequence_files.load_all().items()
        for step in file.steps
        if step.mandatory
    }
    assert why["welcome.hello"] is Mandatory.CONSENT
    assert why["pretreatment.nsaids"] is Mandatory.MEDICINES
    assert {"aftercare.same_day", "aftercare.next_day", "aftercare.side_effects"} <= set(why)
    with pytest.raises(InvalidSequence, match="mandatory"):
        sequence(step_text(mandatory="because"))


ASKING = (
    after("ask", asks="pain"),
    after("again", asks="pain", offset="{days: 2}", only_if="{unanswered: ask}"),
    after("then", anchor="answer", follows="ask", offset="{minutes: 0}", window=None),
)


def test_what_asks_the_same_again_goes_off_with_its_question() -> None:
    file = sequence(*ASKING)
    assert effective(file, [Override(step="ask", off=OFF)], SETTINGS).off == ("ask", "again")
    assert effective(file, [Override(step="again", off=OFF)], SETTINGS).off == ("again",)


def test_the_hours_of_a_step_are_told_whichever_way_the_file_has_them() -> None:
    assert hours_of(sequence(step_text()).step("one")) == window(10, 17)
    assert hours_of(sequence(step_text(**SPAN)).step("one")) is None
    bounded = sequence(step_text(**SPAN, not_before='"07:30"')).step("one")
    assert hours_of(bounded) == Window(opens=time(7, 30), closes=time(23, 59))


EDITED = [
    (step_text(), Override(step="one", offset=Days(number=-5)), step_text(offset="{days: -5}")),
    (
        step_text(),
        Override(step="one", window=window(11, 12)),
        step_text(window='{from: "11:00", to: "12:00"}'),
    ),
    (
        step_text(**SPAN),
        Override(step="one", offset=Span(minutes=-90), window=window(9, 12)),
        step_text(
            **{**SPAN, "offset": "{hours: -1, minutes: -30}"}, not_before='"09:00"', not_after='"12:00"'
        ),
    ),
    (after(), Override(step="one", offset=Days(number=4)), after(offset="{days: 4}")),
]


@pytest.mark.parametrize(("text", "override", "edited"), EDITED)
def test_an_override_is_the_same_as_an_edited_file(text: str, override: Override, edited: str) -> None:
    changed, file = effective(sequence(text), [override], SETTINGS), sequence(edited)
    assert changed == file
    assert changed.timing_digest == file.timing_digest
    course = (visit("2026-12-01 14:00"), done("2026-10-30 14:00", 2), visit("2026-12-20 08:15", 3))
    assert make(enrollment(*course, follows=changed)) == make(enrollment(*course, follows=file))
    assert make(enrollment(*course, follows=changed)) != make(enrollment(*course, follows=sequence(text)))


def test_what_is_off_says_so_and_comes_back_while_it_is_useful() -> None:
    file = sequence(step_text(), step_text("two", offset="{days: -1}"))
    off = effective(file, [Override(step="one", off=OFF)], SETTINGS)
    ahead = visit("2026-12-01 14:00")
    first = make(enrollment(ahead, follows=file))
    assert walls(first.planned) == [("one", "2026-11-28 10:00"), ("two", "2026-11-30 10:00")]
    without = make(enrollment(ahead, follows=off), standing=first.standing())
    assert (walls(without.planned), reasons(without)) == (
        [("two", "2026-11-30 10:00")],
        [("one", "step_off")],
    )
    again = make(enrollment(ahead, follows=file), standing=without.standing(), now="2026-11-20 08:00")
    assert again.planned == first.planned
    late = make(enrollment(ahead, follows=file), standing=without.standing(), now="2026-11-29 12:00")
    assert walls(late.planned)[0] == ("one", "2026-11-30 10:00")
    over = make(enrollment(ahead, follows=file), standing=without.standing(), now="2026-12-01 12:00")
    assert ("one", "step_off") in reasons(over)


def test_what_has_left_stays_sent_and_what_has_expired_stays_expired() -> None:
    file = sequence(step_text())
    off = effective(file, [Override(step="one", off=OFF)], SETTINGS)
    ahead = visit("2026-12-01 14:00")
    [message] = make(enrollment(ahead, follows=file)).planned
    assert make(enrollment(ahead, follows=off), history=[sent(message)], now="2026-11-29 10:00") == Plan()
    over = make(enrollment(ahead, follows=off), now="2026-12-01 12:00")
    assert reasons(over) == [("one", "expired")]


def with_off(enrollments: Enrollments, off: Iterable[tuple[str, str]]) -> Enrollments:
    """The same courses at a clinic that has these steps switched off."""
    named = set(off)

    def follows(file: Sequence) -> Sequence:
        mine = [Override(step=step, off=OFF) for key, step in named if key == file.key]
        return effective(file, mine, SETTINGS)

    return Enrollments(replace(one, sequence=follows(one.sequence)) for one in enrollments)


FREE = [
    (key, step.key)
    for key, file in sorted(sequence_files.load_all().items())
    for step in file.steps
    if step.mandatory is None
]
ROOMY: ClinicFacts = clinic(sms_per_day=99, sms_per_week=99)


@CHECKED
@given(courses(), patients, moments, st.sets(st.sampled_from(FREE), min_size=1))
def test_off_and_on_again_gives_back_what_is_still_useful(
    enrollments: Enrollments, who: PatientFacts, now: datetime, off: set[tuple[str, str]]
) -> None:
    """With room for every text: of those that compete for a day, one may have taken the other's."""
    first = make(*enrollments, now=now, who=who, at_clinic=ROOMY)
    less = with_off(enrollments, off)
    without = make(*less, now=now, who=who, at_clinic=ROOMY, standing=first.standing())
    gone = {(n.sequence, n.step) for n in without.not_planned if n.reason is Reason.STEP_OFF}
    named = {(one.sequence.key, step) for one in less for step in one.sequence.off}
    assert gone <= named
    assert not {(p.sequence, p.step) for p in without.planned} & named
    again = make(*enrollments, now=now, who=who, at_clinic=ROOMY, standing=without.standing())
    assert again == first


@CHECKED
@given(courses(), patients, moments, st.sets(st.sampled_from(FREE), min_size=1), st.integers(1, 300))
def test_whatever_is_off_changes_no_other_message_and_later_nothing_comes_too_late(
    enrollments: Enrollments, who: PatientFacts, now: datetime, off: set[tuple[str, str]], hours: int
) -> None:
    first = make(*enrollments, now=now, who=who, at_clinic=ROOMY)
    less = with_off(enrollments, off)
    named = {(one.sequence.key, step) for one in less for step in one.sequence.off}
    without = make(*less, now=now, who=who, at_clinic=ROOMY, standing=first.standing())
    others = [p for p in first.planned if (p.sequence, p.step) not in named]
    replaced = {n.key for n in first.not_planned if n.reason is Reason.SUPERSEDED}
    assert others == [p for p in without.planned if p.key not in replaced]
    later = now + timedelta(hours=hours)
    again = make(*enrollments, now=later, who=who, at_clinic=ROOMY, standing=without.standing())
    assert all(later <= p.send_at < p.expires_at for p in again.planned if (p.sequence, p.step) in named)
