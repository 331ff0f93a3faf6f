"""A backup is restored: nothing of the lost day goes again, without anybody having to remember anything."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

import worker
from campaigns.delivery import registry, remembered
from campaigns.delivery.channels import Ending, Outcome, Sender
from campaigns.delivery.email import EmailSender
from campaigns.delivery.registry import ChannelSettings
from campaigns.delivery.remembered import Remembered
from campaigns.domain.errors import NotAllowed
from campaigns.domain.lifecycle import State
from campaigns.domain.recipients import Channel
from campaigns.local import children, processes, stage
from campaigns.local.binaries import locate
from campaigns.local.loopback_imap import LoopbackImap
from campaigns.local.loopback_smtp import LoopbackSmtp
from campaigns.local.loopback_twilio import LoopbackTwilio, Text
from campaigns.models import Attempt, AuditEntry, Clinic, Installation, Message, Suppression, Witness
from campaigns.services import deliver, installation, memory, restore, send
from campaigns.services.restore import reconcile_restore
from tests import factories
from tests.factories import NOON, make_patient
from tests.services.fakes import FakeSender

ACCOUNT = "AC" + "0" * 32
ANN, BEN, CAS, DEE, EVE = (f"+1604555012{number}" for number in range(5))


@pytest.fixture
def open_clinic(committed: None) -> Clinic:
    """A clinic at noon on a Monday; other processes see it."""
    factories.set_now(NOON)
    return factories.make_clinic()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The state folder of this machine, which the process remembers in."""
    with memory.remembering(tmp_path / "state"):
        yield tmp_path / "state"


@dataclass
class World:
    """The other ends, and the settings that lead there."""

    twilio: LoopbackTwilio
    smtp: LoopbackSmtp
    settings: dict[str, str]
    channels: dict[Channel, Sender]

    def texts(self, number: str) -> int:
        """How many went to this number."""
        return sum(text.to == number and text.direction != "inbound" for text in self.twilio.messages)

    def mails(self, name: str) -> int:
        """How many went to this patient."""
        return sum(mail.recipients == (address(name),) for mail in self.smtp.mails)


def address(name: str) -> str:
    return f"{name}@patients.example"


@pytest.fixture
def world(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A Twilio and a relay with a Sent folder on this machine."""
    with (
        LoopbackTwilio(account_sid=ACCOUNT, auth_token="token") as twilio,
        LoopbackSmtp() as smtp,
        LoopbackImap(smtp) as imap,
    ):
        twilio.callbacks = False
        chosen = stage.channels(twilio, smtp, imap)
        for name, value in chosen.items():
            setattr(settings, name, value)
        settings.QUIET_SECONDS = 0
        channels = registry.build(cast(ChannelSettings, settings))
        for service in (deliver, restore):
            monkeypatch.setattr(service, "senders", lambda: channels)
        yield World(twilio, smtp, chosen, channels)
        mail = cast(EmailSender, channels[Channel.EMAIL])
        for used in (channels[Channel.SMS], mail, mail._sent):
            cast(EmailSender, used).close()


def pg(program: str, *words: str) -> None:
    """One of PostgreSQL's own programs on the test database, as the operations guide has it."""
    connection.close_pool()  # type: ignore[attr-defined]
    subprocess.run([locate().postgres.with_name(program), *words, "--dbname", url()], check=True)


def url() -> str:
    at = connection.settings_dict
    place = f"{at['NAME']}?host={at['HOST']}" + (f"&port={at['PORT']}" if at["PORT"] else "")
    return f"postgresql://{at['USER']}:{at['PASSWORD']}@/{place}"


def start_worker(world: World, state: Path, log: Path) -> children.Child:
    """A real worker, and a hint that there may be work."""
    env = {**os.environ, **world.settings, "DATABASE_URL": url(), "CAMPAIGNS_STATE": str(state)}
    env |= {"CAMPAIGNS_DEMO": "1", "QUIET_SECONDS": "0"}
    child = children.spawn(processes.worker().command, log=log, env=env, cwd=processes.ROOT)
    worker.app.send_task("send_due", expires=30)
    return child


def enrolled(clinic: Clinic, *names: str) -> None:
    """Patients with a phone and a mailbox, to whom a text and an e-mail are due now."""
    numbers = {"ann": ANN, "ben": BEN, "cas": CAS, "dee": DEE, "eve": EVE}
    for name in names:
        make_patient(clinic, phone=numbers[name], email=address(name), sequences=["welcome"])


def states(name: str) -> tuple[str, str]:
    """Where the text and the e-mail of a patient are."""
    number = {"ann": ANN, "ben": BEN, "cas": CAS, "dee": DEE}[name]
    patient = next(m.patient for m in Message.objects.all() if _number(m) == number)
    rows = dict(patient.messages.filter(step__gt="", sequence="welcome").values_list("channel", "state"))
    return rows["sms"], rows["email"]


def _number(message: Message) -> str:
    return message.patient.contact_points.get(channel="sms").address


def lose_a_day(clinic: Clinic, world: World) -> None:
    """The day after the backup: everybody but Dee is written to, Ben texts STOP, and Eve comes. What Cas got
    nobody can explain any more."""
    for _ in range(2):  # twice the machine counts on
        Witness.objects.update(at=Witness.objects.get().at - timedelta(seconds=30))
        send.drain()
    enrolled(clinic, "eve")
    send.drain()
    at = world.twilio.messages[-1].at
    stop = Text(sid="SM5", to="+16045550199", sender=BEN, body="STOP", at=at, status="received")
    stop.direction = "inbound"
    world.twilio.messages.append(stop)
    [to_cas] = [text for text in world.twilio.messages if text.to == CAS]
    to_cas.body = "Words that nobody can explain."


def starts_paused(world: World, state: Path, log: Path) -> Installation:
    """A worker starts as if nothing had happened, and stops by itself."""
    child = start_worker(world, state, log)
    paused = Installation.objects.filter(paused=True)
    try:
        assert children.wait_until(paused.exists, 40, pause=0.2), log.read_text()
    finally:
        children.stop(child, signal.SIGTERM, 10)
    return paused.get()


@pytest.mark.slow
def test_nothing_of_the_lost_day_goes_again(
    open_clinic: Clinic, world: World, folder: Path, tmp_path: Path, client: Client
) -> None:
    enrolled(open_clinic, "ann", "ben", "cas", "dee")
    Message.objects.filter(patient_id=_patient_of(DEE)).update(due_at=NOON + timedelta(minutes=30))
    assert send.send_batch(2).tried == 2  # before the backup
    dump = str(tmp_path / "campaigns.dump")
    pg("pg_dump", "--format=custom", "--file", dump)
    lose_a_day(open_clinic, world)
    before = world.twilio.count, world.smtp.count
    pg("pg_restore", "--clean", "--if-exists", "--no-owner", dump)
    assert Message.objects.filter(state__in=["planned", "waiting"], due_at__lte=NOON).count() >= 4

    assert starts_paused(world, folder, tmp_path / "worker.log").paused_reason == memory.BEHIND
    assert client.get("/readyz").json()["reasons"][0].startswith("Sending has stopped by itself")
    assert AuditEntry.objects.latest("seq").action == "paused_by_itself"
    with pytest.raises(NotAllowed, match="reconcile-restore"):
        installation.resume(by="test")
    assert send.drain() == 0

    found = reconcile_restore(by="test")
    assert (found.taken_in, found.doubtful, found.still_due) == (1, 1, 3)  # Cas; Dee's two, Ben's goodbye
    assert states("ann") == states("ben") == ("accepted", "accepted")
    assert states("cas") == ("unresolved", "accepted")
    assert states("dee") == ("planned", "planned")
    assert Suppression.objects.filter(channel="sms", lifted_at=None).count() == 1
    # Each that went has a try under the provider's name.
    provider = {text.sid for text in world.twilio.messages if text.to in (ANN, BEN)}
    assert set(Attempt.objects.filter(channel="sms").values_list("provider_id", flat=True)) >= provider
    assert (send.drain(), world.twilio.count, world.smtp.count) == (0, *before)

    installation.resume(by="test")
    factories.set_now(NOON + timedelta(minutes=30))
    send.drain()
    people = {"ann": ANN, "cas": CAS, "dee": DEE, "eve": EVE}
    assert {
        name: (world.texts(number), world.mails(name)) for name, number in people.items()
    } == dict.fromkeys(people, (1, 1))
    assert (world.texts(BEN), world.mails("ben")) == (2, 1)  # the confirmation of STOP had not gone


def _patient_of(number: str) -> UUID:
    return next(m.patient_id for m in Message.objects.all() if _number(m) == number)


# --- who notices what


Change = Callable[[Path], object]


def _put_back(folder: Path) -> None:
    """The machine has counted on since."""
    known, incarnation = known_in(folder)
    remembered.write(folder, incarnation, Remembered(known.place, known.count + 5))


def _lose_last_count(folder: Path) -> None:
    known, incarnation = known_in(folder)
    remembered.write(folder, incarnation, Remembered(known.place, known.count + 1))


def _never_heard_of(folder: Path) -> None:
    _put_back(folder)
    Witness.objects.all().delete()


def _forget_file(folder: Path) -> None:
    for file in folder.glob("remembered-*"):
        file.unlink()


def _forget_long_ago(folder: Path) -> None:
    _forget_file(folder)
    Witness.objects.update(at=Witness.objects.get().at - timedelta(minutes=5))


def _damage(folder: Path) -> None:
    _forget_long_ago(folder)
    incarnation = Installation.objects.get().incarnation
    assert incarnation
    (folder / f"remembered-{incarnation.hex}.json").write_text("[1]")


def _before_it_counted(folder: Path) -> None:
    _put_back(folder)
    Witness.objects.all().delete()
    Installation.objects.update(incarnation=None)


def known_in(folder: Path) -> tuple[Remembered, UUID]:
    incarnation = Installation.objects.get().incarnation
    assert incarnation
    known = remembered.read(folder, incarnation)
    assert known
    return known, incarnation


@pytest.mark.parametrize(
    ("change", "starts_anew", "reason"),
    [
        (lambda _: None, True, ""),
        (lambda _: None, False, ""),
        (_put_back, True, memory.BEHIND),
        (_put_back, False, memory.BEHIND),
        (_lose_last_count, True, ""),
        (_never_heard_of, True, memory.BEHIND),
        (_forget_file, True, ""),  # another place was heard of just now: this machine joins
        (_forget_long_ago, True, memory.STRANGE),
        (_damage, True, memory.STRANGE),
        (_before_it_counted, True, ""),  # a first start, as far as anybody can know
        (_before_it_counted, False, memory.BEHIND),
    ],
)
def test_a_database_that_does_not_fit_what_is_remembered_is_paused(
    db: None, folder: Path, change: Change, starts_anew: bool, reason: str
) -> None:
    factories.set_now(NOON)
    enrolled(factories.make_clinic(), "ann")
    message = Message.objects.earliest("pk")
    Attempt.objects.create(message=message, channel="sms", epoch=1, started_at=NOON)
    memory.remember()
    change(folder)
    if starts_anew:
        memory.begin(folder)
    memory.remember()
    row = Installation.objects.get()
    assert (row.paused, row.paused_reason, bool(row.lost_since)) == (bool(reason), reason, bool(reason))
    # Once it is said it is said: the next look finds a new life of the database, and pauses nothing again.
    Installation.objects.update(paused=False, lost_since=None)
    memory.remember()
    memory.begin(folder)
    memory.remember()
    assert not Installation.objects.get().paused


def test_a_new_installation_is_not_paused_and_a_machine_with_an_old_memory_stops_nothing(
    db: None, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other, one, other):
        memory.begin(folder)
        memory.remember()
    assert not installation.status().paused
    assert Witness.objects.count() == 2
    _put_back_in(one)
    with memory.remembering(one):
        memory.remember()
    assert installation.status().paused
    installation.resume_anyway(by="test")
    with memory.remembering(other):
        memory.remember()
    assert not installation.status().paused


def _put_back_in(folder: Path) -> None:
    memory.begin(folder)
    _put_back(folder)


def test_a_folder_that_cannot_be_written_stops_nothing(
    db: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with memory.remembering(tmp_path / "file"):
        for _ in range(3):
            memory.remember()
    assert not Installation.objects.get().paused
    assert [record.message for record in caplog.records].count(
        "the state folder cannot be written: no restore is noticed"
    ) == 1


# --- what is looked up


@pytest.fixture
def restored(db: None) -> Installation:
    """An installation that stopped by itself, with a text and an e-mail that look due."""
    factories.set_now(NOON)
    enrolled(factories.make_clinic(), "ann")
    row = Installation.objects.get()
    row.paused, row.lost_since, row.lost_until = True, NOON - timedelta(days=1), NOON
    row.save()
    return row


@pytest.mark.parametrize(
    ("policy", "found", "state", "marked"),
    [
        ("at_most_once", None, State.UNRESOLVED, False),
        ("at_least_once", None, State.PLANNED, True),
        ("at_most_once", Ending.NOT_SENT, State.PLANNED, False),
        ("at_most_once", Ending.ACCEPTED, State.ACCEPTED, False),
    ],
)
def test_an_e_mail_of_the_lost_time_goes_by_what_the_sent_folder_says(
    restored: Installation,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
    found: Ending | None,
    state: State,
    marked: bool,
) -> None:
    settings.EMAIL_UNCERTAIN = policy
    fake = FakeSender(look=lambda _: Outcome(ending=found) if found else None)
    channels = registry.build(cast(ChannelSettings, settings)) | {Channel.EMAIL: fake}
    monkeypatch.setattr(restore, "senders", lambda: channels)
    reconcile_restore(by="test")
    mail = Message.objects.get(channel="email", sequence="welcome")
    assert (mail.state, mail.duplicate_possible) == (state, marked)
    installation.resume(by="test")


def test_nothing_is_written_while_a_provider_cannot_be_asked(
    restored: Installation, world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = FakeSender(look=lambda _: Outcome(ending=Ending.UNCERTAIN))
    with monkeypatch.context() as patch:
        patch.setattr(restore, "senders", lambda: {**world.channels, Channel.EMAIL: lost})
        with pytest.raises(NotAllowed, match="Sent folder cannot be read"):
            reconcile_restore(by="test")
    world.twilio.refuse()
    with pytest.raises(NotAllowed, match="list cannot be read"):
        reconcile_restore(by="test")
    world.twilio.listen()
    settings.QUIET_SECONDS = 10**9
    with pytest.raises(NotAllowed, match="Wait for"):
        reconcile_restore(by="test")
    assert set(Message.objects.values_list("state", flat=True)) == {State.PLANNED}
    assert installation.status().lost_since


def test_what_cannot_be_listed_is_left_to_staff(
    restored: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeSender()
    monkeypatch.setattr(restore, "senders", lambda: {Channel.SMS: fake, Channel.EMAIL: fake})
    assert reconcile_restore(by="test").doubtful == 2
    with pytest.raises(NotAllowed, match="Nothing was restored"):
        reconcile_restore(by="test")
