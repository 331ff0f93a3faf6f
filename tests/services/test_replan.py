"""Planning again: only a change of timing gives a message another time."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from django.db import connection
from django.db.models import F

from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.steps import Window
from campaigns.domain.visits import VisitState
from campaigns.models import Clinic, Enrollment, Message, Patient
from campaigns.queries import clock, sequence_files
from campaigns.services import plan, visits
from tests.factories import NOON, make_clinic, make_patient, message


@pytest.fixture(autouse=True)
def patient(clinic: Clinic) -> None:
    """Somebody with a session in two weeks."""
    make_patient(clinic, sequences=["pretreatment", "aftercare"])


def changed_file(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """The pretreatment file says something else in its first step."""
    old = sequence_files.load("pretreatment")
    first = replace(old.steps[0], **changes)  # type: ignore[arg-type]
    files = {**sequence_files.load_all(), "pretreatment": replace(old, steps=(first, *old.steps[1:]))}
    monkeypatch.setattr(sequence_files, "load_all", lambda: files)


def times() -> dict[int, object]:
    return dict(Message.objects.values_list("pk", "send_at"))


def test_nothing_is_planned_again_while_nothing_changes() -> None:
    assert plan.replan_changed() == 0


def test_other_words_in_a_file_plan_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    changed_file(monkeypatch, purpose="The same, told in other words.")
    assert plan.replan_changed() == 0


def test_another_timing_in_a_file_plans_its_patients_again_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = times()
    changed_file(monkeypatch, window=Window(opens=time(11), closes=time(12)))
    assert (plan.replan_changed(), plan.replan_changed()) == (1, 0)
    moved = {row.step for row in Message.objects.all() if row.send_at != before[row.pk]}
    assert moved == {sequence_files.load("pretreatment").steps[0].key}


@pytest.mark.parametrize(
    "change",
    [{"settings": {**Clinic().settings, "nsaid_days_before": 10}}, {"send_from": time(12)}],
    ids=["washout", "hours"],
)
def test_another_timing_of_the_clinic_plans_its_patients_again_once(
    clinic: Clinic, change: dict[str, object]
) -> None:
    before = times()
    Clinic.objects.filter(pk=clinic.pk).update(**change)
    assert (plan.replan_changed(), plan.replan_changed()) == (1, 0)
    assert times() != before


def test_new_zone_data_plan_everybody_again_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the old data had put an hour off comes back to the hour of the visit."""
    before = times()
    hour = timedelta(hours=1)
    Message.objects.update(
        send_at=F("send_at") + hour, due_at=F("due_at") + hour, expires_at=F("expires_at") + hour
    )
    assert plan.replan_changed() == 0
    monkeypatch.setattr(clock, "zone_data", lambda: "another release")
    assert (plan.replan_changed(), plan.replan_changed()) == (1, 0)
    assert times() == before


def test_one_call_plans_so_many_patients_at_most(clinic: Clinic) -> None:
    make_patient(clinic, phone="+16045550102", email="other@patients.example")
    Enrollment.objects.update(digest="")
    assert [plan.replan_changed(limit=1) for _ in range(4)][-1] == 0
    assert not Enrollment.objects.filter(digest="").exists()


def test_what_nothing_owes_any_more_says_so(clinic: Clinic) -> None:
    """A nudge to book, once the next visit is booked."""
    enrolled = make_patient(clinic, phone="+16045550103", email="", sequences=["aftercare"])
    visit = enrolled.course.visits.get()
    visits.settle(visit.pk, VisitState.COMPLETED, by="test")
    nudge = message(enrolled, "plan_next")
    assert nudge.state == State.PLANNED
    enrolled.course.visits.create(
        number=2, kind="session", on_date=NOON.date() + timedelta(days=60), at_time=time(14)
    )
    plan.replan_patient(enrolled.patient.pk)
    nudge.refresh_from_db()
    assert (nudge.state, nudge.reason) == (State.CANCELLED, Reason.NOT_NEEDED)


def test_a_clinic_begins_with_the_figures_of_the_sequence_files(clinic: Clinic) -> None:
    assert clinic.settings == {key: setting.default for key, setting in sequence_files.settings().items()}


def test_who_cannot_be_planned_is_named_and_stops_no_other(
    clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    lost, sealed, sound = (
        make_patient(clinic, phone=f"+160455501{n}", email=f"p{n}@patients.example").patient
        for n in (71, 72, 73)
    )
    far = make_clinic(name="Far Clinic")
    make_patient(far, phone="+16045550174", email="p74@patients.example")
    Patient.objects.filter(pk=lost.pk).update(time_zone="Mars/Olympus")
    Clinic.objects.filter(pk=far.pk).update(time_zone="Mars/Olympus")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patient SET given_name = 'k9:AAAA' WHERE id = %s", [sealed.pk])
    Enrollment.objects.update(digest="another")
    before = times()
    # Four of five: the one of this module, the lost one by the clinic's clock, and the sound one.
    assert plan.replan_changed() == 3
    named = {
        (str(line.msg), str(vars(line).get("patient") or vars(line).get("clinic"))) for line in caplog.records
    }
    assert ("the time zone of a patient does not exist", str(lost.pk)) in named
    assert {str(sealed.pk), str(far.pk)} < {which for _, which in named}
    fresh = Enrollment.objects.exclude(digest="another").values_list("course__patient_id", flat=True)
    assert {lost.pk, sound.pk} < set(fresh)
    assert times() == before
