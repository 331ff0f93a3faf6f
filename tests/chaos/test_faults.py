"""Rows of the fault table, one at a time: a real sender dies, sleeps or is lied to at a point where it is
held."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection, transaction
from django.db.models import F

from campaigns.domain.lifecycle import Purpose, State
from campaigns.domain.recipients import Channel
from campaigns.local.children import wait_until
from campaigns.local.loopback_server import HoldPoint
from campaigns.local.loopback_twilio import Fault
from campaigns.models import Alert, Attempt, Clinic, ContactPoint, Message, Reply
from campaigns.services import visits
from tests import factories
from tests.chaos.conftest import World
from tests.chaos.sinks import ChaosSmtp, ChaosTwilio, Order, wait_met
from tests.factories import make_patient, set_now

pytestmark = pytest.mark.load

LONG = 20.0
"""Seconds that a request is held where nobody lets it go: longer than any test takes."""


_numbers = count()


def due(clinic: Clinic, channel: Channel = Channel.SMS, phone: str = "") -> Message:
    """One message that is due now, and nothing else is. To a number of its own: the provider remembers
    others."""
    phone = phone or f"+16045550{100 + next(_numbers)}"
    email, phone = ("patient@patients.example", "") if channel is Channel.EMAIL else ("", phone)
    patient = make_patient(clinic, email=email, phone=phone).patient
    message = patient.messages.filter(channel=channel).order_by("send_at", "id")[0]
    patient.messages.exclude(pk=message.pk).delete()
    set_now(message.send_at)
    return message


def provider(world: World, channel: Channel) -> ChaosTwilio | ChaosSmtp:
    """Who takes messages of this channel."""
    return world.twilio if channel is Channel.SMS else world.smtp


def hold(world: World, point: HoldPoint, channel: Channel = Channel.SMS, **more: object) -> int:
    """A sender whose request is held at this point; its process id."""
    order = Order(hold=point, seconds=LONG)
    for name, value in more.items():
        setattr(order, name, value)
    provider(world, channel).orders.give(order)
    world.begin_to_send()
    assert wait_met(order, 20), world.programs.log("sender").read_text()
    return world.programs.pids["sender"]


def end(world: World, pid: int, number: int = signal.SIGKILL) -> None:
    """The sender is gone."""
    os.kill(pid, number)
    assert wait_until(lambda: "sender" not in world.programs.pids, 10)


def lease_over() -> None:
    """The lease and the quiet time of every try are over."""
    Attempt.objects.update(leased_at=F("leased_at") - timedelta(hours=1))


def state_of(message: Message) -> str:
    message.refresh_from_db()
    return message.state


def tries(message: Message) -> list[tuple[str, bool]]:
    """Of each try its outcome, and whether the provider's name for it is known."""
    rows = Attempt.objects.filter(message=message).order_by("epoch")
    return [(row.outcome, bool(row.provider_id)) for row in rows]


def test_f1_killed_in_the_claim_it_has_done_nothing(world: World, clinic: Clinic) -> None:
    message = due(clinic)
    with transaction.atomic():
        list(ContactPoint.objects.select_for_update())
        world.begin_to_send()

        def waits() -> bool:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                return bool(cursor.fetchone()[0])

        assert wait_until(waits, 20)
        end(world, world.programs.pids["sender"])
    assert (state_of(message), tries(message)) == (State.PLANNED, [])
    world.send_due()
    assert (state_of(message), world.twilio.count) == (State.ACCEPTED, 1)


@pytest.mark.parametrize("channel", list(Channel))
def test_f2_killed_before_anything_arrived_it_goes_once_later(
    world: World, clinic: Clinic, channel: Channel
) -> None:
    message = due(clinic, channel)
    end(world, hold(world, HoldPoint.BEFORE_RECORD, channel, lost=True))
    assert tries(message) == [("", False)]
    world.send_due()
    assert (state_of(message), provider(world, channel).count) == (State.ATTEMPTING, 0)
    lease_over()
    world.send_due()
    assert (state_of(message), provider(world, channel).count) == (State.ACCEPTED, 1)
    assert [outcome for outcome, _ in tries(message)] == ["not_sent", "accepted"]


def test_f3_killed_after_the_provider_took_it_its_callback_names_it(world: World, clinic: Clinic) -> None:
    world.twilio.callbacks = True
    message = due(clinic)
    end(world, hold(world, HoldPoint.BEFORE_RESPONSE))
    assert world.twilio.drain(20)
    assert (state_of(message), tries(message)) == (State.DELIVERED, [("accepted", True)])
    lease_over()
    world.send_due()
    assert world.twilio.count == 1


@pytest.mark.parametrize("channel", list(Channel))
def test_f4_without_callbacks_the_providers_list_names_it(
    world: World, clinic: Clinic, channel: Channel
) -> None:
    message = due(clinic, channel)
    end(world, hold(world, HoldPoint.BEFORE_RESPONSE, channel))
    lease_over()
    world.send_due()
    assert (state_of(message), provider(world, channel).count) == (State.ACCEPTED, 1)
    assert [outcome for outcome, _ in tries(message)] == ["accepted"]


def test_f5_nothing_is_sent_again_until_the_list_answers(world: World, clinic: Clinic) -> None:
    message = due(clinic)
    end(world, hold(world, HoldPoint.BEFORE_RESPONSE))
    lease_over()
    world.twilio.list_fails = True
    for _ in range(2):
        world.send_due()
        assert (state_of(message), world.twilio.count) == (State.UNCERTAIN, 1)
    world.twilio.list_fails = False
    world.send_due()
    assert (state_of(message), tries(message)) == (State.ACCEPTED, [("accepted", True)])
    assert world.twilio.count == 1


def test_f8_asked_to_stop_in_the_middle_it_ends_what_it_has_in_hand(world: World, clinic: Clinic) -> None:
    message = due(clinic)
    order = Order(hold=HoldPoint.BEFORE_RESPONSE, seconds=1.0)
    world.twilio.orders.give(order)
    world.programs.start("sender", ["campaigns", "send-due", "--watch", "--every", "0.2"])
    del world.programs.commands["sender"]
    assert wait_met(order, 20), world.programs.log("sender").read_text()
    assert state_of(message) == State.ATTEMPTING
    end(world, world.programs.pids["sender"], signal.SIGTERM)
    assert (state_of(message), tries(message)) == (State.ACCEPTED, [("accepted", True)])
    assert world.twilio.count == 1
    assert "Traceback" not in world.programs.log("sender").read_text()


@pytest.mark.parametrize(
    ("fault", "endings"),
    [
        (Fault.ACCEPT_THEN_500, ["accepted"]),
        (Fault.ACCEPT_THEN_DROP, ["accepted"]),
        (Fault.ERROR_500, ["not_sent", "accepted"]),
        (Fault.DROP, ["not_sent", "accepted"]),
    ],
)
def test_f16_f17_after_an_error_the_list_decides_whether_it_goes_again(
    world: World, clinic: Clinic, fault: Fault, endings: list[str]
) -> None:
    message = due(clinic)
    world.twilio.orders.give(Order(fault=fault))
    world.send_due()
    assert (state_of(message), world.twilio.count) == (State.UNCERTAIN, 2 - len(endings))
    lease_over()
    world.send_due()
    assert (state_of(message), world.twilio.count) == (State.ACCEPTED, 1)
    assert [outcome for outcome, _ in tries(message)] == endings


def test_f21_who_slept_through_its_lease_writes_over_nobody(world: World, clinic: Clinic) -> None:
    message = due(clinic)
    sleeper = hold(world, HoldPoint.BEFORE_RECORD, lost=True)
    os.kill(sleeper, signal.SIGSTOP)
    lease_over()
    world.send_due()
    assert (state_of(message), world.twilio.count) == (State.ACCEPTED, 1)
    before = tries(message)
    os.kill(sleeper, signal.SIGCONT)
    assert wait_until(lambda: "sender" not in world.programs.pids, 20)
    assert (state_of(message), tries(message), world.twilio.count) == (State.ACCEPTED, before, 1)


def test_f22_a_provider_whose_clock_is_an_hour_behind_is_understood(world: World, clinic: Clinic) -> None:
    message = due(clinic)
    end(world, hold(world, HoldPoint.BEFORE_RESPONSE))
    world.twilio.messages[-1].at = message.send_at - timedelta(hours=1)
    lease_over()
    world.send_due()
    assert (state_of(message), world.twilio.count) == (State.ACCEPTED, 1)


def test_f26_a_visit_that_moves_while_it_is_announced_is_put_right_once(world: World, clinic: Clinic) -> None:
    message = due(clinic)
    order = Order(hold=HoldPoint.BEFORE_RESPONSE, seconds=1.0)
    world.twilio.orders.give(order)
    world.begin_to_send()
    assert wait_met(order, 20)
    visit = message.visit
    assert visit
    visits.move(visit.pk, visit.on_date + timedelta(days=7), visit.at_time, by="test")
    assert wait_until(lambda: "sender" not in world.programs.pids, 20)
    factories.set_now(message.send_at + timedelta(minutes=5))
    world.send_due()
    world.send_due()
    corrections = Message.objects.filter(patient=message.patient, purpose=Purpose.CORRECTION)
    assert [(one.channel, one.state) for one in corrections] == [(Channel.SMS, State.ACCEPTED)]
    assert world.twilio.count == 2


def test_a_text_to_another_of_the_household_is_not_taken_for_it(world: World, clinic: Clinic) -> None:
    phone = "+16045550199"
    due(clinic, phone=phone)
    world.send_due()
    message = due(clinic, phone=phone)
    end(world, hold(world, HoldPoint.BEFORE_RECORD, lost=True))
    lease_over()
    world.send_due()
    assert (state_of(message), world.twilio.count) == (State.ACCEPTED, 2)
    assert [outcome for outcome, _ in tries(message)] == ["not_sent", "accepted"]


CROWD = 100
EVERY_TENTH = 10
SECONDS = 5.0
"""Within this a text on danger stands before the staff: the promise for nineteen of twenty, held for all."""


def test_f36_danger_in_a_crowd_of_texts_is_an_alert_within_seconds(world: World, clinic: Clinic) -> None:
    """A hundred texts at once, one in ten of them on danger, through the real site."""
    world.twilio.inbound_url = f"{world.base_url}/webhooks/twilio/inbound"
    phones = [f"+1604555{110 + number:04}" for number in range(20)]
    for phone in phones:
        make_patient(clinic, phone=phone, email="", sequences=["welcome"])
    sent, seen = dict[str, float](), dict[str, float]()

    def text(number: int) -> int:
        name, words = f"SM{number:032}", "thank you, see you soon"
        if number % EVERY_TENTH == EVERY_TENTH - 1:
            words, sent[name] = "I cannot breathe", time.monotonic()
        return world.twilio.reply(phones[number % 20], words, message_sid=name, to=clinic.sms_number)

    def all_seen() -> bool:
        rows = Alert.objects.filter(urgency=Alert.Urgency.EMERGENCY)
        for name in rows.values_list("reply__provider_id", flat=True):
            seen.setdefault(name, time.monotonic())
        return len(seen) == CROWD // EVERY_TENTH

    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(text, number) for number in range(CROWD)]
        assert wait_until(all_seen, 30), (len(sent), len(seen))
        assert {answer.result() for answer in answers} == {200}
    assert max(seen[name] - sent[name] for name in sent) < SECONDS
    world.send_due()  # what only had room to be stored is read
    assert Reply.objects.count() == CROWD
    assert not Reply.objects.filter(outcome=Reply.Outcome.WAITING).exists()
