"""Approval from the command line and at set-up: by a named person, for every text of a language."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import DjangoAssertNumQueries

from campaigns.delivery.pages import pages
from campaigns.delivery.translations import NO_OWN_WORDS
from campaigns.delivery.wording import templates
from campaigns.models import AuditEntry, Clinic, OwnWording, Wording
from campaigns.services.review import approve_language
from campaigns.services.standings import names
from tests.factories import NOON, make_clinic, set_now


@pytest.fixture
def fresh(db: None) -> Clinic:
    """A clinic that has approved nothing but English."""
    set_now(NOON)
    return make_clinic(approved=False)


def test_a_clinician_approves_a_whole_language_once(fresh: Clinic) -> None:
    arabic = Wording.objects.filter(clinic=fresh, language="ar")
    assert not arabic.exists()  # what nobody has looked at is a draft
    call_command("approve_wording", language="ar", by="Dr. Example")
    assert {(wording.state, wording.approved_by) for wording in arabic.all()} == {
        (Wording.State.APPROVED, "Dr. Example")
    }
    assert arabic.count() == len(templates()) + len(pages())
    assert not Wording.objects.filter(clinic=fresh, language="fa", state=Wording.State.APPROVED).exists()


def test_the_command_leaves_what_the_checks_refuse_and_says_so(
    fresh: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    OwnWording.objects.create(
        clinic=fresh,
        language="ar",
        context="welcome.hello.sms.body",
        text="Hello",
        written_by="x",
        written_at=NOON,
    )
    with pytest.raises(CommandError, match="1 texts were left"):
        call_command("approve_wording", language="ar", by="Dr. Example")
    assert "left: welcome/hello sms ar: The checks find something wrong" in capsys.readouterr().out
    left = Wording.objects.filter(clinic=fresh, language="ar", template="welcome/hello", channel="sms")
    assert not left


def test_approving_a_language_costs_a_few_queries_and_counts_what_is_new(
    fresh: Clinic, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    approve_language(fresh, "ar", by="Dr. Other", now=NOON)
    Wording.objects.exclude(template="welcome/hello").filter(language="ar").delete()
    already = Wording.objects.filter(language="ar", approved_by="Dr. Other").count()
    assert already
    with django_assert_max_num_queries(7):
        made = approve_language(fresh, "ar", by="Dr. Example", now=NOON)
    assert made == len(list(names("ar", NO_OWN_WORDS))) - already
    assert approve_language(fresh, "ar", by="Dr. Example", now=NOON) == 0
    rows = Wording.objects.filter(clinic=fresh, language="ar")
    assert {(row.state, row.approved_by, row.approved_at) for row in rows} == {
        (Wording.State.APPROVED, "Dr. Example", NOON)
    }
    newest = AuditEntry.objects.latest("seq")
    assert (newest.action, newest.actor, newest.detail) == (
        "wording_approved",
        "Dr. Example",
        {"language": "ar"},
    )
