"""Approval: by a named person, for every text of a language, as it stands."""

from __future__ import annotations

from django.core.management import call_command

from campaigns.delivery.wording import templates
from campaigns.models import Wording
from tests.factories import NOON, make_clinic, set_now


def test_a_clinician_approves_a_whole_language_once(db: None) -> None:
    set_now(NOON)
    clinic = make_clinic(approved=False)
    french = Wording.objects.filter(clinic=clinic, language="fr-CA")
    assert {wording.state for wording in french} == {Wording.State.DRAFT}
    call_command("approve_wording", language="fr-CA", by="Dr. Example")
    assert {(wording.state, wording.approved_by) for wording in french.all()} == {
        (Wording.State.APPROVED, "Dr. Example")
    }
    assert french.count() == len(templates())
    assert not Wording.objects.filter(clinic=clinic, language="ar", state=Wording.State.APPROVED).exists()
