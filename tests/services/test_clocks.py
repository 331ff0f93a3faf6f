"""The database's clock counts: ours may be off by a day, that one may step, and each message goes once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from campaigns.delivery.channels import Ending, Outcome
from campaigns.domain.lifecycle import Reason, State
from campaigns.local.processes import ROOT
from campaigns.models import Attempt, Clinic, Installation, Message
from campaigns.queries import clock
from campaigns.services import send
from campaigns.services.deliver import Ready, deliver
from campaigns.services.reconcile import reconcile
from tests.factories import make_patient, set_now
from tests.services.fakes import FakeSender, due_text
from worker import app

HOUR = timedelta(hours=1)

SHIFTED = """
import datetime, json, sys, time
real, tell, shift = datetime.datetime, time.time, [0.0]
class Kind(type):
    def __instancecheck__(cls, value): return isinstance(value, real)
class Shifted(real, metaclass=Kind):
    @classmethod
    def now(cls, tz=None): return real.fromtimestamp(time.time(), tz)
datetime.datetime = Shifted
time.time = lambda: tell() + shift[0]
import django
django.setup()
from django.db import connection
from django.utils import timezone
from campaigns.queries import clock
from campaigns.services import reconcile, send
def go(seconds):
    shift[0] = seconds
    off = (timezone.now() - real.now(datetime.UTC)).total_seconds()
    sent = send.send_batch(1).tried
    reconcile.reconcile()
    return round(off), sent, bool(clock.clock_fault())
print(json.dumps([go(float(text)) for text in sys.argv[1:]]))
connection.close()
"""
"""Its own clock is off by each of its arguments (seconds) in turn, and it sends one message each time."""


def _elsewhere(*shifts: int) -> list[list[object]]:
    """What that process says: how far it was off, what it sent, and whether it saw that it was off."""
    at = connection.settings_dict
    place = f"{at['NAME']}?host={at['HOST']}&port={at['PORT']}"
    url = f"postgresql://{at['USER']}:{at['PASSWORD']}@/{place}"
    done = subprocess.run(
        [sys.executable, "-c", SHIFTED, *map(str, shifts)],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "campaigns.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told: list[list[object]] = json.loads(done.stdout)
    return told


def test_a_machine_whose_clock_is_off_sends_the_same_as_one_that_is_right(open_clinic: Clinic) -> None:
    shifts = [0, 3600, -3600, 86_400, -86_400]
    texts = [
        due_text(make_patient(open_clinic, email="", phone=f"+160455501{number:02}"))
        for number in range(len(shifts))
    ]
    set_now(texts[0].send_at)
    told = _elsewhere(*shifts)
    assert told == [[shift, 1, shift != 0] for shift in shifts]
    rows = Message.objects.filter(pk__in=[text.pk for text in texts]).values_list(
        *("state", "reason", "tries", "send_at", "due_at", "sent_at", "settled_at", "expires_at"),
        *("attempts__started_at", "attempts__finished_at", "attempts__outcome"),
    )
    assert len(rows) == len(shifts)
    assert len(set(rows)) == 1, set(rows)
    assert rows[0][0] == State.ACCEPTED
    leased = Attempt.objects.values_list("leased_at", flat=True)
    assert all(abs(timezone.now() - at) < timedelta(minutes=2) for at in leased)
    assert Installation.objects.get().last_tick_at == texts[0].send_at


def _step(message: Message, by: timedelta) -> None:
    """The clock of the database is put forward: what a lease says is so much longer ago."""
    Attempt.objects.filter(message=message).update(leased_at=F("leased_at") - by)


def test_a_clock_put_forward_in_the_middle_of_a_try_sends_nothing_twice(
    clinic: Clinic, provider: FakeSender
) -> None:
    message = due_text(make_patient(clinic, email=""))
    set_now(message.send_at)
    really, held = deliver, list[Sequence[Ready]]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(send, "deliver", held.append)
        send.send_batch()
    _step(message, HOUR)
    provider.look = lambda sought: Outcome(ending=Ending.NOT_SENT)
    assert (reconcile().lapsed, send.drain()) == (
        1,
        1,
    )  # for the others its lease and the quiet time are over
    really(held[0])  # it asks before its byte, and lets it be
    message.refresh_from_db()
    assert (message.state, message.duplicate_possible, len(provider.sent)) == (State.ACCEPTED, False, 1)


def test_a_clock_put_back_keeps_no_try_in_doubt_for_longer_than_a_lease(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = due_text(make_patient(clinic, email=""))
    set_now(message.send_at)
    monkeypatch.setattr(send, "deliver", lambda ready: None)
    send.send_batch()
    _step(message, -HOUR)
    provider.look = lambda sought: Outcome(ending=Ending.ACCEPTED, provider_id="SM1")
    assert reconcile().lapsed == 0
    leased = message.attempts.get().leased_at
    assert abs(timezone.now() - leased) < timedelta(minutes=1)
    _step(message, timedelta(seconds=90))
    assert (reconcile().lapsed, message.attempts.get().outcome) == (1, Ending.ACCEPTED)


def _another(message: Message) -> Message:
    """The same words once more, as a message of its own."""
    again = Message.objects.get(pk=message.pk)
    again.pk, again.enrollment_id, again.step = None, None, "avoid"
    again.save()
    return again


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_caps_and_ticks_outlive_a_clock_that_steps(
    clinic: Clinic, provider: FakeSender, by: timedelta
) -> None:
    Clinic.objects.update(sms_per_day=1)
    message = due_text(make_patient(clinic, email=""))
    at = message.send_at + HOUR
    set_now(at)
    send.drain()
    second = _another(message)
    Message.objects.filter(pk=second.pk).update(due_at=at - HOUR, state=State.PLANNED, capped=True)
    set_now(at + by)
    send.drain()
    second.refresh_from_db()
    assert (second.state, second.reason, len(provider.sent)) == (State.WAITING, Reason.CAP_REACHED, 1)
    assert Installation.objects.get().last_tick_at == at + by


@pytest.mark.parametrize(
    ("seconds", "off"), [(0, False), (4, False), (-4, False), (6, True), (-6, True), (86_400, True)]
)
@pytest.mark.django_db
def test_a_clock_that_is_off_is_named(monkeypatch: pytest.MonkeyPatch, seconds: int, off: bool) -> None:
    class Ours:
        """The clock of this machine."""

        @staticmethod
        def now() -> datetime:
            """So far off."""
            return timezone.now() + timedelta(seconds=seconds)

    monkeypatch.setattr(clock, "timezone", Ours)
    said = "The clocks of this machine and of the database differ by more than 5 s"
    assert clock.clock_fault() == (said if off else "")


def test_a_hint_outlives_a_clock_that_is_set_by_another_time_zone() -> None:
    furthest = 14 * 3600
    lives = {entry["options"]["expires"] for entry in app.conf.beat_schedule.values()}
    assert min(lives) > furthest
