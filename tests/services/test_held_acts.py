"""What reaches many waits for a second person and five minutes; then it is done once, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client

from campaigns.domain.errors import NotAllowed
from campaigns.models import AuditEntry, Clinic, ClinicChange, HeldAct, Staff
from campaigns.queries import clock
from campaigns.services import clinic_changes, held_acts
from campaigns.services.held_acts import HOLD, approve, recall, run_due
from tests.factories import make_clinic, set_now
from tests.factories import make_staff as make_coordinator

CHANGE = HeldAct.Kind.CLINIC_CHANGE


def make_staff(clinic: Clinic, email: str, *, role: Staff.Role) -> Staff:
    """Somebody with another role."""
    staff = make_coordinator(clinic, email)
    staff.role = role
    staff.save(update_fields=["role"])
    return staff


@pytest.fixture
def clinic(db: None) -> Clinic:
    return make_clinic()


@pytest.fixture
def asker(clinic: Clinic) -> Staff:
    return make_staff(clinic, "ada@clinic.example", role=Staff.Role.ADMINISTRATOR)


@pytest.fixture
def second(clinic: Clinic) -> Staff:
    return make_staff(clinic, "cleo@clinic.example", role=Staff.Role.CLINICIAN)


def proposed(by: Staff, reached: int, fee: str = "$90") -> ClinicChange:
    """A change of the settings whose dry run found so many patients."""
    shown = {"fee_text": by.clinic.fee_text}
    change = clinic_changes.propose(by=by, shown=shown, after={"fee_text": fee})
    change.effect = {**change.effect, "total": reached, "planned_again": reached, "touched": reached}
    change.save(update_fields=["effect"])
    assert clinic_changes.count(change.pk) == reached
    return change


def asked(by: Staff, reached: int = 900) -> HeldAct:
    held = held_acts.ask(CHANGE, str(proposed(by, reached).pk), by=by)
    assert held is not None
    return held


def fee(clinic: Clinic) -> str:
    return Clinic.objects.get(pk=clinic.pk).fee_text


def later(step: timedelta) -> None:
    set_now(clock.now() + step)


def test_what_reaches_few_is_done_at_once(clinic: Clinic, asker: Staff) -> None:
    assert held_acts.ask(CHANGE, str(proposed(asker, clinic.large_act_limit).pk), by=asker) is None
    assert fee(clinic) == "$90"
    assert not HeldAct.objects.exists()


def test_what_reaches_many_is_done_five_minutes_after_a_second_person_agreed(
    clinic: Clinic, asker: Staff, second: Staff
) -> None:
    set_now(clock.now())
    held = asked(asker, clinic.large_act_limit + 1)
    assert held_acts.ask(CHANGE, held.object_id, by=asker) == held
    assert (run_due(), fee(clinic)) == (0, clinic.fee_text)
    approve(held.pk, by=second)
    later(HOLD - timedelta(seconds=1))
    assert (run_due(), fee(clinic)) == (0, clinic.fee_text)
    later(timedelta(seconds=1))
    assert (run_due(), fee(clinic)) == (1, "$90")
    assert run_due() == 0
    held.refresh_from_db()
    assert (held.ending, held.approved_by) == ("done", second)
    assert held_acts.ask(CHANGE, held.object_id, by=asker) is None, "a second press of an old page"
    acts = AuditEntry.objects.filter(action__startswith="held_act").values_list("action", flat=True)
    assert list(acts.order_by("seq")) == ["held_act_asked", "held_act_approved", "held_act_done"]


def test_it_can_be_recalled_up_to_the_last_second_and_not_after(
    clinic: Clinic, asker: Staff, second: Staff
) -> None:
    set_now(clock.now())
    held = asked(asker)
    approve(held.pk, by=second)
    later(HOLD)
    recall(held.pk, by=asker)
    assert (run_due(), fee(clinic)) == (0, clinic.fee_text)
    for act in (approve, recall):
        with pytest.raises(NotAllowed, match="over"):
            act(held.pk, by=second)


def test_nobody_approves_what_is_not_theirs_to_approve(clinic: Clinic, asker: Staff, second: Staff) -> None:
    held = asked(asker)
    with pytest.raises(NotAllowed, match="Somebody else"):
        approve(held.pk, by=asker)
    for role in (Staff.Role.COORDINATOR, Staff.Role.TRANSLATOR, Staff.Role.AUDITOR):
        with pytest.raises(NotAllowed):
            approve(held.pk, by=make_staff(clinic, f"{role}@clinic.example", role=role))
    stranger = make_staff(make_clinic(), "far@far.example", role=Staff.Role.CLINICIAN)
    with pytest.raises(HeldAct.DoesNotExist):
        approve(held.pk, by=stranger)
    approve(held.pk, by=second)
    with pytest.raises(NotAllowed, match="already"):
        approve(held.pk, by=make_staff(clinic, "third@clinic.example", role=Staff.Role.CLINICIAN))
    with pytest.raises(NotAllowed):
        held_acts.ask(CHANGE, str(proposed(asker, 900, "$91").pk), by=second)


@pytest.mark.parametrize("meanwhile", ["grew", "other values", "left"])
def test_what_is_not_what_was_shown_is_refused(
    clinic: Clinic, asker: Staff, second: Staff, meanwhile: str
) -> None:
    set_now(clock.now())
    held = asked(asker)
    approve(held.pk, by=second)
    later(HOLD)
    if meanwhile == "grew":
        with patch.object(clinic_changes, "count", return_value=901):
            assert run_due() == 0
    elif meanwhile == "other values":
        Clinic.objects.filter(pk=clinic.pk).update(fee_text="$70")
        assert run_due() == 0
    else:
        Staff.objects.filter(pk=asker.pk).update(is_active=False)
        assert run_due() == 0
    held.refresh_from_db()
    assert (held.ending, held.why) == ("refused", "not_allowed" if meanwhile == "left" else "changed")
    assert fee(clinic) != "$90"


@pytest.mark.usefixtures("committed")
def test_two_who_do_it_at_once_do_it_once() -> None:
    clinic = make_clinic()
    asker = make_staff(clinic, "ada@clinic.example", role=Staff.Role.ADMINISTRATOR)
    second = make_staff(clinic, "cleo@clinic.example", role=Staff.Role.CLINICIAN)
    set_now(clock.now())
    held = asked(asker)
    approve(held.pk, by=second)
    later(HOLD)

    def run(_number: int) -> int:
        try:
            return run_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 1
    assert AuditEntry.objects.filter(action="held_act_done").count() == 1


def test_the_pages_lead_there_and_back(clinic: Clinic, asker: Staff, second: Staff) -> None:
    change = proposed(asker, 900)
    browser, other = Client(), Client()
    browser.force_login(asker)
    other.force_login(second)
    where = browser.post(f"/clinic/changes/{change.pk}/apply", follow=True)
    assert where.redirect_chain == [("/held", 302)]
    assert "900 patients would be written to." in where.content.decode()
    assert "/approve" not in where.content.decode()
    assert "Approve?" in other.get("/").content.decode()
    held = HeldAct.objects.get()
    assert f"/held/{held.pk}/approve" in other.get("/held").content.decode()
    approve(held.pk, by=second)
    assert "Goes at" in browser.get("/").content.decode()
    recalled = browser.post(f"/held/{held.pk}/recall", follow=True).content.decode()
    assert "Nobody was written to." in recalled
    assert "Recalled" in recalled
