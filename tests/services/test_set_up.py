"""What a clinic decides about its channels is changed by command, and the audit says by whom."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from campaigns.domain.errors import NotAllowed
from campaigns.models import AuditEntry, Clinic
from tests.factories import make_clinic

pytestmark = pytest.mark.django_db


def test_a_new_clinic_has_the_pace_of_a_long_code(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_clinic", name="Clinic", phone="+16045550134", address="1 Example Street")
    clinic = Clinic.objects.get()
    assert (clinic.segments_per_second, clinic.other_channel, clinic.opt_out_scope) == (1, True, "channel")


def test_each_choice_can_be_changed_and_is_on_record(capsys: pytest.CaptureFixture[str]) -> None:
    clinic = make_clinic()
    call_command("change_clinic", segments_per_second=3.0, other_channel="off", opt_out_scope="all")
    clinic.refresh_from_db()
    assert (clinic.segments_per_second, clinic.other_channel, clinic.opt_out_scope) == (3, False, "all")
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.actor) == ("clinic_changed", "command line")
    assert "Changed Westside Pain Clinic" in capsys.readouterr().out


def test_nothing_to_change_and_a_pace_that_cannot_be_are_refused() -> None:
    make_clinic()
    with pytest.raises(CommandError, match="Say what to change"):
        call_command("change_clinic")
    for rate in (-1.0, 1e9, float("nan")):
        with pytest.raises(NotAllowed, match="between 0"):
            call_command("change_clinic", segments_per_second=rate)
