"""Two at the same moment, on connections of their own: an opt-out and a claim, and the same button twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from time import monotonic, sleep
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from campaigns.domain.errors import CampaignsError
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitState
from campaigns.models import AuditEntry, Clinic, Message, Patient, Staff, Visit
from campaigns.models.encryption import blind_index
from campaigns.queries import clock
from campaigns.services import consent, escalate, gates, send, sign_off, visits
from campaigns.services.record import broken_link
from campaigns.services.sign_off import Act
from tests.factories import make_patient, make_staff, set_now
from tests.services.fakes import FakeSender, due_text
from tests.services.wordings import SMS, person, stood
from tests.web.test_enroll_page import previewed

HELD = 0.4
"""Seconds that the first of two keeps its transaction open."""
PHONE, OTHER = "+16045550101", "+16045550102"


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each gave or raised, all begun at the same moment."""
    ready = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            ready.wait()
            return act()
        except CampaignsError as error:
            return str(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [future.result() for future in [threads.submit(run, act) for act in acts]]


@pytest.fixture
def due(open_clinic: Clinic) -> tuple[Message, Message]:
    """Two texts that are due, to two phones."""
    first, second = (due_text(make_patient(open_clinic, phone=phone, email="")) for phone in (PHONE, OTHER))
    set_now(first.send_at)
    return first, second


def stop(phone: str, stored: Event, held: float = 0) -> float:
    """Opt out, and keep the transaction open a while; how many seconds it took."""
    began = monotonic()
    with transaction.atomic():
        consent.opt_out(blind_index(phone), Channel.SMS, source="reply", now=clock.now())
        stored.set()
        sleep(held)
    return monotonic() - began


def test_a_claim_waits_for_an_opt_out_that_is_being_stored_and_obeys_it(
    due: tuple[Message, Message], provider: FakeSender
) -> None:
    stored = Event()

    def claim_meanwhile() -> float:
        stored.wait()
        began = monotonic()
        send.send_batch()
        return monotonic() - began

    _, waited = at_once(lambda: stop(PHONE, stored, HELD), claim_meanwhile)
    assert waited > HELD / 2
    states = [Message.objects.values_list("state", "reason").get(pk=row.pk) for row in due]
    assert states == [("skipped", "opted_out"), ("accepted", "")]
    assert [one.to for one in provider.sent] == [OTHER]


def test_an_opt_out_waits_for_a_claim_and_nothing_begins_after_it(
    due: tuple[Message, Message], provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, claimed = gates.contexts, Event()

    def read_slowly(rows: Any) -> Any:
        claimed.set()
        sleep(HELD)
        return read(rows)

    def stop_meanwhile() -> float:
        claimed.wait()
        return stop(OTHER, Event())

    monkeypatch.setattr(send, "contexts", read_slowly)
    _, waited = at_once(send.send_batch, stop_meanwhile)
    assert waited > HELD / 2
    # What the claim held may have been under way; else the question right before the byte found the word.
    ended = Message.objects.values_list("state", flat=True).get(pk=due[1].pk)
    assert (ended == "accepted") is (OTHER in {one.to for one in provider.sent})
    sent = [one.to for one in provider.sent].count(OTHER)
    monkeypatch.setattr(send, "contexts", read)
    for row in Message.objects.filter(patient=due[1].patient, state="planned").order_by("send_at"):
        set_now(row.send_at)
        send.drain()
    assert [one.to for one in provider.sent].count(OTHER) == sent
    assert not Message.objects.filter(patient=due[1].patient, state="planned").exists()


def test_the_same_button_at_the_same_moment_acts_once_and_tells_the_second(
    open_clinic: Clinic, provider: FakeSender
) -> None:
    one, two = (make_staff(open_clinic, f"{name}@clinic.example") for name in ("one", "two"))
    patient = make_patient(open_clinic).patient
    alert = escalate.open_alert(
        clinic=open_clinic,
        reply=None,
        patient=patient,
        urgency="urgent",
        rule="x",
        matched=[],
        now=clock.now(),
    )
    both = (one, two)
    took = at_once(*(lambda who=who: escalate.acknowledge(alert.pk, who).acknowledged_by for who in both))
    assert took[0] == took[1] is not None
    ended = at_once(*(lambda who=who: escalate.close(alert.pk, who, "reached") for who in both))
    assert sum(isinstance(end, str) and "closed already" in end for end in ended) == 1

    visit = Visit.objects.get(course__patient=patient)
    later = visit.on_date.replace(day=visit.on_date.day + 1)
    moved = at_once(*[lambda: visits.move(visit.pk, later, visit.at_time, by="x").planned] * 2)
    visit.refresh_from_db()
    assert (visit.version, sorted(bool(count) for count in moved)) == (2, [False, True])
    settled = at_once(*[lambda: visits.settle(visit.pk, VisitState.COMPLETED, by="x")] * 2)
    assert sum(isinstance(end, str) and "already completed" in end for end in settled) == 1

    clinicians = [person(open_clinic, Staff.Role.CLINICIAN, name) for name in ("ann", "bea")]
    seen = {SMS: stood(open_clinic, SMS).digest}
    for what in (Act.WITHDRAW, Act.REVIEW):
        sign_off.change(open_clinic, what, seen, by=clinicians[0], now=clock.now())
    approved = at_once(
        *(
            lambda who=who: sign_off.change(open_clinic, Act.APPROVE, seen, by=who, now=clock.now())
            for who in clinicians
        )
    )
    assert sum(isinstance(end, str) and "is approved: look at it again" in end for end in approved) == 1

    browsers = [Client(), Client()]
    browsers[0].force_login(one)
    browsers[1].cookies = browsers[0].cookies
    form = previewed(browsers[0])
    told = at_once(*(lambda it=it: it.post("/patients/new", form).headers["Location"] for it in browsers))
    assert told[0] == told[1]
    assert Patient.objects.filter(clinic=open_clinic).count() == 2

    acts = list(AuditEntry.objects.values_list("action", flat=True))
    for action in ("alert_acknowledged", "alert_closed", "visit_moved", "visit_completed"):
        assert acts.count(action) == 1, action
    assert acts.count("patient_enrolled") == 2
    assert broken_link() is None
