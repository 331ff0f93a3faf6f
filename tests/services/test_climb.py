"""Alerts climb: who is told when, once each; one channel that is down delays no other; nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection

from campaigns.delivery.channels import Ending, Outcome, Outgoing, Sender
from campaigns.domain.errors import NotAllowed
from campaigns.domain.recipients import Channel
from campaigns.models import (
    Alert,
    AlertNotice,
    AuditEntry,
    Clinic,
    Installation,
    OnCall,
    Patient,
    Reply,
    Staff,
)
from campaigns.services import climb as climbing
from campaigns.services import escalate
from campaigns.services.climb import climb, send_test
from tests import factories
from tests.factories import NOON, make_patient, set_now
from tests.services.fakes import FakeSender

MINUTE = timedelta(minutes=1)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> dict[Channel, FakeSender]:
    """Both channels to staff."""
    fakes = {channel: FakeSender() for channel in Channel}
    senders: dict[Channel, Sender] = dict(fakes)
    monkeypatch.setattr(climbing, "alert_senders", lambda: senders)
    return fakes


def on_call(clinic: Clinic, name: str, place: int, **more: object) -> Staff:
    staff = factories.make_staff(clinic, f"{name}@clinic.example")
    Staff.objects.filter(pk=staff.pk).update(name=name)
    said = {"email": f"{name}@alerts.example", "phone": f"+1604555014{place}", **more}
    OnCall.objects.create(clinic=clinic, staff=staff, place=place, **said)
    return staff


@pytest.fixture
def nurse(clinic: Clinic) -> Staff:
    return on_call(clinic, "nurse", 1)


@pytest.fixture
def doctor(clinic: Clinic) -> Staff:
    return on_call(clinic, "doctor", 2, language="fr-CA")


@pytest.fixture
def lead(clinic: Clinic) -> Staff:
    return on_call(clinic, "lead", 3, when="clinic", is_lead=True)


Say = Callable[..., Alert]


@pytest.fixture
def says(clinic: Clinic) -> Say:
    """What a patient says, and the alert that it opens."""
    patient = make_patient(clinic).patient

    def says(body: str = "I cannot breathe", urgency: str = "emergency", now: datetime = NOON) -> Alert:
        reply = Reply.objects.create(
            provider_id=f"SM{Reply.objects.count()}",
            clinic=clinic,
            patient=patient,
            channel="sms",
            body=body,
            received_at=now,
            parser_version="1",
            outcome="alert",
        )
        return escalate.open_alert(
            clinic=clinic,
            reply=reply,
            patient=patient,
            urgency=urgency,
            rule="en.breathing",
            matched=[],
            now=now,
        )

    return says


def told(alert: Alert) -> list[tuple[int, str, str, str]]:
    rows = AlertNotice.objects.filter(alert=alert).order_by("step", "staff__name", "channel")
    return list(rows.values_list("step", "staff__name", "channel", "state"))


def after(minutes: float) -> None:
    """Look at the ladder so long after the alert came in."""
    set_now(NOON + minutes * MINUTE)
    climb()


def test_an_emergency_climbs_until_somebody_has_it(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff, doctor: Staff, lead: Staff
) -> None:
    alert = says()
    for minutes in (0, 0.2, 4.9, 5, 5.2, 15, 30):
        after(minutes)
    by_step: dict[int, set[str]] = {}
    for step, name, _channel, state in told(alert):
        by_step.setdefault(step, set()).add(name)
        assert state == "sent"
    everybody = {"nurse", "doctor", "lead"}
    assert by_step == {0: {"nurse"}, 1: {"nurse", "doctor"}, 2: everybody, 3: everybody}
    alert.refresh_from_db()
    assert (alert.steps, alert.incident_at) == (4, NOON + 30 * MINUTE)
    assert AuditEntry.objects.filter(action="alert_incident").count() == 1
    escalate.acknowledge(alert.pk, doctor)
    after(61)
    assert len(told(alert)) == 2 * (1 + 2 + 3 + 3)


def test_a_notice_tells_no_patient_data_and_speaks_the_language_of_its_reader(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff, doctor: Staff
) -> None:
    alert = says("my chest hurts")
    after(0)
    after(5)
    sent = [one for fake in ways.values() for one in fake.sent]
    assert len(sent) == 6
    for one in sent:
        assert f"/alerts#alert-{alert.pk}" in one.text
        assert not {"chest", "Test Patient", "604-555-0101", "+16045550101"} & set(one.text.split())
        assert "Test" not in one.text + one.subject
    [french] = [one for one in ways[Channel.SMS].sent if one.language == "fr-CA"]
    assert "Alerte URGENCE" in french.text
    assert "depuis 5 min" in french.text
    assert "EMERGENCY alert · Westside Pain Clinic" in {one.subject for one in ways[Channel.EMAIL].sent}


@pytest.mark.parametrize("down", list(Channel))
def test_one_channel_that_is_down_delays_no_other(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff, down: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one hangs for longer than the pass waits; the other has been told, and the next step is on time."""
    hangs = threading.Event()

    def hang(outgoing: Outgoing) -> Outcome:
        hangs.wait(5)
        return Outcome(ending=Ending.NOT_SENT, detail="no connection")

    monkeypatch.setattr(climbing, "PATIENCE", 0.2)
    ways[down].answer = hang
    [works] = set(Channel) - {down}
    alert = says()
    after(0)
    hangs.set()
    states = {channel: state for _step, _name, channel, state in told(alert)}
    assert states == {works.value: "sent", down.value: "sending"}
    after(5)
    assert {
        step for step, _name, channel, state in told(alert) if (channel, state) == (works.value, "sent")
    } == {0, 1}


def test_what_did_not_leave_is_tried_again_and_a_bad_address_is_not(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff
) -> None:
    ways[Channel.EMAIL].answer = lambda _: Outcome(ending=Ending.NOT_SENT, detail="no connection")
    ways[Channel.SMS].answer = lambda _: Outcome(ending=Ending.REJECTED, detail="landline")
    alert = says()
    after(0)
    assert {state for *_rest, state in told(alert)} == {"planned", "failed"}
    ways[Channel.EMAIL].answer = FakeSender().answer
    after(0.5)
    assert (len(ways[Channel.EMAIL].sent), len(ways[Channel.SMS].sent)) == (2, 1)
    assert {channel: state for _s, _n, channel, state in told(alert)} == {"email": "sent", "sms": "failed"}


def test_many_alerts_at_once_are_one_word_to_each(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff, clinic: Clinic
) -> None:
    for number in range(30):
        patient = Patient.objects.create(clinic=clinic, given_name="x", language="en-CA", created_at=NOON)
        escalate.open_alert(
            clinic=clinic,
            reply=None,
            patient=patient,
            urgency="emergency" if number == 7 else "urgent",
            rule="en.breathing",
            matched=[],
            now=NOON,
        )
    after(0)
    [mail] = ways[Channel.EMAIL].sent
    assert mail.subject.startswith("EMERGENCY alert")
    assert "30 alerts wait" in mail.text
    assert AlertNotice.objects.filter(state="sent", channel="email").count() == 30


def test_after_a_long_stop_it_tells_everybody_once_instead_of_every_step(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff, doctor: Staff
) -> None:
    alert = says()
    after(47)
    assert {step for step, *_rest in told(alert)} == {0}
    assert {name for _step, name, *_rest in told(alert)} == {"nurse", "doctor"}
    alert.refresh_from_db()
    assert alert.next_step_at == NOON + 60 * MINUTE


def test_an_alert_that_cannot_climb_silences_no_other(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff, clinic: Clinic
) -> None:
    broken = factories.make_clinic(name="Far Clinic", approved=False)
    Clinic.objects.filter(pk=broken.pk).update(staffed_hours={"0": ["nine", "five"]})
    odd = Alert.objects.create(clinic=broken, urgency="urgent", rule="x", opened_at=NOON - MINUTE)
    alert = says()
    after(0)
    assert told(odd) == []
    assert {state for *_rest, state in told(alert)} == {"sent"}


def test_it_says_when_the_ladder_was_looked_at(clinic: Clinic) -> None:
    climb()
    assert Installation.objects.get().last_climb_at == NOON


def test_a_pause_of_sending_does_not_silence_alerts(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff
) -> None:
    Installation.objects.update(paused=True)
    alert = says()
    after(0)
    assert {state for *_rest, state in told(alert)} == {"sent"}


# --- what joins, what is put back, what ends


def test_more_words_join_the_alert_that_nobody_has_taken(says: Say, nurse: Staff) -> None:
    alert = says()
    joined = says("please help", "urgent", NOON + MINUTE)
    graver = says("ok", "routine", NOON + 2 * MINUTE)
    assert joined.part_of == graver.part_of == alert
    with pytest.raises(NotAllowed, match="written again"):
        escalate.close(alert.pk, nurse, "reached", seen=1)
    escalate.close(alert.pk, nurse, "reached", note="home, well", seen=2)
    ends = Alert.objects.values_list("closed_by", "outcome", "acknowledged_by")
    assert set(ends) == {(nurse.pk, "reached", nurse.pk)}


def test_graver_words_and_words_after_somebody_took_it_are_an_alert_of_their_own(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff
) -> None:
    first = says("ok", "routine")
    graver = says("I cannot breathe", "emergency")
    assert (graver.part_of, first.part_of) == (None, None)
    escalate.acknowledge(graver.pk, nurse)
    again = says("now my lips are blue", "emergency", NOON + MINUTE)
    assert again.part_of is None
    after(1)
    assert {state for *_rest, state in told(again)} == {"sent"}


@pytest.mark.parametrize(("urgency", "minutes"), [("emergency", 15), ("urgent", 120)])
def test_no_answer_puts_it_back_with_a_later_step_and_ends_nothing(
    says: Say, ways: dict[Channel, FakeSender], nurse: Staff, urgency: str, minutes: int
) -> None:
    alert = says(urgency=urgency)
    after(0)
    escalate.acknowledge(alert.pk, nurse)
    before = len(told(alert))
    escalate.close(alert.pk, nurse, "no_answer", note="voice mail")
    alert.refresh_from_db()
    assert (alert.closed_at, alert.acknowledged_at, alert.tries, alert.tried_by) == (None, None, 1, nurse)
    assert alert.note == "voice mail"
    after(minutes - 1)
    assert len(told(alert)) == before
    after(minutes)
    assert len(told(alert)) > before


def test_the_second_of_two_sees_who_did_it(says: Say, nurse: Staff, doctor: Staff) -> None:
    alert = says()
    assert escalate.acknowledge(alert.pk, nurse).acknowledged_by == nurse
    assert escalate.acknowledge(alert.pk, doctor).acknowledged_by == nurse
    escalate.close(alert.pk, nurse, "false_alarm")
    with pytest.raises(NotAllowed, match="closed already, by nurse"):
        escalate.close(alert.pk, doctor, "reached")


def test_handing_on_needs_a_note_which_the_database_cannot_read(says: Say, nurse: Staff) -> None:
    alert = says()
    with pytest.raises(NotAllowed, match="to whom"):
        escalate.close(alert.pk, nurse, "handed_on")
    escalate.close(alert.pk, nurse, "handed_on", note="police asked to look")
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM alert")
        assert "police" not in cursor.fetchone()[0]


def test_a_test_says_what_became_of_each_channel(
    ways: dict[Channel, FakeSender], nurse: Staff, doctor: Staff
) -> None:
    ways[Channel.SMS].answer = lambda _: Outcome(ending=Ending.NOT_SENT, detail="no connection")
    found = {one.channel: one.state for one in send_test(doctor)}
    assert found == {"email": "sent", "sms": "failed"}
    assert ways[Channel.EMAIL].sent[0].subject == "Alerte d'essai · Westside Pain Clinic"
    OnCall.objects.filter(staff=doctor).delete()
    with pytest.raises(NotAllowed):
        send_test(doctor)
