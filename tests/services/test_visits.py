"""A visit changes: what is unsent follows, what was sent stays, and one correction mends what was said."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from campaigns.domain.errors import InvalidVisit
from campaigns.domain.lifecycle import Purpose, Reason, State
from campaigns.domain.visits import VisitState
from campaigns.models import Clinic, Message, Visit
from campaigns.services import send, visits
from campaigns.services.enroll import Enrolled
from tests.factories import NOON, make_patient, message, set_now
from tests.services.fakes import FakeSender

LATER = NOON.date() + timedelta(days=21)


def _visit(enrolled: Enrolled) -> Visit:
    return Visit.objects.get(course__patient=enrolled.patient)


def _move(enrolled: Enrolled, on_date: date = LATER, at_time: time = time(14, 0)) -> None:
    visits.move(_visit(enrolled).pk, on_date, at_time, by="test")


def _corrections(enrolled: Enrolled) -> list[tuple[str, int]]:
    rows = enrolled.patient.messages.filter(purpose=Purpose.CORRECTION, state=State.PLANNED)
    return sorted(rows.values_list("channel", "visit_version"))


def _told(enrolled: Enrolled) -> Message:
    """Send the day-before messages, which state the time."""
    told = message(enrolled, "day_before")
    set_now(told.send_at)
    send.drain()
    told.refresh_from_db()
    assert told.stated
    return told


def test_a_move_cancels_the_unsent_and_plans_the_new(clinic: Clinic) -> None:
    enrolled = make_patient(clinic)
    _move(enrolled)
    old = enrolled.patient.messages.filter(visit_version=1)
    assert set(old.values_list("state", "reason")) == {(State.CANCELLED, Reason.VISIT_MOVED)}
    new = enrolled.patient.messages.filter(visit_version=2)
    assert set(new.values_list("state", flat=True)) == {State.PLANNED}
    assert {row.step for row in new} == {row.step for row in old}
    assert _corrections(enrolled) == []


def test_a_move_keeps_what_was_sent_and_corrects_each_channel_once(
    clinic: Clinic, provider: FakeSender
) -> None:
    enrolled = make_patient(clinic)
    told = _told(enrolled)
    _move(enrolled)
    _move(enrolled)  # the same again changes nothing
    told.refresh_from_db()
    assert told.state == State.ACCEPTED
    assert _corrections(enrolled) == [("email", 2), ("sms", 2)]


def test_a_move_that_fails_leaves_nothing_behind(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    enrolled = make_patient(clinic)
    before = sorted(enrolled.patient.messages.values_list("id", "state"))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the last write of the transaction")

    monkeypatch.setattr(visits, "record", fail)
    with pytest.raises(RuntimeError):
        _move(enrolled)
    assert _visit(enrolled).version == 1
    assert sorted(enrolled.patient.messages.values_list("id", "state")) == before


def test_a_cancelled_visit_is_corrected_where_it_was_stated(clinic: Clinic, provider: FakeSender) -> None:
    enrolled = make_patient(clinic)
    _told(enrolled)
    visits.settle(_visit(enrolled).pk, VisitState.CANCELLED, by="test")
    assert [channel for channel, _ in _corrections(enrolled)] == ["email", "sms"]
    assert message(enrolled, "morning").reason == Reason.VISIT_CANCELLED


@pytest.mark.parametrize(
    ("state", "sequence"), [(VisitState.COMPLETED, "aftercare"), (VisitState.NO_SHOW, "missed_visit")]
)
def test_how_a_visit_ended_starts_what_follows(clinic: Clinic, state: VisitState, sequence: str) -> None:
    enrolled = make_patient(clinic, sequences=["pretreatment", "aftercare", "missed_visit"])
    visit = _visit(enrolled)
    set_now(NOON + timedelta(days=14, hours=2))
    visits.settle(visit.pk, state, by="test")
    planned = enrolled.patient.messages.filter(state=State.PLANNED).values_list("sequence", flat=True)
    assert set(planned) == {sequence}
    with pytest.raises(InvalidVisit):
        visits.move(visit.pk, LATER, time(14, 0), by="test")


def test_a_completed_course_starts_its_last_messages_and_ends_once(clinic: Clinic) -> None:
    enrolled = make_patient(clinic, sequences=["course_end"])
    course = _visit(enrolled).course_id
    visits.complete_course(course, by="test")
    assert message(enrolled, "pain").state == State.PLANNED
    with pytest.raises(InvalidVisit):
        visits.complete_course(course, by="test")


def test_a_date_in_the_past_is_refused_in_one_line(clinic: Clinic) -> None:
    enrolled = make_patient(clinic)
    with pytest.raises(InvalidVisit, match="already passed"):
        _move(enrolled, NOON.date() - timedelta(days=1))
    assert _visit(enrolled).version == 1
