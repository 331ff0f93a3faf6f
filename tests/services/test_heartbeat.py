"""Silence is loud: an outside service stops hearing from us, and somebody gets an e-mail."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django.fixtures import Settings

import worker
from campaigns import tasks
from campaigns.domain import watching
from campaigns.domain.watching import Watch, Word
from campaigns.local import children, embedded
from campaigns.local.loopback_smtp import LoopbackSmtp
from campaigns.local.processes import ROOT
from campaigns.management.commands import send_due
from campaigns.models import Installation, Tick
from campaigns.queries import ticks
from campaigns.services import duties, fetch_mail, heartbeat, plan, receive_mail, watch
from campaigns.services.climb import climb
from campaigns.services.duties import Duty
from campaigns.services.reconcile import reconcile
from campaigns.services.send import send_batch
from campaigns.services.take_in import take_up_waiting

NOON = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
LONG_AGO = timedelta(minutes=3)


@pytest.fixture
def working(db: None) -> None:
    """Everything has just been done."""
    Installation.objects.get_or_create(pk=1)
    for duty in Duty:
        ticks.mark(duty)


def stop(duty: Duty) -> None:
    Tick.objects.filter(duty=duty).update(at=timezone.now() - LONG_AGO)


# --- duties


@pytest.mark.parametrize(
    ("duty", "work"),
    [
        (Duty.SENDING, send_batch),
        (Duty.SETTLING, reconcile),
        (Duty.CLIMBING, climb),
        (Duty.READING, take_up_waiting),
        (Duty.READING_MAIL, receive_mail.read_waiting),
        (Duty.PLANNING, plan.replan_changed),
    ],
)
def test_a_duty_says_that_it_ran_by_the_real_clock_and_seldom(
    db: None, duty: Duty, work: Callable[[], object]
) -> None:
    Installation.objects.create(pk=1, rehearsal_now=NOON)
    work()
    written = Tick.objects.get(duty=duty)
    assert abs(written.at - timezone.now()) < timedelta(seconds=30)
    work()
    assert Tick.objects.get(duty=duty).at == written.at  # not again within ten seconds
    for odd in (-timedelta(seconds=11), timedelta(hours=1)):  # long ago, and a clock that was put back
        Tick.objects.filter(duty=duty).update(at=timezone.now() + odd)
        work()
        assert abs(Tick.objects.get(duty=duty).at - timezone.now()) < timedelta(seconds=5)
    assert Tick.objects.get(duty=duty).first_at == written.first_at


def test_a_duty_that_fails_has_not_run(db: None) -> None:
    @duties.fulfils(Duty.CLIMBING)
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert not Tick.objects.exists()


def test_a_mailbox_that_cannot_be_read_falls_silent(working: None, settings: Settings) -> None:
    settings.INBOUND_IMAP_URL = "imap://demo:demo@127.0.0.1:9/INBOX?tls=none"
    Tick.objects.filter(duty=Duty.FETCHING).update(at=timezone.now() - timedelta(minutes=4))
    assert fetch_mail.fetch_mail() == 0
    assert duties.silent() == [Duty.FETCHING]


# --- the heartbeat


class Outside:
    """A service on this machine that waits to be asked for an address."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outside.asked.append(self.path)
                self.send_response(outside.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is said."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/key"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()


@pytest.fixture
def outside() -> Iterator[Outside]:
    service = Outside()
    yield service
    service.server.shutdown()
    service.server.server_close()


def test_the_outside_service_hears_from_us_only_while_every_duty_is_done(
    working: None, outside: Outside, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not heartbeat.send()
    settings.HEARTBEAT_URL = outside.url
    tasks.send_heartbeat()
    assert outside.asked == ["/key"]
    stop(Duty.SETTLING)
    tasks.send_heartbeat()
    assert outside.asked == ["/key"]
    ticks.mark(Duty.SETTLING)
    Installation.objects.update(paused=True, lost_since=NOON)
    assert not heartbeat.send()
    Installation.objects.update(lost_since=None)  # a pause that somebody wanted is no silence
    outside.status = 302
    assert not heartbeat.send()
    assert outside.asked == ["/key", "/key"]  # and nobody was followed elsewhere
    monkeypatch.setattr("campaigns.delivery.heartbeat.TIME_OUT", 0.2)
    settings.HEARTBEAT_URL = "http://127.0.0.1:9/key"
    assert not heartbeat.send()
    settings.HEARTBEAT_URL = "http://heartbeat.example/key"
    assert not heartbeat.send()  # refused before anybody is asked: the test's network guard would fail


def test_what_the_beat_asks_for_is_done_without_it_in_the_same_rhythm() -> None:
    rhythms = {one["task"]: one["schedule"] for one in worker.app.conf.beat_schedule.values()}
    names = {"send": "heartbeat", "read_waiting": "read_mail", "tell": "tell_endpoints", "run": "run_imports"}
    names["run_due"] = "run_held_acts"
    chores = {names.get(chore.__name__, chore.__name__): every for chore, every in send_due.CHORES.items()}
    assert chores | {"climb": send_due.CLIMB_EVERY} == {
        task: every for task, every in rhythms.items() if every >= 5 and task != "reconcile"
    }
    assert {duty: every.total_seconds() for duty, every in duties.EVERY.items()} == {
        Duty.PLANNING: rhythms["replan_changed"],
        Duty.FETCHING: rhythms["fetch_mail"],
    }


def test_without_a_beat_every_chore_is_done_and_one_that_fails_ends_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    stop = threading.Event()

    def fails() -> None:
        done.append("fails")
        raise ZeroDivisionError

    def ends() -> None:
        done.append("ends")
        stop.set()

    monkeypatch.setattr(send_due, "CHORES", {fails: 60.0, ends: 60.0})
    send_due._do_chores_until(stop)
    assert done == ["fails", "ends"]


# --- when something is said

AWAY = (watching.AWAY,)
SENDING = ("sending",)
BOTH = ("sending", "climbing")


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([(), ()], []),
        ([AWAY, (), AWAY, ()], []),  # a restart is not news
        ([AWAY, AWAY, AWAY, ()], [Word.BEGAN, Word.OVER]),
        ([AWAY, SENDING], [Word.BEGAN]),
        ([SENDING, SENDING], [Word.BEGAN]),
        ([SENDING, BOTH, BOTH], [Word.BEGAN, Word.BEGAN]),
        ([BOTH, BOTH, SENDING], [Word.BEGAN]),
        ([SENDING, (), ()], [Word.BEGAN, Word.OVER]),
        ([SENDING, (), SENDING], [Word.BEGAN, Word.OVER, Word.BEGAN]),
        ([SENDING] * 121, [Word.BEGAN, Word.LASTS]),
        ([SENDING] * 241, [Word.BEGAN, Word.LASTS, Word.LASTS]),
    ],
)
def test_it_is_said_once_each_hour_and_when_it_is_over(
    looks: list[tuple[str, ...]], said: list[Word]
) -> None:
    known, words = Watch(), []
    for number, faults in enumerate(looks):
        known, word = watching.look(known, faults, NOON + number * timedelta(seconds=30))
        words += [word] if word else []
    assert words == said


# --- the watch


@pytest.fixture
def relay(settings: Settings) -> Iterator[LoopbackSmtp]:
    """Where words to staff go."""
    with LoopbackSmtp() as server:
        settings.ALERT_EMAIL_URL, settings.WATCH_EMAIL = server.url, ["owner@clinic.example"]
        yield server


def words_of(relay: LoopbackSmtp) -> list[str]:
    return [mail.raw.decode() for mail in relay.mails]


def test_somebody_gets_an_e_mail_that_says_what_is_silent(working: None, relay: LoopbackSmtp) -> None:
    known = watch.look(Watch(), NOON)
    stop(Duty.CLIMBING)
    for number in range(3):
        known = watch.look(known, NOON + number * timedelta(seconds=30))
    [first] = relay.mails
    assert first.recipients == ("owner@clinic.example",)
    assert b"Nobody is being told of alerts" in first.raw
    assert "Personne n" in first.raw.decode()
    ticks.mark(Duty.CLIMBING)
    relay.refuse()
    known = watch.look(known, NOON)
    relay.listen()
    known = watch.look(known, NOON)  # what could not be said is said by the next look
    watch.look(known, NOON)
    assert [b"again" in mail.raw for mail in relay.mails] == [False, True]


def test_a_database_that_is_away_is_told_too(working: None, relay: LoopbackSmtp) -> None:
    def gone(*_: object) -> object:
        raise OperationalError("could not connect to server at secret-host")

    known = Watch()
    for number in range(2):
        with connection.execute_wrapper(gone):
            known = watch.look(known, NOON + number * timedelta(seconds=30))
    [text] = words_of(relay)
    assert "The database does not answer" in text
    assert "secret-host" not in text


@pytest.mark.slow
def test_the_watch_is_a_process_that_needs_neither_worker_nor_redis_nor_the_database(
    relay: LoopbackSmtp, tmp_path: Path
) -> None:
    """Its database is one of its own: a server that is killed under it and comes back."""
    log = tmp_path / "watch.log"
    with embedded.start(tmp_path / "state", fast=True) as servers:
        env = {
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": "redis://127.0.0.1:9/0",
            "CAMPAIGNS_STATE": str(tmp_path / "state"),
            "ALERT_EMAIL_URL": relay.url,
            "WATCH_EMAIL": "owner@clinic.example",
        }
        # The tables that it reads and no more: making them all takes longer than the test.
        with psycopg.connect(servers.database_url) as made:
            made.execute("CREATE TABLE tick (duty text PRIMARY KEY, at timestamptz, first_at timestamptz)")
            made.execute(
                "CREATE TABLE installation"
                " (id int, paused bool, lost_since timestamptz, rehearsal_now timestamptz)"
            )
            made.execute("CREATE TABLE channel_state (shut_until timestamptz, since timestamptz)")
        child = children.spawn(
            [sys.executable, "-m", "campaigns", "watch", "--every", "0.2"], log=log, env=env, cwd=ROOT
        )
        try:
            looked = tmp_path / "state" / "watched"
            assert children.wait_until(looked.exists, 20), log.read_text()
            os.kill(servers.postgres.pid, signal.SIGKILL)
            assert children.wait_until(lambda: relay.count == 1, 20), log.read_text()
            assert "The database does not answer" in words_of(relay)[0]
            servers.revive()
            assert children.wait_until(lambda: relay.count == 2, 20), log.read_text()
            assert "Everything is being done again" in words_of(relay)[1]
            child.send_signal(signal.SIGTERM)
            assert child.wait(10) == 0
        finally:
            children.stop(child, signal.SIGTERM, 5)
    assert "Traceback" not in log.read_text()
