"""Redis is not there for more than an hour of the installation's clock, from the first moment on; then it is
back, and is emptied again and again, and falls asleep."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from django.db.models import F

from campaigns.domain.lifecycle import State
from campaigns.local import children, valkey
from campaigns.local.children import wait_until
from campaigns.local.folders import Site, make_state, prepare, remove_sockets
from campaigns.models import Alert, Attempt, Clinic, Message, Tick
from campaigns.services.duties import STALE
from tests.chaos import broker
from tests.chaos.conftest import World, world_on
from tests.factories import NOON, make_patient, set_now

pytestmark = pytest.mark.load

AWAY, STEP = timedelta(minutes=75), timedelta(minutes=5)
"""For so long there is no Redis, and so far the clock goes at a time: nothing is later than one step."""
PHONES = [f"+160455501{number}" for number in range(10, 58)]
DUE = 24
"""Messages while it is away, three minutes apart: a text and an e-mail for each of a dozen patients."""
FIRST, LAST = PHONES[0], PHONES[DUE // 2 - 1]
EMPTIED = 7
"""How often Redis is emptied once it is there, a second apart."""
CELERY = ["celery", "-A", "worker"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: Any) -> Iterator[Site]:
    """Where a Valkey will be: nobody has started it."""
    state = make_state(tmp_path_factory.mktemp("late"))
    place = prepare(state, "late", tcp=False, fast=True)
    yield place
    remove_sockets(place)
    shutil.rmtree(place.home, ignore_errors=True)


@pytest.fixture(scope="module")
def forked(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any, site: Site
) -> Iterator[World]:
    """Programs whose Redis is not there."""
    state: Path = tmp_path_factory.mktemp("away")
    with world_on(state, redis_url=valkey.url(site, 0)) as world:
        world.twilio.inbound_url = f"{world.base_url}/webhooks/twilio/inbound"
        beat = [*CELERY, "beat", "--pidfile=", "-s", str(state / "beat")]
        worker = [*CELERY, "worker", "-P", "solo", "--without-gossip", "--without-mingle"]
        world.programs.start("worker", worker)
        world.programs.start("beat", beat)
        yield world


@pytest.fixture
def redis(site: Site) -> Iterator[Callable[[], children.Child]]:
    """Starts it."""
    started: list[children.Child] = []

    def start() -> children.Child:
        started.append(valkey.start(site, 0))
        valkey.when_ready(site, started[0])
        return started[0]

    yield start
    for child in started:
        children.stop(child, valkey.FAREWELL, valkey.PATIENCE)


def due(first: datetime, each: timedelta, count: int) -> None:
    """Make so many waiting messages due one after another."""
    waiting = Message.objects.filter(state=State.PLANNED, due_at__gt=NOON + 2 * AWAY).order_by("pk")
    for number, message in enumerate(waiting[:count]):
        Message.objects.filter(pk=message.pk).update(due_at=first + number * each)


def gone(now: datetime) -> bool:
    """Whether nothing that is due waits."""
    return not Message.objects.filter(due_at__lte=now, state=State.PLANNED).exists()


def taken(world: World) -> int:
    return world.twilio.count + world.smtp.count


def once(world: World) -> bool:
    """Whether each try was the only one of its message, and each was taken."""
    tries = list(Attempt.objects.values_list("message_id", "outcome"))
    was_taken = {outcome for _, outcome in tries} == {"accepted"}
    return was_taken and len(tries) == len({key for key, _ in tries}) == taken(world)


def spend_an_hour(world: World, clinic: Clinic) -> None:
    """The clock goes on; on the way somebody says STOP and somebody is in danger."""
    for step in range(AWAY // STEP + 1):
        now = NOON + step * STEP
        set_now(now)
        assert wait_until(lambda now=now: gone(now), 15), world.programs.log("watch").read_text()  # type: ignore[misc]
        if step == 5:
            assert world.twilio.reply(LAST, "STOP", to=clinic.sms_number) == 200
            assert world.twilio.reply(FIRST, "I cannot breathe", to=clinic.sms_number) == 200
            assert Alert.objects.filter(urgency="emergency").count() == 1
            assert urllib3.request("GET", f"{world.base_url}/healthz", timeout=5).status == 200


def said(world: World) -> tuple[int, list[str]]:
    """What the site says of itself: the status, and every line."""
    answer = urllib3.request("GET", f"{world.base_url}/readyz", timeout=5, retries=False)
    return answer.status, [*answer.json()["reasons"], *answer.json()["notes"]]


def fall_asleep(world: World, broker_pid: int, now: datetime) -> None:
    """A broker that takes connections and says nothing: seen from outside of it, and over when it wakes."""
    os.kill(broker_pid, signal.SIGSTOP)
    try:
        time.sleep(1)  # what it had handed out is done by now
        due(now, timedelta(0), 1)
        # Two minutes and more pass for the duties. Who still does one would say so anew.
        Tick.objects.update(at=F("at") - 2 * STALE, first_at=F("first_at") - 2 * STALE)
        time.sleep(7)
        assert not gone(now)
        status, lines = said(world)
        assert status == 503
        assert "Nobody is looking for due messages any more." in lines
        assert "Nobody is climbing the alert ladder any more." in lines
        assert "Redis does not answer: sending waits for it, nothing is lost." in lines
    finally:
        os.kill(broker_pid, signal.SIGCONT)
    assert wait_until(lambda: gone(now), 60), world.programs.log("worker").read_text()
    assert wait_until(lambda: not any("any more" in line for line in said(world)[1]), 30, 0.2), said(world)


def test_redis_may_be_away_for_an_hour_be_emptied_and_fall_asleep(
    world: World, clinic: Clinic, site: Site, redis: Callable[[], children.Child]
) -> None:
    for phone in PHONES:
        make_patient(clinic, phone=phone, email=f"p{phone[-2:]}@patients.example", sequences=["welcome"])
    later = NOON + timedelta(days=1)
    Message.objects.update(due_at=later, expires_at=NOON + timedelta(days=3))
    due(NOON, timedelta(minutes=3), DUE)
    world.programs.start("watch", ["campaigns", "send-due", "--watch", "--every", "0.2"])
    spend_an_hour(world, clinic)
    assert Message.objects.filter(reason="opted_out", due_at__lte=NOON + AWAY).count() == 1
    # One less than was due, and the words on danger, and the confirmation of STOP.
    assert wait_until(lambda: taken(world) == DUE - 1 + 2, 10), taken(world)
    # A try is written down a moment after it was taken.
    assert wait_until(lambda: once(world), 10)

    del world.programs.commands["watch"]
    world.programs.kill("watch")
    assert wait_until(lambda: "watch" not in world.programs.pids, 10)
    before, now = taken(world), NOON + AWAY
    due(now, timedelta(0), 1)
    server = redis()
    assert wait_until(lambda: taken(world) == before + 1, 45), world.programs.log("worker").read_text()
    for _ in range(EMPTIED):
        due(now, timedelta(0), 1)
        assert broker.empty(valkey.url(site, 0))
        assert broker.found(valkey.url(site, 0)) == []
        time.sleep(0.5)
        due(now, timedelta(0), 1)
        time.sleep(0.5)
    assert wait_until(lambda: gone(now), 15), world.programs.log("worker").read_text()
    fall_asleep(world, server.pid, now)
    assert wait_until(lambda: once(world), 10)
    assert taken(world) > before + 2 * EMPTIED
    for name in ("worker", "beat", "watch", "web"):
        assert "Traceback" not in world.programs.log(name).read_text(), name
