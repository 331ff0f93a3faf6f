"""Two workers at the same moment: a phone still gets one question."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from time import sleep
from uuid import UUID

import pytest
from django.db import connection

from campaigns.domain.dialogue import Asked
from campaigns.domain.visits import VisitKind
from campaigns.models import Clinic, Message
from campaigns.queries import questions
from campaigns.services import send
from tests.factories import NOON, make_clinic, make_patient, set_now
from tests.services.fakes import FakeSender

VISITS = [(VisitKind.SESSION, NOON.date() + timedelta(days=15), time(14, 0))]


def send_one() -> None:
    try:
        send.send_batch(limit=1)
    finally:
        connection.close()


def test_two_workers_ask_one_phone_one_question(
    open_clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    for last in "12":
        make_patient(open_clinic, email=f"p{last}@patients.example")
    due = [
        Message.objects.filter(patient=patient, asks="ready").get() for patient in open_clinic.patients.all()
    ]
    for message in due:
        message.topic, message.due_at = "check_ins", message.created_at
        message.save()
    read = questions.asked_by_text

    def read_slowly(patients: Collection[UUID], now: datetime) -> list[Asked]:
        found = read(patients, now)
        sleep(0.3)
        return found

    monkeypatch.setattr(questions, "asked_by_text", read_slowly)
    with ThreadPoolExecutor(2) as workers:
        for worker in [workers.submit(send_one) for _ in range(2)]:
            worker.result()
    states = Message.objects.filter(pk__in=[message.pk for message in due]).values_list("state", "reason")
    assert sorted(states) == [("accepted", ""), ("waiting", "question_open")]


def test_a_clinic_without_a_zone_stops_no_question_on_a_phone_that_is_shared(
    clinic: Clinic, provider: FakeSender
) -> None:
    far = make_clinic(name="Far Clinic")
    other = make_patient(far, email="p1@patients.example")
    asked = Message.objects.filter(patient=other.patient, asks="ready").get()
    set_now(asked.send_at)
    send.drain()
    Clinic.objects.filter(pk=far.pk).update(time_zone="Mars/Olympus")
    mine = make_patient(clinic, email="p2@patients.example", visits=VISITS).patient.messages.get(asks="ready")
    set_now(mine.send_at)
    send.drain()
    mine.refresh_from_db()
    assert mine.state == "accepted"
