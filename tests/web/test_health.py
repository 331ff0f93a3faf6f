"""Alive, fit to send, and what a page says while the database is away."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from campaigns.models import Alert, Attempt, Installation, Message, Patient
from campaigns.queries import clock
from tests.web import cast


def ready(client: Client) -> tuple[int, list[str]]:
    answer = client.get("/readyz")
    return answer.status_code, json.loads(answer.content)["reasons"]


@pytest.fixture
def working(db: None) -> Installation:
    """An installation whose worker has just reported."""
    return Installation.objects.update_or_create(pk=1, defaults={"last_tick_at": clock.now()})[0]


def test_it_is_ready_while_a_worker_reports(client: Client, working: Installation) -> None:
    assert ready(client) == (200, [])


def test_it_says_what_keeps_it_from_sending(client: Client, working: Installation) -> None:
    Installation.objects.update(paused=True, last_tick_at=clock.now() - timedelta(hours=1))
    status, reasons = ready(client)
    assert status == 503
    assert reasons[0] == "Sending is paused."
    assert reasons[1].startswith("No worker has reported since")


def test_it_is_not_ready_before_any_worker_reported(client: Client, db: None) -> None:
    assert "No worker has reported yet" in ready(client)[1][0]


def test_it_is_not_ready_while_alerts_wait_and_nobody_looks(client: Client, working: Installation) -> None:
    now = clock.now()
    waits = Alert.objects.create(urgency="emergency", rule="x", opened_at=now - timedelta(minutes=3))
    assert "Alerts wait and nobody is told" in ready(client)[1][0]
    Installation.objects.update(last_climb_at=now - timedelta(seconds=100))
    assert ready(client) == (200, [])
    Installation.objects.update(last_climb_at=now - timedelta(minutes=3))
    Alert.objects.filter(pk=waits.pk).update(acknowledged_at=now)
    assert ready(client) == (200, [])


def test_it_is_not_ready_with_zone_data_that_are_years_old(
    client: Client, working: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "ZoneInfo", lambda _: ZoneInfo("America/Los_Angeles"))
    status, [reason] = ready(client)
    assert status == 503
    assert reason.startswith("Zone data are stale")


def test_it_is_not_ready_while_nobody_settles_what_a_worker_left(
    client: Client, working: Installation, patient: Patient
) -> None:
    message = patient.messages.filter(channel="sms").earliest("pk")
    Message.objects.filter(pk=message.pk).update(state="attempting", epoch=1)
    started = timezone.now() - timedelta(minutes=5)
    tried = Attempt.objects.create(
        message=message, channel="sms", epoch=1, started_at=started, leased_at=started
    )
    assert "not being settled" in ready(client)[1][0]
    Attempt.objects.filter(pk=tried.pk).update(leased_at=timezone.now() - timedelta(minutes=2))
    assert ready(client) == (200, [])


def test_it_stays_ready_without_redis_and_says_so(
    client: Client, working: Installation, settings: object
) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"  # type: ignore[attr-defined]
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert "Redis does not answer" in json.loads(answer.content)["notes"][0]


def gone(*_: object) -> object:
    raise OperationalError("could not connect to server at secret-host")


@pytest.fixture
def away(db: None) -> Callable[[], object]:
    """Every question to the database fails."""
    return lambda: connection.execute_wrapper(gone)


@pytest.mark.parametrize("address", ["/", "/alerts", "/u/token", "/p/token", "/sign-in/token"])
def test_it_says_in_plain_words_that_the_database_is_away(
    pages: Client, patient: Patient, away: Callable[[], object], address: str
) -> None:
    with away():  # type: ignore[attr-defined]
        answer = pages.get(address)
    page = answer.content.decode()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "The database does not answer" in page
    assert "Traceback" not in page
    assert "secret-host" not in page


def test_it_answers_readiness_while_the_database_is_away(client: Client, away: Callable[[], object]) -> None:
    with away():  # type: ignore[attr-defined]
        assert ready(client)[0] == 503
        assert client.get("/healthz").status_code == 200


def test_it_loses_nothing_of_a_form_that_met_the_database_away(pages: Client, patient: Patient) -> None:
    address = f"/visits/{cast.first_visit(patient).pk}/settle/completed"
    with patch("campaigns.services.visits.replan", side_effect=OperationalError("gone")):
        assert pages.post(address).status_code == 503
    assert cast.first_visit(patient).state == "booked"


def test_it_shows_other_failures_without_a_traceback(coordinator: object, pages: Client) -> None:
    pages.raise_request_exception = False
    with patch("campaigns.queries.overview.unsent", side_effect=RuntimeError("secret")):
        answer = pages.get("/")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()
    assert "secret" not in answer.content.decode()
