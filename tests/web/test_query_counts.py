"""Every page of the URL map: few queries, and as many for many rows as for few."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Alert, Clinic, Patient, Staff
from campaigns.queries import clock
from tests.factories import NOON, make_patient
from tests.web import cast
from tests.web.proofs import with_app
from tests.web.test_routes import SIGNED_IN, address, objects

MOST = 14
"""Once the look at a page is on record: to know that takes two of them."""
BEYOND = {
    "patient": 15,
    "alerts": 16,
    "patient-history": 15,
    "inbox-patient": 22,
    "inbox-alert": 23,
    "enroll-again": 18,
    "write": 20,
    "patient-resume": 18,
    "visit-settle": 25,
    "course-complete": 25,
}
"""Pages that ask more than that all the same: a whole story, everything beside an alert, a dry run that plans
a patient anew. They must not grow."""
MANY = 6
"""Rows of each kind when all is counted again."""


def looked_before(page: str, patients: Collection[UUID], *, by: str, now: datetime | None = None) -> None:
    """As many queries as a look takes that is on record."""
    if patients:
        clock.now(), clock.now()


def counts(pages: Client, known: dict[str, Any]) -> dict[str, int]:
    """How many queries each page asks; what only takes forms is left out."""
    found = {}
    for name in sorted(SIGNED_IN, key=lambda name: name == "sign-out"):
        with CaptureQueriesContext(connection) as asked:
            answer = pages.get(address(name, **known))
        if answer.status_code == 200:
            found[name] = len(asked)
    return found


def crowd(clinic: Clinic, first: int, last: int) -> None:
    """Patients with an alert each, a question without an answer, one with, and what has not arrived."""
    for number in range(first, last):
        patient = make_patient(clinic, phone=f"+160455501{40 + number}", visits=cast.VISITS).patient
        Alert.objects.create(
            clinic=clinic, patient=patient, urgency="urgent", rule="free_text", opened_at=NOON
        )
        cast.answer(cast.question(patient), "4")
        cast.question(patient)
        late = patient.messages.filter(state="planned").earliest("send_at")
        late.state, late.reason, late.settled_at = "undelivered", "unreachable", NOON
        late.save(update_fields=["state", "reason", "settled_at"])


def test_each_page_asks_little_and_no_more_for_many_rows(
    pages: Client, clinic: Clinic, patient: Patient, coordinator: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.web.access.look", looked_before)
    known = objects(patient)
    Staff.objects.filter(pk=coordinator.pk).update(role=Staff.Role.ADMINISTRATOR)
    with_app(coordinator)
    pages.force_login(Staff.objects.get(pk=coordinator.pk))
    crowd(clinic, 0, 1)
    few = counts(pages, known)
    crowd(clinic, 1, MANY)
    many = counts(pages, known)
    assert len(few) > 25
    assert {name: (few[name], many[name]) for name in few if few[name] < many[name]} == {}
    assert {name: n for name, n in many.items() if n > BEYOND.get(name, MOST)} == {}
