"""The patient's page: what was said, what will be, and why."""

from __future__ import annotations

import json
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from campaigns.models import Alert, AuditEntry, Clinic, Message, Patient, Reply, Staff
from campaigns.queries import clock, patient_head
from campaigns.services.preview import as_read
from campaigns.web.filters import day, moment
from tests.web import cast, chart_cast
from tests.web.chart_steps import plain

MOST_QUERIES = 14
TO_RECORD = 5
"""Once in a quarter of an hour the look is put on record: a transaction with three statements in it."""


def page_of(pages: Client, patient: Patient, part: str = "") -> str:
    answer = pages.get(f"/patients/{patient.pk}{part}")
    assert answer.status_code == 200
    return answer.content.decode()


def queries(pages: Client, patient: Patient, part: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        page_of(pages, patient, part)
    return len(asked)


def test_it_shows_phone_mailbox_visits_and_timeline(pages: Client, patient: Patient) -> None:
    page = page_of(pages, patient)
    text = Message.objects.filter(patient=patient, channel="sms").exclude(sent_at=None).get()
    assert escape(text.body) in plain(page)
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
    long = chart_cast.long_story(clinic)
    assert (Message.objects.filter(patient=long).count(), long.replies.count()) >= (99, 40)
    for part in ("", "/print", "/history"):
        assert queries(pages, patient, part) == queries(pages, long, part) <= MOST_QUERIES + TO_RECORD
        assert queries(pages, patient, part) == queries(pages, long, part) <= MOST_QUERIES
    page, paper = page_of(pages, long), page_of(pages, long, "/print")
    # Seven answers in two lines; the question that nobody answered breaks one of them, and is a cross.
    assert (page.count("<circle"), page.count('class="dot"')) == (5 + 1, 2 + 1)
    assert (page.count('class="flare"'), page.count('class="gap"')) == (2 + 1, 1 + 1)
    assert page.count("<polyline") == 3 + 2
    table = page[page.index("<caption>The same as a table") :]
    assert table[: table.index("</table>")].count("<tr>") == len(chart_cast.ASKED) + 1
    assert "no answer" in table
    for row in chart_cast.ASKED:
        assert row[2] is None or f"<td><b>{row[2]}</b></td>" in paper
    assert paper.count("said 3") == 4  # 3, 30, 31 and 32
    assert paper.count("<circle") == page.count("<circle")


def test_it_says_at_the_top_what_is_next_and_what_waits(pages: Client, patient: Patient) -> None:
    planned = Message.objects.filter(patient=patient, state="planned").order_by("send_at")
    alert = Alert.objects.create(
        clinic=patient.clinic, patient=patient, urgency="urgent", rule="en.infection", opened_at=clock.now()
    )
    page = page_of(pages, patient)
    top = page[page.index('class="card summary"') : page.index('aria-label="On this page"')]
    assert day(cast.first_visit(patient).on_date) in top
    assert moment(planned[0].send_at, patient.clinic) in top
    assert "nobody has it yet" in top
    Alert.objects.filter(pk=alert.pk).update(acknowledged_by=Staff.objects.get(name="Coordinator"))
    assert "Coordinator has it" in page_of(pages, patient)
    # What is still to come can be read as the patient will read it.
    texts = planned.filter(channel="sms")
    assert page.count("As the patient will read it") == planned.count()
    [first] = as_read([texts.select_related("visit", "patient")[0]], patient.clinic, clock.now())
    assert escape(first.text) in plain(page)
    assert escape(first.english_text) in plain(page)


def test_the_file_for_the_chart_holds_what_was_said_and_answered(
    pages: Client, clinic: Clinic, coordinator: Staff
) -> None:
    patient = chart_cast.long_story(clinic)
    where = f"/patients/{patient.pk}/chart"
    assert pages.post(where).status_code == 403
    Staff.objects.filter(pk=coordinator.pk).update(role=Staff.Role.CLINICIAN)
    assert where in page_of(pages, patient)
    answer = pages.post(where)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    found = json.loads(answer.content)
    assert found["patient"]["given_name"] == "Test"
    assert [visit["state"] for visit in found["visits"]] == ["completed", "completed", "booked"]
    assert [row["value"] for row in found["answers"]] == [v for _, _, v in chart_cast.ASKED if v]
    assert len(found["replies"]) == patient.replies.count()
    assert {"note 0", "How is it?"} <= {message["words"] for message in found["messages"]}
    assert found["consents"][0]["evidence"] == "said yes at the desk"
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.object) == ("chart_exported", f"patient {patient.pk}")
    assert "File for the chart taken away" in pages.get(f"/patients/{patient.pk}/history").content.decode()


def test_who_changed_what_is_found_by_an_index(patient: Patient) -> None:
    with CaptureQueriesContext(connection) as asked:
        found = patient_head.changes(patient.pk)
    assert {entry.action for entry in found} == {"patient_enrolled", "consent_granted"}
    others = {"at": clock.now(), "actor": "x", "action": "visit_moved", "previous": "", "digest": ""}
    AuditEntry.objects.bulk_create(AuditEntry(object=f"visit {n}", **others) for n in range(2_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE audit_entry")
        cursor.execute(f"EXPLAIN {asked[-1]['sql']}")
        assert "_of_object" in str(cursor.fetchall())


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
