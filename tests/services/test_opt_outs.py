"""No send after an opt-out, whatever came before and whoever says so; what the provider knows, we learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from campaigns.delivery.channels import Ending, Outcome
from campaigns.delivery.events import from_twilio
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import (
    Attempt,
    Clinic,
    Consent,
    ContactPoint,
    Message,
    Patient,
    PatientLink,
    Suppression,
)
from campaigns.models.encryption import blind_index
from campaigns.queries import contactability, queue
from campaigns.services import addresses, consent, prefer, send, unsubscribe
from campaigns.services.compose import token_hash
from campaigns.services.consent import EVERY_TOPIC, Told
from campaigns.services.take_in import Inbound, receive_sms
from campaigns.services.track import track
from tests.factories import NOON, make_patient, set_now
from tests.services.fakes import FakeSender, accept, due_text

PHONE, EMAIL = "+16045550101", "patient@patients.example"
BLOCKED = Outcome(ending=Ending.REJECTED, reason=Reason.OPTED_OUT, error_code="21610")


def the_suppression() -> Suppression:
    return Suppression.objects.get(lifted_at=None)


def test_a_block_at_the_provider_is_learned_at_the_first_refusal(
    clinic: Clinic, provider: FakeSender
) -> None:
    message = due_text(make_patient(clinic, email=""))
    set_now(message.send_at)
    provider.answer = lambda outgoing: BLOCKED
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.REJECTED, Reason.OPTED_OUT)
    assert (the_suppression().source, the_suppression().address_index) == ("provider", blind_index(PHONE))
    assert set(Consent.objects.filter(action="withdrawn").values_list("source", flat=True)) == {"provider"}
    provider.answer = accept
    set_now(message.expires_at - timedelta(seconds=1))
    send.drain()
    assert len(provider.sent) == 1


def test_a_block_that_the_provider_tells_later_is_learned_too(clinic: Clinic, provider: FakeSender) -> None:
    message = due_text(make_patient(clinic, email=""))
    set_now(message.send_at)
    send.drain()
    news = from_twilio({"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "21610"})
    for _ in range(2):
        track(Attempt.objects.get(message=message).pk, news)
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.UNDELIVERED, Reason.OPTED_OUT)
    assert the_suppression().source == "provider"


def test_start_lifts_what_the_provider_told_us(clinic: Clinic, provider: FakeSender) -> None:
    message = due_text(make_patient(clinic, email=""))
    set_now(message.send_at)
    provider.answer = lambda outgoing: BLOCKED
    send.drain()
    receive_sms(Inbound(provider_id="SM9", sender=PHONE, recipient="+16045550199", body="START"))
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert consent.granted(message.patient, Channel.SMS) == set(EVERY_TOPIC)


def test_the_reasons_of_many_patients_are_read_in_few_queries(clinic: Clinic) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert len(list(contactability.rows(Patient.objects.all()))) == 6 * Patient.objects.count()
        return len(queries)

    make_patient(clinic)
    few = asked()
    for last in range(2, 6):
        make_patient(clinic, phone=f"+1604555010{last}", email=f"p{last}@patients.example")
    assert asked() == few


# --- every order of events, against a model that is as simple as the promise

Slot = tuple[int, Channel, str]
"""A patient by number, a channel, a topic."""


@dataclass
class Model:
    """What was said, in the plainest form. All patients share one number and one mailbox."""

    on: set[Slot] = field(default_factory=set)
    out: set[Channel] = field(default_factory=set)
    ended: dict[Channel, set[Slot]] = field(default_factory=dict)
    paused: set[int] = field(default_factory=set)
    patients: int = 0

    def enroll(self) -> None:
        self.on |= {(self.patients, channel, topic) for channel in Channel for topic in EVERY_TOPIC}
        self.patients += 1

    def stop(self, channel: Channel) -> None:
        if channel not in self.out:
            self.out.add(channel)
            self.ended[channel] = {slot for slot in self.on if slot[1] == channel}
            self.on -= self.ended[channel]

    def start(self, channel: Channel) -> None:
        if channel in self.out:
            self.out.discard(channel)
            self.on |= self.ended.pop(channel)

    def toggle(self, slot: Slot) -> None:
        if slot in self.on:
            self.on.discard(slot)
        elif slot[1] not in self.out:
            self.on.add(slot)

    def may_go(self) -> set[Slot]:
        open_slots = {slot for slot in self.on if slot[1] not in self.out}
        return {slot for slot in open_slots if slot[1] == Channel.EMAIL or slot[0] not in self.paused}


class World:
    """The same events in the product, one second apart."""

    def __init__(self, clinic: Clinic, provider: FakeSender) -> None:
        self.clinic, self.provider, self.model = clinic, provider, Model()
        self.patients: list[Patient] = []
        self.ticks = count(1)
        self.happens("enroll", 0, Channel.SMS, "education")

    def happens(self, event: str, who: int, channel: Channel, topic: str) -> None:
        """One event, in the product and in the model."""
        self.now = NOON + timedelta(seconds=next(self.ticks))
        set_now(self.now)
        who %= max(1, len(self.patients))
        getattr(self, f"_{event}")(who, channel, topic)

    def _enroll(self, who: int, channel: Channel, topic: str) -> None:
        if len(self.patients) < 2:
            self.patients.append(make_patient(self.clinic, sequences=["welcome"]).patient)
            self.model.enroll()

    def _text(self, body: str, opt_out_type: str = "") -> None:
        receive_sms(
            Inbound(
                provider_id=f"SM{self.now:%H%M%S}",
                sender=PHONE,
                recipient="+16045550199",
                body=body,
                opt_out_type=opt_out_type,
            )
        )

    def _stop(self, who: int, channel: Channel, topic: str) -> None:
        self._text("STOP")
        self.model.stop(Channel.SMS)

    def _provider_stop(self, who: int, channel: Channel, topic: str) -> None:
        self._text("nothing we know", opt_out_type="STOP")
        self.model.stop(Channel.SMS)

    def _start(self, who: int, channel: Channel, topic: str) -> None:
        self._text("START")
        self.model.start(Channel.SMS)

    def _yes(self, who: int, channel: Channel, topic: str) -> None:
        self._text("YES", opt_out_type="START")

    def _wrong(self, who: int, channel: Channel, topic: str) -> None:
        self._text("wrong number")
        self.model.paused |= set(range(len(self.patients)))

    def _confirm(self, who: int, channel: Channel, topic: str) -> None:
        if who in self.model.paused:
            addresses.confirm(self.patients[who], Channel.SMS, by="robin", now=self.now)
            self.model.paused.discard(who)

    def _one_click(self, who: int, channel: Channel, topic: str) -> None:
        unsubscribe.unsubscribe(self._link(who, PatientLink.Purpose.UNSUBSCRIBE, Channel.EMAIL))
        self.model.stop(Channel.EMAIL)

    def _back(self, who: int, channel: Channel, topic: str) -> None:
        prefer.choose_topic(self._link(who, PatientLink.Purpose.PREFERENCES), f"{channel}.back")
        if channel is Channel.EMAIL:
            self.model.start(Channel.EMAIL)

    def _toggle(self, who: int, channel: Channel, topic: str) -> None:
        turn = "off" if (who, channel, topic) in self.model.on else "on"
        prefer.choose_topic(self._link(who, PatientLink.Purpose.PREFERENCES), f"{channel}.{topic}.{turn}")
        self.model.toggle((who, channel, topic))

    def _told(self, who: int, channel: Channel, topic: str) -> None:
        if channel not in self.model.out:
            told = Told(source="phone", by="robin", evidence="said so")
            consent.withdraw_as_told(self.patients[who], channel, EVERY_TOPIC, told, self.now)
            self.model.stop(channel)

    def _link(self, who: int, purpose: str, channel: Channel = Channel.EMAIL) -> str:
        token = f"token {self.now} {purpose}"
        patient = self.patients[who]
        PatientLink.objects.create(
            token_hash=token_hash(token),
            patient=patient,
            message=patient.messages.filter(channel=channel)[0],
            purpose=purpose,
            expires_at=self.now + timedelta(days=180),
        )
        return token

    def due_now(self) -> dict[int, Slot]:
        """A message for every patient, channel and topic, and nothing else: due at once."""
        Message.objects.filter(state__in=[State.PLANNED, State.WAITING]).update(state=State.CANCELLED)
        return {
            Message.objects.create(
                clinic=self.clinic,
                patient=patient,
                sequence="welcome",
                step="hello",
                template="welcome/hello",
                channel=channel,
                purpose="step",
                topic=topic,
                capped=False,
                send_at=self.now,
                due_at=self.now,
                expires_at=self.now + timedelta(hours=1),
                state=State.PLANNED,
            ).pk: (who, channel, topic)
            for who, patient in enumerate(self.patients)
            for channel in Channel
            for topic in EVERY_TOPIC
        }

    def went(self, due: dict[int, Slot]) -> set[Slot]:
        """Which of them left."""
        accepted = Message.objects.filter(pk__in=due, state=State.ACCEPTED)
        return {due[pk] for pk in accepted.values_list("pk", flat=True)}


EVENTS = (
    *("stop", "start", "provider_stop", "yes", "wrong", "confirm", "one_click", "back", "toggle", "told"),
    "enroll",
)
Event = tuple[str, int, Channel, str]
an_event = st.tuples(
    st.sampled_from(EVENTS), st.integers(0, 1), st.sampled_from(list(Channel)), st.sampled_from(EVERY_TOPIC)
)


@contextmanager
def undone() -> Iterator[None]:
    """A world that never was."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


SMS, MAIL = Channel.SMS, Channel.EMAIL


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(an_event, max_size=10), meanwhile=st.none() | an_event)
@example(
    before=[("toggle", 0, SMS, "reminders"), ("stop", 0, SMS, "reminders"), ("start", 0, SMS, "reminders")],
    meanwhile=None,
)
@example(before=[("stop", 0, SMS, "reminders"), ("enroll", 0, SMS, "reminders")], meanwhile=None)
@example(before=[], meanwhile=("toggle", 0, MAIL, "check_ins"))
@example(before=[], meanwhile=("wrong", 0, SMS, "check_ins"))
def test_what_goes_is_what_was_agreed_to_and_nothing_after_an_opt_out(
    clinic: Clinic,
    provider: FakeSender,
    monkeypatch: pytest.MonkeyPatch,
    before: list[Event],
    meanwhile: Event | None,
) -> None:
    """`meanwhile` happens between the claim and the bytes: it may take away, and adds only later."""
    with undone(), monkeypatch.context() as patch:
        world = World(clinic, provider)
        for event in before:
            world.happens(*event)
        due, allowed = world.due_now(), world.model.may_go()
        if meanwhile:
            patch.setattr(queue, "no_longer_wanted", _after(world, meanwhile, queue.no_longer_wanted))
        send.send_batch()
        assert world.went(due) == allowed & world.model.may_go()


def _after(
    world: World, event: Event, really: Callable[[list[int], datetime], dict[int, str]]
) -> Callable[[list[int], datetime], dict[int, str]]:
    happened: list[bool] = []

    def ask(ids: list[int], now: datetime) -> dict[int, str]:
        if not happened:
            happened.append(True)
            world.happens(*event)
        return really(ids, now)

    return ask


def test_what_was_said_at_once_is_one_line_of_the_history(clinic: Clinic) -> None:
    patient = make_patient(clinic, email="").patient
    consent.opt_out(blind_index(PHONE), Channel.SMS, source="reply", now=NOON + timedelta(days=1))
    sms, email = contactability.reaches(patient)
    assert [(said.line.action, len(said.topics)) for said in sms.history] == [
        ("withdrawn", 3),
        ("granted", 3),
    ]
    assert (sms.reason, email.reason) == (Reason.OPTED_OUT, Reason.NO_ADDRESS)


def test_a_paused_number_is_everybodys_who_has_it(clinic: Clinic) -> None:
    for _ in range(2):
        make_patient(clinic)
    with transaction.atomic():
        assert addresses.pause(blind_index(PHONE), Channel.SMS, NOON)
        assert not addresses.pause(blind_index("+16045550199"), Channel.SMS, NOON)
    assert list(ContactPoint.objects.filter(channel="sms").values_list("state", flat=True)) == ["paused"] * 2
