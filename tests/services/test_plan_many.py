"""Many patients are planned together as each would be alone, in as many statements, and stop nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from random import Random
from threading import Event
from time import sleep
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import F

from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitKind, VisitState
from campaigns.models import Answer, Clinic, ContactPoint, Enrollment, Message, Patient, Reply, Visit
from campaigns.models.encryption import blind_index
from campaigns.queries import clock, planning, sequence_files
from campaigns.services import consent, plan
from tests.factories import NOON, make_clinic, make_patient, set_now
from tests.services.test_races import at_once

HELD = 0.3
"""Seconds that somebody else keeps a row."""
DAY = timedelta(days=1)
CHANCE = Random()
SEQUENCES = sorted(sequence_files.load_all())


@pytest.fixture(autouse=True)
def the_same_stories_every_time() -> None:
    """Whatever other tests ran before."""
    CHANCE.seed(16)


def person(clinic: Clinic, number: int, sequences: list[str]) -> Patient:
    """Somebody with up to three visits ahead, on one channel or both."""
    visits = [
        (kind, NOON.date() + timedelta(days=CHANCE.randint(2, 40)), time(CHANCE.randint(9, 17)))
        for kind in CHANCE.choices(list(VisitKind), k=CHANCE.randint(1, 3))
    ]
    phone, email = f"+160455501{number:02}", f"p{number}@patients.example"
    which = CHANCE.choice([(phone, email), (phone, ""), ("", email)])
    return make_patient(
        clinic,
        phone=which[0],
        email=which[1],
        visits=visits,
        sequences=sequences,
        consent=CHANCE.random() < 0.8,
    ).patient


FATES = (
    (State.ACCEPTED, ""),
    (State.DELIVERED, ""),
    (State.REJECTED, Reason.UNREACHABLE),
    (State.SKIPPED, Reason.CAP_REACHED),
    (State.CANCELLED, Reason.VISIT_MOVED),
    (State.WAITING, ""),
)


def story(patient: Patient, now: datetime) -> None:
    """What has happened since the plan: texts went, visits moved, somebody answered or opted out."""
    for row in patient.messages.filter(send_at__lt=now + 5 * DAY):
        fate(row)
    for visit in Visit.objects.filter(course__patient=patient):
        if CHANCE.random() < 0.6:
            visit.on_date, visit.version = visit.on_date + CHANCE.randint(-1, 9) * DAY, visit.version + 1
            visit.state = CHANCE.choice(list(VisitState))
            visit.settled_at = None if visit.state == VisitState.BOOKED else now
            visit.save()
    point = patient.contact_points.order_by("pk")[0]
    theirs = Enrollment.objects.filter(course__patient=patient)
    happens: list[Callable[[], object]] = [
        lambda: consent.opt_out(point.address_index, Channel(point.channel), source="reply", now=now),
        lambda: ContactPoint.objects.filter(pk=point.pk).update(state="bad"),
        lambda: ContactPoint.objects.filter(pk=point.pk).update(state="landline"),
        lambda: Patient.objects.filter(pk=patient.pk).update(time_zone="Asia/Kolkata"),
        lambda: theirs.update(state=Enrollment.State.STOPPED),
        lambda: theirs.update(digest="another"),
        lambda: None,
    ]
    CHANCE.choice(happens)()


def fate(row: Message) -> None:
    """What became of one message."""
    state, reason = CHANCE.choice(FATES)
    visit = row.visit
    told = {"visit": str(visit.pk), "date": str(visit.on_date), "time": "14:00"} if visit else None
    gone = row.send_at if state not in plan.NOT_GONE else None
    Message.objects.filter(pk=row.pk).update(state=state, reason=reason, sent_at=gone, stated=told)
    if row.asks and gone:
        answered(row, gone + timedelta(hours=CHANCE.randint(1, 50)))


def answered(asked: Message, at: datetime) -> None:
    reply = Reply.objects.create(
        provider_id=f"SM{asked.pk}",
        clinic_id=asked.clinic_id,
        patient=asked.patient,
        channel=asked.channel,
        address_index="",
        body="3",
        received_at=at,
        parser_version="1",
        outcome=Reply.Outcome.ANSWER,
    )
    late = CHANCE.random() < 0.3
    Answer.objects.create(
        reply=reply, patient=asked.patient, message=asked, question=asked.asks, answered_at=at, late=late
    )


def many(clinic: Clinic, number: int) -> list[UUID]:
    """Patients of two clinics with stories of their own."""
    far = make_clinic(name="Far Clinic")
    Clinic.objects.filter(pk=far.pk).update(time_zone="America/Toronto", sms_per_day=1, sms_per_week=3)
    far.refresh_from_db()
    people = [
        person(CHANCE.choice([clinic, far]), n, CHANCE.sample(SEQUENCES, CHANCE.randint(1, len(SEQUENCES))))
        for n in range(number)
    ]
    set_now(NOON + 3 * DAY)
    for one in people:
        story(one, NOON + 3 * DAY)
    return [one.pk for one in people]


def rows() -> list[tuple[Any, ...]]:
    """Every message but for its number, and by which timing everything was planned."""
    columns = [field.attname for field in Message._meta.concrete_fields if field.attname != "id"]
    digests = Enrollment.objects.values_list("pk", "digest")
    return sorted((*map(str, row),) for row in (*Message.objects.values_list(*columns), *digests))


@contextmanager
def statements() -> Iterator[list[str]]:
    """Everything that is asked of the database meanwhile."""
    seen: list[str] = []
    execute, copy = psycopg.Cursor.execute, psycopg.Cursor.copy

    def kept(plain: Any) -> Any:
        def asked(self: Any, statement: Any, *args: Any, **options: Any) -> Any:
            seen.append(str(statement))
            return plain(self, statement, *args, **options)

        return asked

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", kept(execute))
        patch.setattr(psycopg.Cursor, "copy", kept(copy))
        yield seen


def test_together_each_is_planned_as_alone_and_a_second_time_changes_nothing(clinic: Clinic) -> None:
    everyone, now = many(clinic, 24), NOON + 3 * DAY
    before = rows()
    with transaction.atomic():
        each = [plan.replan(one, now) for one in CHANCE.sample(everyone, len(everyone))]
        alone = rows()
        transaction.set_rollback(True)
    together = plan.replan_many(everyone, now)
    assert before != rows() == alone
    for what in ("planned", "retimed", "cancelled", "skipped", "corrections"):
        assert getattr(together, what) == sum(getattr(one, what) for one in each) > 0, what
    assert plan.replan_many(everyone, now) == plan.Changes()
    assert rows() == alone


def test_a_hundred_take_as_many_statements_as_one(clinic: Clinic) -> None:
    everyone = [person(clinic, n, SEQUENCES).pk for n in range(5)]
    taken = []
    for patients in (everyone[:1], everyone[1:]):
        Visit.objects.filter(course__patient__in=patients).update(
            on_date=F("on_date") + 7 * DAY, version=F("version") + 1
        )
        Enrollment.objects.filter(course__patient__in=patients).update(digest="another")
        with statements() as seen:
            changes = plan.replan_many(patients, clock.now())
        assert changes.planned > 0 < changes.cancelled
        taken.append(seen[1:])  # the clock
    assert [len(seen) for seen in taken] == [12, 12], taken[0]
    with statements() as seen:
        plan.replan_many(everyone, NOON)
    assert len(seen) == 9, "what changes nothing writes nothing"


def test_one_who_cannot_be_planned_stops_no_other_of_a_batch(
    clinic: Clinic, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, unwritable, *sound = [
        make_patient(clinic, phone=f"+16045550{n}", email="").patient.pk for n in range(110, 114)
    ]
    Message.objects.all().delete()
    Enrollment.objects.update(digest="another")
    Enrollment.objects.filter(course__patient=lost).update(sequence="gone")
    Visit.objects.filter(course__patient=unwritable).update(version=2**31 - 1)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE message ADD CHECK (visit_version <> {2**31 - 1})")
    monkeypatch.setattr(plan, "TOGETHER", 3)
    gone = UUID(int=1)
    assert plan.replan_each([lost, *sound, unwritable, gone]) == 2
    assert set(Message.objects.values_list("patient", flat=True)) == set(sound)
    named = {(line.msg, vars(line)["patient"], vars(line)["why"]) for line in caplog.records}
    assert {(which, why) for _, which, why in named} == {
        (str(lost), "UnknownSequence"),
        (str(unwritable), "IntegrityError"),
        (str(gone), "DoesNotExist"),
    }
    stale = Enrollment.objects.filter(digest="another").values_list("course__patient_id", flat=True)
    assert set(stale) == {lost, unwritable}


def test_two_batches_at_once_plan_everybody_once(open_clinic: Clinic) -> None:
    everyone = [person(open_clinic, n, SEQUENCES).pk for n in range(6)]
    expected = Message.objects.count()
    Message.objects.all().delete()

    def planned(order: list[UUID]) -> int:
        with transaction.atomic():
            changes = plan.replan_many(order, NOON)
            sleep(HELD / 3)
        return changes.planned + changes.skipped

    counts = at_once(lambda: planned(everyone), lambda: planned(everyone[::-1]))
    assert sorted(counts) == [0, expected]
    assert Message.objects.count() == expected


def test_planning_waits_for_a_claim_and_for_nothing_that_has_gone(open_clinic: Clinic) -> None:
    """What is claimed meanwhile is history when the plan is made; what had gone before is not locked."""
    patient = make_patient(open_clinic).patient
    claimed, gone = Message.objects.filter(patient=patient, state="planned").order_by("id")[:2]
    Message.objects.filter(pk=gone.pk).update(state="accepted", sent_at=NOON)
    Visit.objects.filter(course__patient=patient).update(version=F("version") + 1)
    held, wanted = Event(), {claimed.pk: "attempting", gone.pk: "accepted"}

    def hold_both() -> None:
        with transaction.atomic():
            list(Message.objects.select_for_update().filter(pk__in=wanted))
            Message.objects.filter(pk=claimed.pk).update(state="attempting", sent_at=NOON)
            held.set()
            sleep(HELD)

    def plan_meanwhile() -> None:
        held.wait()
        plan.replan_patient(patient.pk)

    at_once(hold_both, plan_meanwhile)
    assert dict(Message.objects.filter(pk__in=wanted).values_list("pk", "state")) == wanted
    with transaction.atomic():
        planning.lock_messages([patient.pk])
        free = at_once(lambda: list(_free(patient)))[0]
    assert set(wanted) <= set(free) < set(Message.objects.values_list("pk", flat=True))


def _free(patient: Patient) -> list[int]:
    with transaction.atomic():
        mine = Message.objects.select_for_update(skip_locked=True).filter(patient=patient)
        return [row.pk for row in mine]


def test_an_opt_out_of_one_refuses_nothing_to_another(clinic: Clinic) -> None:
    """Each is told by the own addresses: in one batch stand one who has stopped and one who has not."""
    one, two = (
        make_patient(clinic, phone=f"+160455501{n}", email=f"q{n}@patients.example", sequences=SEQUENCES)
        for n in (81, 82)
    )
    consent.opt_out(blind_index("+16045550181"), Channel.SMS, source="reply", now=NOON)
    Message.objects.all().delete()
    plan.replan_many([one.patient.pk, two.patient.pk], NOON)
    first_of = [
        {row.channel for row in e.patient.messages.filter(state="planned") if _one_channel(row)}
        for e in (one, two)
    ]
    assert first_of == [{"email"}, {"sms", "email"}] or first_of == [{"email"}, {"sms"}]


def _one_channel(row: Message) -> bool:
    step = sequence_files.load(row.sequence).step(row.step)
    return step.channels.rule == "first_of"
