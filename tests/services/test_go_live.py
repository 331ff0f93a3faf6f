"""Before an installation is live, nobody is written to but the addresses of the trial."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django import Settings

from campaigns.domain.errors import NotAllowed
from campaigns.models import AuditEntry, Clinic, Installation
from campaigns.services import examine, go_live
from campaigns.services.send import drain
from tests.factories import NOON, make_patient, message, set_now
from tests.services.fakes import FakeSender


def test_only_the_addresses_of_the_trial_are_written_to_until_it_ends(
    clinic: Clinic, provider: FakeSender, settings: Settings
) -> None:
    settings.TRIAL_RECIPIENTS = ["604 555 0190", "robin@clinic.example", "no number"]
    assert go_live.begin_trial(by="test")
    ours = make_patient(clinic, phone="+16045550190", email="robin@clinic.example", sequences=["welcome"])
    theirs = make_patient(clinic, phone="+16045550191", email="p@patients.example", sequences=["welcome"])
    drain()
    assert {one.to for one in provider.sent} == {"+16045550190", "robin@clinic.example"}
    assert message(ours, "hello").state == "accepted"
    assert set(theirs.patient.messages.exclude(state="planned").values_list("state", "reason")) == {
        ("skipped", "not_live")
    }
    assert any("Not live yet: messages go to the 3" in str(one) for one in examine._trial())
    call_command("go_live", "--by", "robin", stdout=StringIO())
    later = make_patient(clinic, phone="+16045550192", email="", sequences=["welcome"])
    drain()
    assert (message(later, "hello").state, provider.sent[-1].to) == ("accepted", "+16045550192")
    acts = AuditEntry.objects.filter(object="installation").order_by("seq").values_list("action", "actor")
    assert list(acts) == [("trial_begun", "test"), ("gone_live", "robin")]
    assert list(examine._trial()) == []
    with pytest.raises(NotAllowed, match="live already"):
        go_live.go_live(by="robin")


def test_the_first_clinic_begins_with_a_trial_and_the_next_does_not(db: None, settings: Settings) -> None:
    set_now(NOON)
    said = StringIO()
    words = ("--phone", "604-555-0134", "--address", "1 Example St")
    call_command("create_clinic", "--name", "Elm", *words, stdout=said)
    assert "Until `campaigns go-live`" in said.getvalue()
    assert Installation.objects.get().is_trial
    go_live.go_live(by="robin")
    call_command("create_clinic", "--name", "Oak", *words, stdout=said)
    assert not Installation.objects.get().is_trial
    settings.DEMO = True
    Clinic.objects.filter(name="Oak").delete()
    assert not go_live.begin_trial(by="test")
