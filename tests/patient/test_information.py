"""The page behind a text: the sheet of the same step, in the patient's language."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from campaigns.domain.visits import VisitState
from campaigns.models import Patient
from campaigns.queries import clock
from campaigns.services import visits
from campaigns.services.send import send_batch
from tests.factories import set_now
from tests.patient.conftest import Link
from tests.web import cast


@pytest.fixture
def treated(arabic: Patient) -> Patient:
    """The aftercare text has just been sent."""
    visit = arabic.courses.get().visits.get(number=2)
    after = cast.evening(visit.on_date)
    set_now(after)
    visits.settle(visit.pk, VisitState.COMPLETED, by="test")
    for hours in range(1, 24):
        set_now(after + timedelta(hours=hours))
        send_batch()
    return arabic


def test_it_shows_the_sheet_in_the_patient_s_language(client: Client, treated: Patient, link: Link) -> None:
    answer = client.get(link(treated, "p"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'lang="ar" dir="rtl"' in page
    assert "911" in page
    assert treated.given_name not in page
    assert "/u/" not in page


def test_it_lets_the_sheet_load_and_run_nothing(client: Client, treated: Patient, link: Link) -> None:
    headers = client.get(link(treated, "p")).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_it_asks_the_patient_to_call_when_there_is_no_sheet(
    client: Client, treated: Patient, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.services.unsubscribe._sheet", lambda message, approved: "")
    page = client.get(link(treated, "p")).content.decode()
    assert "يرجى الاتصال بنا" in page
    assert "604-555-0134" in page


def test_it_takes_no_post(client: Client, treated: Patient, link: Link) -> None:
    assert client.post(link(treated, "p")).status_code == 405


def test_a_sheet_opens_for_a_month_and_then_says_whom_to_call(
    client: Client, treated: Patient, link: Link
) -> None:
    address, sent = link(treated, "p"), clock.now()
    set_now(sent + timedelta(days=29))
    assert client.get(address).status_code == 200
    set_now(sent + timedelta(days=31))
    answer = client.get(address, headers={"Accept-Language": "ar"})
    page = answer.content.decode()
    assert answer.status_code == 404
    assert page.index('lang="ar"') < page.index("Please call your clinic") < page.rindex("8-1-1")
