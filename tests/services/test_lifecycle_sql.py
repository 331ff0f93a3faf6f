"""The conditions of the real statements, state by state, against the copies that the model moves by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models.functions import Now

from campaigns.delivery.channels import Ending
from campaigns.delivery.events import TWILIO_STATES, from_twilio
from campaigns.domain.lifecycle import After, Reason, State, after_news
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, Clinic, Message, Visit
from campaigns.queries import clock, queue
from campaigns.queries.queue import Record, Settled
from campaigns.services import plan, send
from campaigns.services.consent import opt_out
from campaigns.services.reconcile import _move
from campaigns.services.track import track
from tests.domain import lifecycle_rules as model
from tests.domain.lifecycle_rules import Age
from tests.factories import NOON, make_patient, set_now
from tests.services.fakes import FakeSender, due_text

DAY = timedelta(days=1)
LEASE, QUIET = 60, 180
AGES = {Age.FRESH: timedelta(0), Age.LAPSED: timedelta(seconds=90), Age.QUIET: timedelta(seconds=200)}


@dataclass(frozen=True)
class Case:
    """One message: its state, whether the try that acts is the newest, and whether another was taken."""

    state: State
    newest: bool
    another: bool = False
    age: Age = Age.QUIET


CASES = [
    Case(state, newest, another) for state in State for newest in (True, False) for another in (False, True)
]
CASES += [Case(state, True, age=age) for state in State for age in (Age.FRESH, Age.LAPSED)]


@dataclass
class Stored:
    """The stored cases by the number of their message, and the try of each that acts."""

    cases: dict[int, Case]
    tries: dict[int, UUID]

    def rows(self) -> dict[int, tuple[State, bool]]:
        """State and mark of every message."""
        rows = Message.objects.filter(pk__in=self.cases).values_list("pk", "state", "duplicate_possible")
        return {pk: (State(state), doubled) for pk, state, doubled in rows}

    def where(self, condition: Callable[[Case], bool]) -> set[int]:
        """The messages of which the condition is true."""
        return {pk for pk, case in self.cases.items() if condition(case)}

    def moved_by(self, act: Callable[[], object]) -> set[int]:
        """The messages whose state an act changes. It is taken back."""
        before = self.rows()
        with transaction.atomic():
            act()
            after = self.rows()
            transaction.set_rollback(True)
        return {pk for pk in before if before[pk][0] is not after[pk][0]}


@pytest.fixture
def stored(clinic: Clinic) -> Stored:
    """A message for every case. The try that acts has epoch 2; one that is not the newest has a successor."""
    now = clock.now()
    message = partial(
        Message,
        tries=2,
        clinic=clinic,
        patient=make_patient(clinic, email="").patient,
        channel="sms",
        purpose="step",
        topic="reminders",
        send_at=now,
        due_at=now,
        expires_at=now + DAY,
    )
    rows = [message(state=case.state, epoch=2 if case.newest else 3) for case in CASES]
    cases = dict(zip([row.pk for row in Message.objects.bulk_create(rows)], CASES, strict=True))
    tries = [
        Attempt(message_id=pk, channel="sms", epoch=epoch, started_at=now, outcome=outcome)
        for pk, case in cases.items()
        for epoch, outcome in ((1, "accepted" if case.another else ""), (2, ""), (3, ""))
        if epoch < 3 or not case.newest
    ]
    Attempt.objects.bulk_create(tries)
    for age, ago in AGES.items():
        aged = [pk for pk, case in cases.items() if case.age is age]
        # By the real clock: a lease takes no notice of a rehearsal.
        Attempt.objects.filter(message__in=aged).update(leased_at=Now() - ago)
    return Stored(cases, {one.message_id: one.pk for one in tries if one.epoch == 2})


def test_each_statement_moves_what_its_copy_in_the_model_says(stored: Stored) -> None:
    now, everyone = clock.now(), list(stored.cases)
    skipped = [Settled(message_id=pk, state="skipped", reason="expired", due_at=now) for pk in everyone]
    unsent = stored.where(lambda case: model.may_claim(case.state))
    assert {row.id for row in queue.claim(now, 1000)} & set(everyone) == unsent
    assert stored.moved_by(lambda: queue.expire(now + DAY)) == unsent
    assert stored.moved_by(lambda: queue.settle(skipped, now)) == unsent - stored.where(_is(State.SKIPPED))
    held = queue.hold(list(stored.tries.values()))
    ours = stored.where(lambda case: model.may_hold(case.state, case.newest))
    assert held == {stored.tries[pk] for pk in ours}
    assert {State(state) for state in plan.NOT_GONE} == {one for one in State if model.may_plan(one)}


def test_the_sweeper_and_the_reconciler_move_what_the_model_says(stored: Stored) -> None:
    over = stored.where(lambda case: model.may_lapse(case.state, case.age))
    assert stored.moved_by(lambda: queue.lapse(LEASE)) == over
    doubts = {doubt.id: doubt for doubt in queue.in_doubt(QUIET) if doubt.id in stored.cases}
    assert set(doubts) == stored.where(_is(State.UNCERTAIN))
    assert {pk: doubt.quiet for pk, doubt in doubts.items()} == {
        pk: stored.cases[pk].age is Age.QUIET for pk in doubts
    }
    read = next(iter(doubts.values()))
    again = After(state=State.UNRESOLVED, reason=Reason.UNCERTAIN_EXPIRED)

    def write_down() -> None:
        for pk, attempt in stored.tries.items():
            _move(replace(read, id=pk, epoch=2, attempt_id=attempt), again, None, clock.now())

    settled = stored.where(lambda case: model.may_settle(case.state, case.newest))
    assert stored.moved_by(write_down) == settled


def _is(state: State) -> Callable[[Case], bool]:
    return lambda case: case.state is state


def test_a_worker_writes_down_what_the_model_says(stored: Stored) -> None:
    def records(ending: Ending, state: State) -> list[Record]:
        return [
            Record(
                message_id=pk,
                attempt_id=attempt,
                epoch=2,
                state=state,
                reason="",
                due_at=NOON,
                outcome=ending,
                provider_id=f"SM{pk}" if ending is Ending.ACCEPTED else "",
                error_code="",
                detail="",
            )
            for pk, attempt in stored.tries.items()
        ]

    ours = stored.where(lambda case: model.may_record(case.state, case.newest))
    refused = records(Ending.REJECTED, State.REJECTED)
    assert stored.moved_by(lambda: queue.record(refused, clock.now())) == ours
    assert queue.record(records(Ending.ACCEPTED, State.ACCEPTED), clock.now()) == len(ours)
    for pk, (state, doubled) in stored.rows().items():
        case = stored.cases[pk]
        late = after_news(case.state, State.ACCEPTED, newest=case.newest, another=case.another)
        wanted = (State.ACCEPTED, False) if pk in ours else (late.state, late.doubled)
        assert (state, doubled) == wanted, case


@pytest.mark.parametrize("word", ["sent", "delivered", "undelivered", "a word that we do not know"])
def test_a_callback_moves_what_the_model_says_and_a_repeat_moves_nothing(stored: Stored, word: str) -> None:
    def call_back() -> dict[int, tuple[State, bool]]:
        for pk, attempt in stored.tries.items():
            assert track(attempt, from_twilio({"MessageSid": f"SM{pk}", "MessageStatus": word}))
        return stored.rows()

    told = call_back()
    assert call_back() == told
    for pk, case in stored.cases.items():
        reported = TWILIO_STATES.get(word)
        news = after_news(case.state, reported, newest=case.newest, another=case.another)
        assert told[pk] == (news.state, news.doubled), case


@pytest.mark.parametrize("expired", [False, True])
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("opted_out", [False, True])
def test_what_is_false_or_unwanted_is_known_at_the_claim_and_before_the_byte(
    clinic: Clinic, provider: FakeSender, opted_out: bool, moved: bool, expired: bool
) -> None:
    message = due_text(make_patient(clinic, email=""))
    at = message.expires_at if expired else message.send_at
    set_now(at)
    if opted_out:
        index = message.patient.contact_points.get(channel="sms").address_index
        opt_out(index, Channel.SMS, source="staff", now=at)
    if moved:
        assert message.visit_id
        Visit.objects.filter(pk=message.visit_id).update(version=2)
    wanted = model.forbidden(opted_out, moved, expired)
    assert queue.no_longer_wanted([message.pk], at).get(message.pk) == wanted
    send.send_batch()
    message.refresh_from_db()
    assert message.state == (State.SKIPPED if wanted else State.ACCEPTED)
