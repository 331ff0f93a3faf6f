"""Each ending of a try, and the order of commit and byte."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from uuid import UUID

import pytest

from campaigns.delivery.channels import Ending, Outcome, Outgoing
from campaigns.domain.lifecycle import Purpose, Reason, State
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitState
from campaigns.models import Attempt, Clinic, ContactPoint, Message, Visit
from campaigns.queries import queue
from campaigns.services import send, visits
from campaigns.services.addresses import REFUSED
from campaigns.services.consent import opt_out
from tests.factories import NOON, make_patient, set_now
from tests.factories import message as message_of
from tests.services.fakes import FakeSender, accept, due_text, second_connection


def _due(clinic: Clinic, phone: str = "+16045550101") -> Message:
    message = due_text(make_patient(clinic, email="", phone=phone))
    set_now(message.send_at)
    return message


def _always(outcome: Outcome) -> Callable[[Outgoing], Outcome]:
    return lambda outgoing: outcome


def test_an_accepted_text_keeps_the_name_the_provider_gave_it(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    provider.answer = _always(Outcome(ending=Ending.ACCEPTED, provider_id="SM1"))
    send.drain()
    message.refresh_from_db()
    attempt = Attempt.objects.get(message=message)
    assert (message.state, message.reason, message.tries) == (State.ACCEPTED, "", 1)
    assert (message.sent_at, message.settled_at) == (message.send_at, message.send_at)
    assert (attempt.outcome, attempt.provider_id) == (Ending.ACCEPTED, "SM1")
    assert attempt.finished_at is not None


def test_what_was_not_sent_waits_and_is_tried_again_later(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    provider.answer = _always(Outcome(ending=Ending.NOT_SENT, retry_after=40, detail="busy"))
    send.drain()
    message.refresh_from_db()
    assert message.state == State.WAITING
    assert message.due_at >= message.send_at + timedelta(seconds=40)
    assert message.sent_at is None
    assert send.drain() == 0
    set_now(message.due_at)
    provider.answer = accept
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.tries) == (State.ACCEPTED, 2)
    endings = Attempt.objects.filter(message=message).order_by("epoch").values_list("outcome", flat=True)
    assert list(endings) == [Ending.NOT_SENT, Ending.ACCEPTED]


@pytest.mark.parametrize(
    ("said", "kept"),
    [(Reason.BAD_ADDRESS, Reason.BAD_ADDRESS), (None, Reason.PROVIDER_REFUSED)],
)
def test_a_refusal_is_final_and_says_why(
    clinic: Clinic, provider: FakeSender, said: Reason | None, kept: Reason
) -> None:
    message = _due(clinic)
    provider.answer = _always(Outcome(ending=Ending.REJECTED, reason=said, error_code="21211"))
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason, message.sent_at) == (State.REJECTED, kept, None)
    assert Attempt.objects.get(message=message).error_code == "21211"
    set_now(message.expires_at - timedelta(seconds=1))
    send.drain()
    assert Attempt.objects.filter(message=message).count() == 1


def test_an_uncertain_try_is_never_repeated_by_sending(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    provider.answer = _always(Outcome(ending=Ending.UNCERTAIN))
    for _ in range(3):
        send.drain()
    message.refresh_from_db()
    assert message.state == State.UNCERTAIN
    assert len(provider.sent) == 1


def test_the_attempt_is_committed_and_no_lock_held_when_the_byte_leaves(
    open_clinic: Clinic, provider: FakeSender
) -> None:
    message = _due(open_clinic)
    seen: list[object] = []

    def look_from_outside(outgoing: Outgoing) -> Outcome:
        with second_connection() as other:
            row = (
                "SELECT a.outcome, m.state FROM attempt a JOIN message m ON m.id = message_id WHERE a.id = %s"
            )
            seen.append(other.execute(row, [outgoing.attempt_id]).fetchone())
            seen.append(
                other.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                ).fetchone()
            )
            # Raises where anybody holds the row.
            other.execute("SELECT id FROM message WHERE id = %s FOR UPDATE NOWAIT", [message.pk])
        return accept(outgoing)

    provider.answer = look_from_outside
    send.drain()
    assert seen == [("", State.ATTEMPTING), (0,)]
    message.refresh_from_db()
    assert message.state == State.ACCEPTED


def test_one_poisoned_message_does_not_stop_the_others(clinic: Clinic, provider: FakeSender) -> None:
    poisoned = _due(clinic, "+16045550101")
    others = [_due(clinic, f"+1604555010{last}") for last in (2, 3, 4)]

    def choke(outgoing: Outgoing) -> Outcome:
        if outgoing.to == "+16045550101":
            raise RuntimeError("a fault of the channel")
        return accept(outgoing)

    provider.answer = choke
    assert send.drain() == 4
    poisoned.refresh_from_db()
    assert poisoned.state == State.UNCERTAIN
    states = Message.objects.filter(pk__in=[other.pk for other in others]).values_list("state", flat=True)
    assert list(states) == [State.ACCEPTED] * 3


def test_an_opt_out_between_claim_and_byte_is_heard(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _due(clinic)
    point = ContactPoint.objects.get(patient=message.patient, channel=Channel.SMS)
    really = queue.no_longer_wanted

    def stop_just_before(ids: list[int], now: datetime) -> dict[int, str]:
        opt_out(point.address_index, Channel.SMS, source="test", now=message.send_at)
        return really(ids, now)

    monkeypatch.setattr(queue, "no_longer_wanted", stop_just_before)
    send.drain()
    message.refresh_from_db()
    assert (message.reason, message.sent_at, provider.sent) == (Reason.OPTED_OUT, None, [])
    set_now(message.due_at)
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason, provider.sent) == (State.SKIPPED, Reason.OPTED_OUT, [])


def _between_claim_and_byte(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Once, after the attempts are committed."""
    really, left = queue.hold, [happens]

    def hold(attempts: list[UUID]) -> set[UUID]:
        while left:
            left.pop()()
        return really(attempts)

    monkeypatch.setattr(queue, "hold", hold)


def _only(clinic: Clinic, step: str) -> tuple[Message, Visit]:
    """A patient whose one due message is the text of this step, and the visit that it is about."""
    enrolled = make_patient(clinic, email="")
    told = message_of(enrolled, step)
    others = Message.objects.filter(patient=enrolled.patient).exclude(pk=told.pk)
    others.update(state=State.CANCELLED, reason=Reason.OPERATOR_CANCELLED)
    set_now(told.send_at)
    return told, enrolled.course.visits.get()


def test_a_visit_moved_between_claim_and_byte_is_not_announced(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, visit = _only(clinic, "day_before")
    later = NOON.date() + timedelta(days=21)
    _between_claim_and_byte(monkeypatch, lambda: visits.move(visit.pk, later, time(9), by="test"))
    send.drain()
    send.drain()
    told.refresh_from_db()
    assert (told.state, told.reason) == (State.CANCELLED, Reason.VISIT_MOVED)
    assert provider.sent == []  # nor is a date put right that the patient was never told


def _told_and_moved(clinic: Clinic, provider: FakeSender) -> tuple[Visit, Message]:
    """A visit whose date was texted and which has moved since; the correction that is due now."""
    told, visit = _only(clinic, "day_before")
    send.drain()
    assert [told.pk] == [m.pk for m in Message.objects.filter(state=State.ACCEPTED)]
    visits.move(visit.pk, NOON.date() + timedelta(days=21), time(9), by="test")
    correction = Message.objects.get(purpose=Purpose.CORRECTION)
    set_now(correction.send_at)
    provider.sent.clear()
    return visit, correction


def test_a_correction_that_a_second_move_overtakes_does_not_go_and_the_next_one_does(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, first = _told_and_moved(clinic, provider)
    later = NOON.date() + timedelta(days=28)
    _between_claim_and_byte(monkeypatch, lambda: visits.move(visit.pk, later, time(9), by="test"))
    send.drain()
    first.refresh_from_db()
    assert (first.reason, provider.sent) == (Reason.VISIT_MOVED, [])
    second = Message.objects.exclude(pk=first.pk).get(purpose=Purpose.CORRECTION)
    set_now(second.due_at)
    send.drain()
    assert ["Nov 30" in outgoing.text for outgoing in provider.sent] == [True]


def test_a_new_date_that_is_called_off_before_the_byte_is_not_told(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, moved = _told_and_moved(clinic, provider)
    _between_claim_and_byte(monkeypatch, lambda: visits.settle(visit.pk, VisitState.CANCELLED, by="test"))
    send.drain()
    moved.refresh_from_db()
    assert (moved.reason, provider.sent) == (Reason.VISIT_CANCELLED, [])
    called_off = Message.objects.get(template="correction/cancelled")
    set_now(called_off.due_at)
    send.drain()
    assert [outgoing.attempt_id for outgoing in provider.sent] == [
        attempt.pk for attempt in called_off.attempts.all()
    ]


@pytest.mark.parametrize(
    ("state", "reason"),
    [(VisitState.CANCELLED, Reason.VISIT_CANCELLED), (VisitState.NO_SHOW, Reason.VISIT_MISSED)],
)
def test_a_visit_called_off_between_claim_and_byte_is_not_announced(
    clinic: Clinic,
    provider: FakeSender,
    monkeypatch: pytest.MonkeyPatch,
    state: VisitState,
    reason: Reason,
) -> None:
    told, visit = _only(clinic, "day_before")
    _between_claim_and_byte(monkeypatch, lambda: visits.settle(visit.pk, state, by="test"))
    send.drain()
    told.refresh_from_db()
    assert (told.state, told.reason) == (State.CANCELLED, reason)
    assert [outgoing.text for outgoing in provider.sent if outgoing.text == told.body] == []


def test_what_expires_between_claim_and_byte_does_not_go(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, _ = _only(clinic, "nsaids")
    set_now(message.expires_at - timedelta(seconds=1))
    _between_claim_and_byte(monkeypatch, lambda: set_now(message.expires_at))
    send.send_batch()
    message.refresh_from_db()
    assert (message.reason, message.sent_at, provider.sent) == (Reason.EXPIRED, None, [])


def test_the_provider_is_told_how_long_it_may_wait_from_the_byte_on(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _due(clinic)
    later = message.send_at + timedelta(minutes=1)
    _between_claim_and_byte(monkeypatch, lambda: set_now(later))
    send.drain()
    assert provider.sent[0].now == later


@pytest.mark.parametrize("reason", [Reason.BAD_ADDRESS, Reason.LANDLINE])
def test_a_number_refused_at_the_request_is_marked_and_the_rest_goes_by_mail(
    clinic: Clinic, provider: FakeSender, reason: Reason
) -> None:
    enrolled = make_patient(clinic)
    message, avoid = due_text(enrolled), message_of(enrolled, "avoid")
    provider.answer = _always(Outcome(ending=Ending.REJECTED, reason=reason))
    set_now(message.send_at)
    send.drain()
    points = dict(enrolled.patient.contact_points.values_list("channel", "state"))
    assert points == {Channel.SMS: REFUSED[reason], Channel.EMAIL: ContactPoint.State.GOOD}
    avoid.refresh_from_db()
    assert avoid.state == State.CANCELLED
    assert message_of(enrolled, "avoid", Channel.EMAIL).state == State.PLANNED


def test_an_address_that_the_mail_server_refuses_is_left_to_the_reports(
    clinic: Clinic, provider: FakeSender
) -> None:
    """A relay that refuses every recipient must not mark every mailbox."""
    enrolled = make_patient(clinic, phone="")
    provider.answer = _always(Outcome(ending=Ending.REJECTED, reason=Reason.BAD_ADDRESS))
    set_now(message_of(enrolled, "nsaids", Channel.EMAIL).send_at)
    send.drain()
    assert enrolled.patient.contact_points.get().state == ContactPoint.State.GOOD
