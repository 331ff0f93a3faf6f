"""Alerts: seen, taken, closed by a named person with an outcome."""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns.models import Alert, Patient, Reply, Staff
from tests.factories import NOON


@pytest.fixture
def alert(patient: Patient) -> Alert:
    reply = Reply.objects.create(
        provider_id="SM1",
        clinic=patient.clinic,
        patient=patient,
        channel="sms",
        address_index="",
        body="my <chest> hurts",
        received_at=NOON,
        parser_version="1",
        outcome="alert",
    )
    return Alert.objects.create(
        clinic=patient.clinic,
        patient=patient,
        reply=reply,
        urgency="emergency",
        rule="red_flag",
        matched=["chest"],
        opened_at=NOON,
    )


def test_it_shows_the_text_its_matched_words_and_the_conversation(pages: Client, alert: Alert) -> None:
    page = pages.get("/alerts").content.decode()
    assert '<mark dir="auto">chest</mark>' in page
    assert page.count("my &lt;chest&gt; hurts") == 2
    assert 'lang="ar" dir="rtl"' in page


def test_it_names_who_has_it_in_hand(pages: Client, alert: Alert, coordinator: Staff) -> None:
    pages.post(f"/alerts/{alert.pk}/acknowledge")
    alert.refresh_from_db()
    assert alert.acknowledged_by == coordinator
    assert "In hand" in pages.get("/alerts").content.decode()


def test_it_does_not_close_without_an_outcome(pages: Client, alert: Alert) -> None:
    answer = pages.post(f"/alerts/{alert.pk}/close", {"outcome": ""}, follow=True)
    assert "Say how it ended before you close it." in answer.content.decode()
    alert.refresh_from_db()
    assert alert.closed_at is None


def test_it_closes_with_an_outcome_and_keeps_it(pages: Client, alert: Alert, coordinator: Staff) -> None:
    page = pages.post(f"/alerts/{alert.pk}/close", {"outcome": "reached"}, follow=True).content.decode()
    alert.refresh_from_db()
    assert (alert.outcome, alert.closed_by) == ("reached", coordinator)
    assert "No open alerts" in page
    assert "<td>Reached by phone</td>" in page


def test_it_shows_a_text_from_an_unknown_number_to_every_clinic(pages: Client, alert: Alert) -> None:
    Alert.objects.update(clinic=None, patient=None)
    assert "Unknown number" in pages.get("/alerts").content.decode()
