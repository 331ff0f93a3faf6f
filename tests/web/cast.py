"""The people of the page tests: a coordinator, a stranger from another clinic, a patient with a history."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitKind
from campaigns.models import Answer, Clinic, Message, Patient, Reply, Visit
from campaigns.queries import clock
from campaigns.services import consent
from campaigns.services.consent import Told
from campaigns.services.send import send_batch
from tests.factories import NOON, make_clinic, make_patient, set_now

EVERY_SEQUENCE = ("welcome", "previsit", "pretreatment", "aftercare", "course_end", "missed_visit")
VISITS = [
    (VisitKind.CONSULTATION, NOON.date() + timedelta(days=10), time(14, 0)),
    (VisitKind.SESSION, NOON.date() + timedelta(days=24), time(14, 0)),
    (VisitKind.SESSION, NOON.date() + timedelta(days=52), time(9, 30)),
]


def new_clinic(name: str = "Westside Pain Clinic") -> Clinic:
    """A clinic at noon on a working day, with three languages approved."""
    set_now(NOON)
    return make_clinic(name=name)


def new_patient(clinic: Clinic, language: str = "ar", phone: str = "+16045550111") -> Patient:
    """An enrolled patient to whom the welcome has just been sent."""
    patient = make_patient(
        clinic, language=language, phone=phone, visits=VISITS, sequences=EVERY_SEQUENCE
    ).patient
    send_batch()
    return patient


def on(days: int) -> date:
    """The date so many days from the clock's today."""
    return NOON.date() + timedelta(days=days)


def first_visit(patient: Patient) -> Visit:
    """The patient's next visit."""
    return Visit.objects.filter(course__patient=patient).order_by("number")[0]


def sent_mail(patient: Patient) -> Message:
    """An e-mail that left."""
    return Message.objects.filter(patient=patient, channel="email").exclude(sent_at=None)[0]


def evening(day: date) -> datetime:
    """16:00 at the clinic on that day (UTC-7 all year)."""
    return datetime.combine(day, time(23, 0), UTC)


def question(patient: Patient) -> Message:
    """A text that asks for the pain, just sent."""
    now = clock.now()
    return Message.objects.create(
        clinic=patient.clinic,
        patient=patient,
        sequence="aftercare",
        step="next_day",
        template="aftercare/next_day",
        channel="sms",
        purpose="step",
        topic="check_ins",
        asks="pain",
        send_at=now,
        due_at=now,
        expires_at=now + timedelta(days=1),
        state="accepted",
        sent_at=now,
        created_at=now,
    )


def answer(asked: Message, value: str) -> Answer:
    """The answer of the patient who was asked, as if it had come by text."""
    now = clock.now()
    reply = Reply.objects.create(
        provider_id=f"SM of {asked.pk}",
        clinic=asked.clinic,
        patient=asked.patient,
        channel="sms",
        body=value,
        received_at=now,
        answer=value,
        outcome="answer",
        message=asked,
    )
    return Answer.objects.create(
        reply=reply,
        patient=asked.patient,
        message=asked,
        question=asked.asks,
        value=value,
        answered_at=now,
    )


def granted(patient: Patient, channel: Channel) -> set[str]:
    """The topics that the patient agrees to on a channel."""
    return consent.granted(patient, channel)


def withdraw(patient: Patient, channel: Channel, topic: str) -> None:
    """The patient switches one topic off."""
    with transaction.atomic():
        consent.withdraw_topics(patient, channel, [topic], Told(source="preferences"), clock.now())
