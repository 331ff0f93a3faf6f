"""The patient's page: what was said, what will be, and why."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from campaigns.models import Clinic, Message, Patient, Reply, Staff
from campaigns.queries import clock
from campaigns.services.send import drain
from tests.factories import set_now
from tests.web import cast

MOST_QUERIES = 25
"""Four of them put the look on record."""


def page_of(pages: Client, patient: Patient) -> str:
    answer = pages.get(f"/patients/{patient.pk}")
    assert answer.status_code == 200
    return answer.content.decode()


def queries(pages: Client, patient: Patient) -> int:
    with CaptureQueriesContext(connection) as asked:
        page_of(pages, patient)
    return len(asked)


def test_it_shows_phone_mailbox_visits_and_timeline(pages: Client, patient: Patient) -> None:
    page = page_of(pages, patient)
    text = Message.objects.filter(patient=patient, channel="sms").exclude(sent_at=None).get()
    assert escape(text.body) in page
    assert 'lang="ar" dir="rtl"' in page
    mail = cast.sent_mail(patient)
    assert escape(mail.subject) in page
    assert f'src="/messages/{mail.pk}/html"' in page
    assert page.count('<li class="ours">') == 1
    assert page.count('class="state') >= Message.objects.filter(patient=patient).count()


def test_it_shows_the_mail_in_a_frame_that_runs_nothing(pages: Client, patient: Patient) -> None:
    answer = pages.get(f"/messages/{cast.sent_mail(patient).pk}/html")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_it_asks_the_database_no_more_often_for_a_longer_story(
    pages: Client, patient: Patient, clinic: Clinic
) -> None:
    few = queries(pages, patient)
    for planned in Message.objects.filter(patient=patient, state="planned").order_by("send_at")[:8]:
        set_now(planned.send_at)
        drain()
    assert Message.objects.filter(patient=patient).exclude(sent_at=None).count() > 6
    assert queries(pages, patient) == few <= MOST_QUERIES


def test_it_puts_a_reply_before_the_answer_of_the_same_moment(pages: Client, patient: Patient) -> None:
    text = Message.objects.filter(patient=patient, channel="sms").exclude(sent_at=None).get()
    Reply.objects.create(
        provider_id="SM1",
        clinic=patient.clinic,
        patient=patient,
        channel="sms",
        body="hello?",
        received_at=text.sent_at or clock.now(),
        outcome="alert",
    )
    page = page_of(pages, patient)
    # The list is written newest first and shown from its end.
    assert page.index('<li class="ours">') < page.index('<li class="theirs">')


def test_it_says_why_a_message_does_not_go(pages: Client, patient: Patient) -> None:
    Message.objects.filter(patient=patient, state="planned").update(state="skipped", reason="opted_out")
    assert "The patient asked us to stop" in page_of(pages, patient)


@pytest.mark.parametrize("query", ["?mail=0", "?mail=x", "?mail=999999999999999999999", "?mail="])
def test_it_opens_the_newest_mail_where_the_address_names_none(
    pages: Client, patient: Patient, query: str
) -> None:
    page = pages.get(f"/patients/{patient.pk}{query}").content.decode()
    assert f'src="/messages/{cast.sent_mail(patient).pk}/html"' in page


def test_it_does_not_know_the_patients_of_another_clinic(stranger: Staff, patient: Patient) -> None:
    outsider = Client()
    outsider.force_login(stranger)
    theirs = outsider.get(f"/patients/{patient.pk}")
    nobodys = outsider.get(f"/patients/{uuid.UUID(int=1)}")
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert theirs.content == nobodys.content
