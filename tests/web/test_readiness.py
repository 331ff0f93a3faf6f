"""Readiness reaches staff before the visit: who is ready, who is not, who says nothing, and why."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.domain.visits import VisitKind
from campaigns.models import Clinic, ContactPoint, Patient
from campaigns.queries import clock
from campaigns.queries.readiness import coming
from campaigns.services.send import drain
from tests.factories import NOON, make_patient, set_now
from tests.web import cast

DAY = NOON.date() + timedelta(days=14)


def booked(clinic: Clinic, last: int, at: time, kind: VisitKind = VisitKind.SESSION) -> Patient:
    sequences = ["previsit", "pretreatment"]
    phone = f"+160455501{last:02d}"
    return make_patient(clinic, phone=phone, visits=[(kind, DAY, at)], sequences=sequences).patient


def ask(patient: Patient, question: str) -> None:
    asked = patient.messages.get(asks=question)
    set_now(max(clock.now(), asked.send_at))
    drain()


def standings(clinic: Clinic) -> list[tuple[str, bool]]:
    return [(one.standing.value, any(told.late for told in one.told)) for one in coming(clinic, DAY)]


@pytest.mark.parametrize(("answer", "standing"), [("yes", "yes"), ("no", "no"), ("", "silent")])
@pytest.mark.parametrize(
    ("kind", "question"), [(VisitKind.SESSION, "ready"), (VisitKind.CONSULTATION, "confirm")]
)
def test_it_says_what_each_patient_said(
    clinic: Clinic, kind: VisitKind, question: str, answer: str, standing: str
) -> None:
    patient = booked(clinic, 21, time(14), kind)
    assert standings(clinic) == [("to_come", False)]
    ask(patient, question)
    if answer:
        cast.answer(patient.messages.get(asks=question), answer)
    assert standings(clinic) == [(standing, False)]


def test_it_says_why_somebody_was_not_asked(pages: Client, clinic: Clinic) -> None:
    patient = booked(clinic, 21, time(14))
    ContactPoint.objects.filter(patient=patient).update(state="bad")
    ask(patient, "ready")
    assert standings(clinic) == [("not_asked", False)]
    page = pages.get(f"/readiness?day={DAY}").content.decode()
    assert "Not asked" in page
    assert "does not work" in page


def test_it_lists_the_day_by_time_with_counts_and_what_a_call_needs(pages: Client, clinic: Clinic) -> None:
    later, sooner = booked(clinic, 21, time(15)), booked(clinic, 22, time(9))
    Patient.objects.filter(pk=sooner.pk).update(interpreter="Cantonese")
    ask(sooner, "ready")
    cast.answer(sooner.messages.get(asks="ready"), "no")
    assert [one.visit.course.patient for one in coming(clinic, DAY)] == [sooner, later]
    page = pages.get(f"/readiness?day={DAY}").content.decode()
    assert "Cantonese" in page
    assert "<b>1</b>" in page
    assert ">Not ready<" in page
    assert 'href="tel:+16045550122"' in page


@pytest.mark.parametrize("day", ["", "nonsense", "0001-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_that_is_none_is_today(pages: Client, clinic: Clinic, day: str) -> None:
    page = pages.get("/readiness", {"day": day}).content.decode()
    assert "Mon Nov 2" in page
    assert "No visits on this day." in page


def test_it_asks_the_database_no_more_often_for_more_visits(pages: Client, clinic: Clinic) -> None:
    booked(clinic, 21, time(9))
    few = queries(pages)
    for hour in range(10, 14):
        booked(clinic, 20 + hour, time(hour))
    assert queries(pages) == few


def queries(pages: Client) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert pages.get(f"/readiness?day={DAY}").status_code == 200
    return len(asked)
