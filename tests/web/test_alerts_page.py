"""Alerts: seen, taken, closed by a named person with an outcome."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import Alert, AlertNotice, Clinic, Patient, Reply, Staff, Tick
from campaigns.services import escalate
from campaigns.services.duties import Duty
from tests.factories import NOON, make_staff


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


def test_the_second_of_two_is_told_who_has_it(pages: Client, alert: Alert, clinic: Clinic) -> None:
    escalate.acknowledge(alert.pk, make_staff(clinic, "kim@clinic.example"))
    page = pages.post(f"/alerts/{alert.pk}/acknowledge", follow=True).content.decode()
    assert "Coordinator has it already." in page


def test_no_answer_keeps_the_alert_with_its_note(pages: Client, alert: Alert) -> None:
    said = {"outcome": "no_answer", "note": "left a message <b>", "seen": "0"}
    page = pages.post(f"/alerts/{alert.pk}/close", said, follow=True).content.decode()
    assert "The alert is put back and comes again." in page
    assert "left a message &lt;b&gt;" in page
    assert "1 time," in page


def further(alert: Alert, number: int) -> Alert:
    """More words of the same patient."""
    assert alert.reply is not None
    reply = Reply.objects.get(pk=alert.reply.pk)
    reply.pk, reply.provider_id, reply.body = None, f"MORE{number}", f"more words {number}"
    reply.save()
    return escalate.open_alert(
        clinic=alert.clinic,
        reply=reply,
        patient=alert.patient,
        urgency="urgent",
        rule="en.infection",
        matched=["fever"],
        now=NOON,
    )


def test_further_words_stand_with_the_alert_and_nobody_closes_over_them(pages: Client, alert: Alert) -> None:
    assert further(alert, 1).part_of == alert
    page = pages.get("/alerts").content.decode()
    assert page.count('class="alert card') == 1
    assert "more words 1" in page
    assert '<b class="count">1</b>' in page
    answer = pages.post(f"/alerts/{alert.pk}/close", {"outcome": "reached", "seen": "0"}, follow=True)
    assert "The patient has written again: read it before you close." in answer.content.decode()


def test_a_further_text_that_is_only_a_picture_says_so(pages: Client, alert: Alert) -> None:
    part = further(alert, 2)
    assert part.reply_id is not None
    Reply.objects.filter(pk=part.reply_id).update(body="", files=1)
    page = pages.get("/alerts").content.decode()
    beside, _, _ = page.partition('<ol class="bubbles"')
    assert "(an empty text)</blockquote>" in beside
    assert "With 1 picture or file." in beside


def test_words_after_somebody_took_it_are_shown_as_new(pages: Client, alert: Alert) -> None:
    pages.post(f"/alerts/{alert.pk}/acknowledge")
    assert further(alert, 1).part_of is None
    page = pages.get("/alerts").content.decode()
    assert "New words. Coordinator has an earlier alert of this patient." in page


def test_more_alerts_take_no_more_questions_to_the_database(
    pages: Client, alert: Alert, coordinator: Staff
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            pages.get("/alerts")
        return len(queries)

    AlertNotice.objects.create(
        alert=alert, rung="on_duty", staff=coordinator, channel="sms", at=NOON, due_at=NOON
    )
    further(alert, 1)
    asked()  # the first look at an alert is put on record
    few = asked()
    for number in range(2, 12):
        more = further(alert, number)
        Alert.objects.filter(pk=more.pk).update(part_of=None)
        AlertNotice.objects.create(
            alert=more, rung="on_duty", staff=coordinator, channel="sms", at=NOON, due_at=NOON
        )
    asked()
    assert asked() == few <= 20


@pytest.mark.parametrize(("age", "old"), [(None, True), (12, False), (61, True)])
def test_it_says_when_alerts_were_last_checked(
    pages: Client, alert: Alert, age: int | None, old: bool
) -> None:
    Tick.objects.all().delete()
    if age is not None:
        checked = timezone.now() - timedelta(seconds=age)
        Tick.objects.create(duty=Duty.CLIMBING, at=checked, first_at=checked)
    for address in ("/", "/alerts"):
        page = pages.get(address).content.decode()
        assert ('class="checked old"' in page) is old
        assert age is None or f'data-age="{age}"' in page
