"""Alive, fit to send, and what a page says while the database is away."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from campaigns.delivery import watch_words
from campaigns.models import Alert, Attempt, ChannelState, Installation, Message, Patient, Tick
from campaigns.queries import clock, ticks
from campaigns.services.duties import EVERY, NAMES, Duty
from campaigns.services.examine import examine
from campaigns.services.watch import faults
from tests.factories import make_clinic
from tests.web import cast


def ready(client: Client) -> tuple[int, list[str]]:
    answer = client.get("/readyz")
    return answer.status_code, json.loads(answer.content)["reasons"]


@pytest.fixture
def working(db: None) -> Installation:
    """An installation whose workers do everything that has to be done."""
    for duty in Duty:
        ticks.mark(duty)
    return Installation.objects.update_or_create(pk=1)[0]


def since(duty: Duty, age: timedelta) -> None:
    """That duty ran so long ago."""
    Tick.objects.filter(duty=duty).update(at=timezone.now() - age)


def test_it_is_ready_while_a_worker_reports(client: Client, working: Installation) -> None:
    assert ready(client) == (200, [])


def test_it_says_what_keeps_it_from_sending(client: Client, working: Installation) -> None:
    Installation.objects.update(paused=True)
    since(Duty.SENDING, timedelta(hours=1))
    assert ready(client) == (503, ["Sending is paused.", "Nobody is looking for due messages any more."])
    Installation.objects.update(lost_since=timezone.now())
    assert "reconcile-restore" in ready(client)[1][0]


def test_it_is_not_ready_before_any_worker_reported(client: Client, db: None) -> None:
    assert "No worker has reported yet" in ready(client)[1][0]


@pytest.mark.parametrize("duty", Duty)
def test_it_names_a_duty_that_nobody_does(
    client: Client, working: Installation, settings: Settings, duty: Duty
) -> None:
    settings.INBOUND_IMAP_URL = "imap://demo:demo@127.0.0.1:9/INBOX?tls=none"
    rhythm = EVERY.get(duty, timedelta(0))
    since(duty, timedelta(seconds=110) + rhythm)
    assert ready(client) == (200, [])
    since(duty, timedelta(seconds=130) + rhythm)
    assert ready(client) == (503, [f"Nobody is {NAMES[duty]} any more."])


def test_it_is_not_ready_while_alerts_wait_and_nobody_looks(client: Client, working: Installation) -> None:
    since(Duty.CLIMBING, timedelta(minutes=3))
    Alert.objects.create(urgency="emergency", rule="x", opened_at=timezone.now())
    assert ready(client) == (503, ["Nobody is climbing the alert ladder any more."])


def test_mail_is_missed_only_where_it_is_taken(
    client: Client, working: Installation, settings: Settings
) -> None:
    Tick.objects.filter(duty__in=[Duty.READING_MAIL, Duty.FETCHING]).delete()
    Tick.objects.update(first_at=timezone.now() - timedelta(hours=1))
    assert ready(client) == (200, [])
    settings.REPLY_DOMAIN = "reply.clinic.example"
    assert ready(client)[1] == ["Nobody is reading mail that was stored any more."]
    settings.INBOUND_IMAP_URL = "imap://demo:demo@127.0.0.1:9/INBOX?tls=none"
    assert len(ready(client)[1]) == 2
    Tick.objects.update(first_at=timezone.now())  # only just started
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
    with patch("campaigns.queries.today.read", side_effect=RuntimeError("secret")):
        answer = pages.get("/")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()
    assert "secret" not in answer.content.decode()


def test_the_button_does_not_resume_what_a_restore_has_paused(coordinator: object, pages: Client) -> None:
    Installation.objects.update_or_create(pk=1, defaults={"paused": True, "lost_since": timezone.now()})
    page = pages.post("/sending/resume", follow=True).content.decode()
    assert "Run `campaigns reconcile-restore` first" in page
    assert Installation.objects.get().paused
    call_command("resume", "--anyway")
    assert not Installation.objects.get().paused


def test_it_is_not_ready_while_a_provider_takes_nothing_for_long_and_somebody_is_told(
    client: Client, working: Installation
) -> None:
    shut = {"failures": 5, "shut_until": timezone.now(), "why": "provider_config"}
    row = ChannelState.objects.create(
        clinic=make_clinic(), channel="sms", since=timezone.now() - timedelta(minutes=5), **shut
    )
    assert (ready(client)[0], faults()) == (200, [])
    ChannelState.objects.filter(pk=row.pk).update(since=timezone.now() - timedelta(minutes=11))
    assert ready(client) == (503, ["The provider takes no texts any more."])
    assert faults() == [watch_words.SHUT]
    found = [finding for finding in examine() if "nothing goes by sms" in finding.what]
    assert "provider_config" in found[0].what


def test_it_is_not_ready_while_its_clock_is_off(client: Client, working: Installation) -> None:
    with patch.object(clock, "clock_fault", lambda: "The clocks differ"):
        assert ready(client) == (503, ["The clocks differ: set both by NTP."])
