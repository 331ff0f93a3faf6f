"""What a clinic changes counts at the claim at once and in every plan after it; a dry run leaves no trace."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.domain.errors import NotAllowed
from campaigns.domain.overrides import Unfit
from campaigns.models import (
    AuditEntry,
    Clinic,
    ClinicChange,
    Enrollment,
    Message,
    Patient,
    Staff,
    StepCount,
    StepSetting,
)
from campaigns.queries import clock
from campaigns.services import clinic_changes, plan, step_settings
from campaigns.services.clinic_changes import Stale
from campaigns.services.send import send_batch
from campaigns.services.set_up import create_staff
from tests.factories import NOON, make_clinic, make_patient, set_now

EVERY = ("previsit", "pretreatment", "aftercare")
OFF = {"off": "too_many_messages", "note": ""}


@pytest.fixture
def clinic(db: None) -> Clinic:
    set_now(NOON)
    return make_clinic()


@pytest.fixture
def administrator(clinic: Clinic) -> Staff:
    return create_staff(
        email="ada@clinic.example", name="Ada", role=Staff.Role.ADMINISTRATOR, clinic=clinic, by="test"
    )


def propose(by: Staff, step: str, sequence: str = "pretreatment", **values: object) -> ClinicChange:
    shown = step_settings.values(by.clinic, sequence, step)
    return clinic_changes.propose(by, dict(values), shown, sequence=sequence, step=step)


def plan_all() -> None:
    while clinic_changes.follow_changes():
        pass


def test_what_is_switched_off_does_not_leave_although_nobody_was_planned_again(
    clinic: Clinic, administrator: Staff
) -> None:
    patient = make_patient(clinic).patient
    due = patient.messages.filter(step="morning").get()
    set_now(due.send_at)
    patient.messages.exclude(pk=due.pk).update(state="cancelled", reason="operator_cancelled")
    change = propose(administrator, "morning", **OFF)
    clinic_changes.apply(change.pk, by=administrator)
    assert send_batch().tried == 0
    due.refresh_from_db()
    assert (due.state, due.reason) == ("skipped", "step_off")
    on = propose(administrator, "morning", off="", note="")
    assert clinic_changes.effect_of(on).back == 1
    clinic_changes.apply(on.pk, by=administrator)
    plan_all()
    assert send_batch().tried == 1
    due.refresh_from_db()
    assert due.state == "accepted"


def test_a_dry_run_leaves_no_trace_and_says_what_planning_will_do(
    clinic: Clinic, administrator: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [make_patient(clinic, phone=f"+1604555015{n}", sequences=EVERY).patient for n in range(4)]
    rows = list(Message.objects.order_by("pk").values("pk", "send_at", "state", "reason"))
    digests = list(Enrollment.objects.order_by("pk").values_list("digest", flat=True))
    change = propose(administrator, "morning", minutes=-240)
    effect = clinic_changes.effect_of(change)
    assert (effect.total, effect.touched, effect.retimed, effect.is_sample) == (4, 4, 4, False)
    monkeypatch.setattr(clinic_changes, "SAMPLE", 3)
    Patient.objects.filter(pk=people[0].pk).update(clinic=clinic)
    part = clinic_changes.effect_of(propose(administrator, "morning", minutes=-240))
    assert (part.planned_again, part.is_sample, part.recipients) == (3, True, 4)
    assert clinic_changes.count(change.pk) == 4
    assert list(Message.objects.order_by("pk").values("pk", "send_at", "state", "reason")) == rows
    assert list(Enrollment.objects.order_by("pk").values_list("digest", flat=True)) == digests
    clinic_changes.apply(change.pk, by=administrator)
    plan_all()
    change.refresh_from_db()
    assert (change.planned_again, change.followed_at) == (4, clock.now())
    before = {row["pk"]: row["send_at"] for row in rows}
    moved = [m for m in Message.objects.all() if m.send_at != before[m.pk]]
    assert [m.send_at - before[m.pk] for m in moved] == [timedelta(hours=-1)] * 4
    assert plan.replan_changed() == 0


def test_one_who_cannot_be_planned_keeps_no_dry_run_from_the_others(
    clinic: Clinic, administrator: Staff
) -> None:
    ill, _well = (make_patient(clinic, phone=f"+1604555015{n}") for n in range(2))
    Enrollment.objects.filter(course__patient=ill.patient).update(sequence="gone")
    effect = clinic_changes.effect_of(
        clinic_changes.propose(administrator, {"send_days": [0]}, {"send_days": [0, 1, 2, 3, 4, 5]})
    )
    assert (effect.total, effect.planned_again, effect.unreadable, effect.touched) == (2, 1, 1, 1)
    assert not effect.is_sample


def test_it_is_made_once_by_an_administrator_of_the_clinic_and_only_as_it_was_seen(
    clinic: Clinic, administrator: Staff
) -> None:
    elsewhere = create_staff(
        email="kit@far.example", name="Kit", role="administrator", clinic=make_clinic(name="Far"), by="test"
    )
    change = propose(administrator, "morning", **OFF)
    other = propose(administrator, "morning", off="not_our_care", note="")
    with pytest.raises(ClinicChange.DoesNotExist):
        clinic_changes.apply(change.pk, by=elsewhere)
    Staff.objects.filter(pk=administrator.pk).update(role="coordinator")
    administrator.refresh_from_db()
    with pytest.raises(NotAllowed):
        clinic_changes.apply(change.pk, by=administrator)
    with pytest.raises(NotAllowed):
        propose(administrator, "morning", **OFF)
    administrator.role = "administrator"
    clinic_changes.apply(change.pk, by=administrator)
    clinic_changes.apply(change.pk, by=administrator)
    assert AuditEntry.objects.filter(action="step_changed").count() == 1
    with pytest.raises(Stale):
        clinic_changes.apply(other.pk, by=administrator)
    with pytest.raises(Unfit):
        propose(administrator, "nsaids", **OFF)
    assert StepSetting.objects.get().off_reason == "too_many_messages"


def test_planning_with_changed_steps_takes_as_many_queries_as_without(
    clinic: Clinic, administrator: Staff
) -> None:
    people = [make_patient(clinic, phone=f"+1604555015{n}", sequences=EVERY).patient.pk for n in range(2)]

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            plan.replan_many(people, clock.now())
        return len(seen)

    plain = queries()
    for step, values in {"morning": OFF, "nsaids": {"opens": "11:00", "closes": "12:00"}}.items():
        clinic_changes.apply(propose(administrator, step, **values).pk, by=administrator)
    plan_all()
    assert queries() == plain


def test_a_change_that_the_file_has_outgrown_counts_for_nothing(clinic: Clinic, administrator: Staff) -> None:
    patient = make_patient(clinic).patient
    before = list(patient.messages.order_by("pk").values("send_at", "state", "reason"))
    row = {"clinic": clinic, "sequence": "pretreatment", "by": "x", "at": NOON}
    StepSetting.objects.create(step="nsaids", off_reason="other", **row)
    StepSetting.objects.create(step="gone", off_reason="other", **row)
    StepSetting.objects.create(step="avoid", offset_days=-9, **row)
    assert plan.replan_changed() == 1
    assert list(patient.messages.order_by("pk").values("send_at", "state", "reason")) == before
    _sequence, steps = step_settings.followed(clinic, "pretreatment")
    assert [one.file.key for one in steps if one.unfit] == ["nsaids", "avoid"]
    assert not any(one.off for one in steps)


def test_it_counts_who_is_in_which_step(clinic: Clinic) -> None:
    first, second = (make_patient(clinic, phone=f"+1604555015{n}").patient for n in range(2))
    second.messages.filter(step="nsaids").update(state="accepted", sent_at=NOON - timedelta(days=3))
    second.messages.filter(step="avoid").update(state="accepted", sent_at=NOON - timedelta(days=9))
    assert clinic_changes.count_steps() == clinic_changes.count_steps() == 5
    found = {row.step: (row.ahead, row.next_up, row.sent) for row in StepCount.objects.all()}
    assert found == {
        "": (2, 0, 0),
        "nsaids": (1, 1, 1),
        "avoid": (1, 0, 0),
        "day_before": (2, 1, 0),
        "morning": (2, 0, 0),
    }
    assert first.messages.count() == second.messages.count()
