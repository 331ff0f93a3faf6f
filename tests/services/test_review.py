"""Approval: by a named person, for every text of a language, as it stands."""

from __future__ import annotations

from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries

from campaigns.delivery.wording import templates
from campaigns.models import AuditEntry, Wording
from campaigns.services.review import approve_language
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


def test_approving_a_language_costs_a_few_queries_and_counts_what_is_new(
    db: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    set_now(NOON)
    clinic = make_clinic(approved=False)
    Wording.objects.filter(clinic=clinic, language="ar", template="welcome/hello").update(
        state=Wording.State.APPROVED, approved_by="Dr. Other"
    )
    already = Wording.objects.filter(approved_by="Dr. Other").count()
    assert already
    with django_assert_max_num_queries(6):
        made = approve_language(clinic, "ar", by="Dr. Example", now=NOON)
    assert made == len(templates()) - already
    assert approve_language(clinic, "ar", by="Dr. Example", now=NOON) == 0
    rows = Wording.objects.filter(clinic=clinic, language="ar")
    assert {(row.state, row.approved_by, row.approved_at) for row in rows} == {
        (Wording.State.APPROVED, "Dr. Example", NOON)
    }
    newest = AuditEntry.objects.latest("seq")
    assert (newest.action, newest.actor, newest.detail) == (
        "wording_approved",
        "Dr. Example",
        {"language": "ar"},
    )
