"""Why did it not go? Each message that did not, with its reason and its patient."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.models import Message, Patient
from tests.factories import NOON
from tests.web import cast


def text(client: Client, address: str = "/messages/unsent") -> str:
    return client.get(address).content.decode()


def ended(patient: Patient, state: str, reason: str, days_ago: int = 1) -> Message:
    message = Message.objects.filter(patient=patient, state="planned").order_by("send_at")[0]
    message.state, message.reason = state, reason
    message.settled_at = NOON - timedelta(days=days_ago)
    message.save(update_fields=["state", "reason", "settled_at"])
    return message


def test_it_says_so_when_all_went_well(pages: Client) -> None:
    assert "went out and arrived" in text(pages)


def test_each_reason_on_the_first_page_leads_to_its_messages(pages: Client, patient: Patient) -> None:
    ended(patient, "skipped", "expired")
    ended(patient, "undelivered", "unreachable")
    address = "/messages/unsent?state=undelivered&amp;reason=unreachable"
    assert f'href="{address}"' in text(pages, "/")
    page = text(pages, address.replace("&amp;", "&"))
    assert page.count(f'href="/patients/{patient.pk}#timeline"') == 1
    assert 'aria-current="page"' in page


def test_without_a_choice_it_shows_the_most_frequent_reason(pages: Client, patient: Patient) -> None:
    ended(patient, "undelivered", "unreachable")
    for _ in range(2):
        ended(patient, "skipped", "expired")
    assert text(pages).count(f'href="/patients/{patient.pk}#timeline"') == 2


@pytest.mark.parametrize(
    "query", ["state=planned&reason=", "state=delivered&reason=", "state=x%00&reason=y", "state=skipped"]
)
def test_only_what_did_not_go_is_shown_whatever_is_asked(pages: Client, patient: Patient, query: str) -> None:
    ended(patient, "skipped", "expired")
    page = text(pages, f"/messages/unsent?{query}")
    assert "Test Patient" not in page
    assert "No message ended so" in page


def test_what_is_older_than_a_week_is_left_out(pages: Client, patient: Patient) -> None:
    ended(patient, "skipped", "expired", days_ago=8)
    assert "went out and arrived" in text(pages)


def test_another_clinic_sees_none_of_it(client: Client, stranger: object, patient: Patient) -> None:
    ended(patient, "skipped", "expired")
    client.force_login(stranger)  # type: ignore[arg-type]
    assert "Test Patient" not in text(client, "/messages/unsent?state=skipped&reason=expired")


def test_it_asks_the_same_few_questions_for_any_number_of_messages(
    pages: Client, patient: Patient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        ended(patient, "skipped", "expired")
    other = cast.new_patient(patient.clinic, phone="+16045550121")
    ended(other, "skipped", "expired")
    with django_assert_max_num_queries(16):  # four of them put the look on record
        pages.get("/messages/unsent")
