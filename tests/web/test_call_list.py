"""The call list: nobody who is silent, or was not reached, is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitState
from campaigns.models import AuditEntry, Call, Clinic, ContactPoint, Message, Patient, Staff
from campaigns.queries import clock
from campaigns.queries.calls import call_list
from campaigns.services.consent import opt_out
from campaigns.services.plan import replan_patient
from campaigns.services.send import drain
from campaigns.services.visits import settle
from tests.factories import NOON, make_patient, set_now
from tests.web import cast

DAY = timedelta(days=1)


@pytest.fixture
def silent(clinic: Clinic) -> Patient:
    """Somebody who was treated, has a phone and e-mail, and answers nothing."""
    return treated(clinic, "+16045550141")


def treated(clinic: Clinic, phone: str) -> Patient:
    patient = make_patient(clinic, phone=phone, sequences=["aftercare"]).patient
    Patient.objects.filter(pk=patient.pk).update(interpreter="Cantonese")
    set_now(NOON + timedelta(days=14, hours=2))
    settle(cast.first_visit(patient).pk, VisitState.COMPLETED, by="test")
    return patient


def live(until: datetime) -> None:
    """Let the hours pass, sending what is due."""
    while clock.now() < until:
        set_now(min(until, clock.now() + timedelta(hours=3)))
        drain()


def names(clinic: Clinic) -> list[str]:
    """What is on the list for today: the question, or the step that was not said."""
    found = call_list(clinic, clock.now()).today
    return [item.message.step if item.unsaid else item.message.asks for one in found for item in one.items]


def post(pages: Client, patient: Patient, outcome: str, note: str = "") -> str:
    answer = pages.post(f"/call-list/{patient.pk}/called", {"outcome": outcome, "note": note}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_who_answers_nothing_is_asked_once_more_elsewhere_and_then_called(
    pages: Client, clinic: Clinic, silent: Patient
) -> None:
    done = clock.now()
    live(done + 2 * DAY)
    asked = silent.messages.filter(asks="pain").exclude(sent_at=None).order_by("sent_at")
    assert [(m.step, m.channel) for m in asked] == [("next_day", "sms"), ("next_day_again", "email")]
    assert names(clinic) == []
    live(done + 3 * DAY)
    assert names(clinic) == ["pain"]
    page = pages.get("/call-list").content.decode()
    assert "(604) 555-0141" in page or "604-555-0141" in page
    assert "Cantonese" in page
    assert "Pain, 0 to 10" in page


def test_who_answers_is_not_called(clinic: Clinic, silent: Patient) -> None:
    live(clock.now() + timedelta(hours=30))
    asked = silent.messages.get(step="next_day")
    cast.answer(asked, "3")
    live(clock.now() + 3 * DAY)
    assert "pain" not in names(clinic)


@pytest.mark.parametrize(
    ("outcome", "note", "tomorrow"),
    [("reached", "", False), ("gave_up", "moved away", False), ("no_answer", "", True)],
)
def test_a_call_settles_the_matter_or_brings_it_back(
    pages: Client, clinic: Clinic, silent: Patient, outcome: str, note: str, tomorrow: bool
) -> None:
    live(clock.now() + 3 * DAY)
    assert names(clinic) == ["pain"]
    post(pages, silent, outcome, note)
    assert names(clinic) == []
    assert len(call_list(clinic, clock.now()).later) == tomorrow
    set_now(clock.now() + timedelta(hours=14))
    assert names(clinic) == (["pain"] if tomorrow else [])
    assert AuditEntry.objects.get(action="call_recorded").detail == {"outcome": outcome}


@pytest.mark.parametrize(("outcome", "says"), [("", "Say how"), ("gave_up", "Say why")])
def test_it_keeps_no_call_without_its_end_and_none_given_up_without_a_reason(
    pages: Client, silent: Patient, outcome: str, says: str
) -> None:
    assert says in post(pages, silent, outcome)
    assert not Call.objects.exists()


def test_the_note_is_not_readable_in_the_database(pages: Client, silent: Patient) -> None:
    post(pages, silent, "reached", "knee is <b>fine</b>")
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM call")
        assert "knee" not in str(cursor.fetchone())
    assert Call.objects.get().note == "knee is <b>fine</b>"


def opts_out(point: ContactPoint) -> None:
    opt_out(point.address_index, Channel(point.channel), source="test", now=NOON)


def breaks(point: ContactPoint) -> None:
    point.state = "bad"
    point.save()
    replan_patient(point.patient_id)


@pytest.mark.parametrize(
    ("happens", "says"), [(opts_out, "asked us to stop"), (breaks, "We have no number or address")]
)
def test_whom_nobody_could_tell_what_to_avoid_is_called_before_the_visit(
    pages: Client, clinic: Clinic, happens: Callable[[ContactPoint], None], says: str
) -> None:
    patient = make_patient(clinic, phone="+16045550142", email="").patient
    first = Message.objects.get(patient=patient, step="nsaids", channel="sms")
    happens(ContactPoint.objects.get(patient=patient))
    assert names(clinic) == []
    live(first.send_at + timedelta(hours=1))
    assert names(clinic) == ["nsaids"]
    assert says in pages.get("/call-list").content.decode()
    settle(cast.first_visit(patient).pk, VisitState.CANCELLED, by="test")
    assert names(clinic) == []


def test_whoever_was_reached_on_one_channel_is_not_called(clinic: Clinic) -> None:
    patient = make_patient(clinic, phone="+16045550142").patient
    opts_out(ContactPoint.objects.get(patient=patient, channel="sms"))
    live(Message.objects.get(patient=patient, step="nsaids", channel="sms").send_at + timedelta(hours=1))
    assert names(clinic) == []


def test_it_asks_the_database_no_more_often_for_more_patients(
    pages: Client, clinic: Clinic, silent: Patient
) -> None:
    live(clock.now() + 3 * DAY)
    before = queries(pages)
    for last in range(3):
        set_now(NOON)
        treated(clinic, f"+1604555015{last}")
    live(clock.now() + 3 * DAY)
    assert len(call_list(clinic, clock.now()).today) == 4
    assert queries(pages) == before


def queries(pages: Client) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert pages.get("/call-list").status_code == 200
    return len(asked)


def test_another_clinic_sees_and_calls_nobody_of_ours(stranger: Staff, silent: Patient) -> None:
    live(clock.now() + 3 * DAY)
    client = Client()
    client.force_login(stranger)
    assert "Nobody to call now." in client.get("/call-list").content.decode()
    assert client.post(f"/call-list/{silent.pk}/called", {"outcome": "reached"}).status_code == 404
