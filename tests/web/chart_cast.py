"""A patient with a long story: a hundred messages, forty replies, two treatments done and one to come."""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.models import Answer, Attempt, Clinic, Message, Patient, Reply, Visit
from campaigns.queries import clock
from tests.web import cast

ASKED = (
    ("pain", -60, "7"),
    ("pain", -54, "6"),
    ("pain", -40, None),
    ("function", -40, "4"),
    ("pain", -29, "8"),
    ("pain", -23, "4"),
    ("function", -12, "7"),
    ("pain", -5, "3"),
)
"""What was asked how many days ago, and answered."""


def long_story(clinic: Clinic, language: str = "ar", phone: str = "+16045550133") -> Patient:
    """The patient, as if the last two months had been."""
    patient, now = cast.new_patient(clinic, language=language, phone=phone), clock.now()
    visits = list(Visit.objects.filter(course__patient=patient).order_by("number"))
    for visit, days in zip(visits, (-61, -30, 12), strict=True):
        visit.on_date, visit.kind = cast.on(days), "session"
        visit.state = "completed" if days < 0 else "booked"
        visit.save()
    notes = [
        _message(patient, visits[0], now - timedelta(days=62, hours=-20 * place), f"note {place}")
        for place in range(72)
    ]
    _tried(Message.objects.bulk_create(notes))
    for question, days, value in ASKED:
        asked = _message(patient, visits[0], now + timedelta(days=days), "How is it?", asks=question)
        asked.save()
        _tried([asked])
        if value is not None:
            _answered(asked, value)
    Reply.objects.bulk_create(
        _reply(patient, now - timedelta(days=50 - place), f"said {place}") for place in range(33)
    )
    return patient


def _message(patient: Patient, visit: Visit, at: datetime, body: str, asks: str = "") -> Message:
    step = "midway" if asks == "function" else "next_day"
    return Message(
        clinic=patient.clinic,
        patient=patient,
        sequence="aftercare",
        step=step,
        template=f"aftercare/{step}",
        visit=visit,
        channel="sms",
        purpose="step",
        topic="check_ins",
        asks=asks,
        send_at=at,
        due_at=at,
        expires_at=at + timedelta(days=1),
        state="delivered",
        language="en-CA",
        body=body,
        segments=1,
        sent_at=at,
        created_at=at,
    )


def _tried(messages: list[Message]) -> None:
    Attempt.objects.bulk_create(
        Attempt(
            message=message,
            channel="sms",
            epoch=1,
            started_at=message.send_at,
            finished_at=message.send_at,
            outcome="accepted",
        )
        for message in messages
    )


def _reply(patient: Patient, at: datetime, body: str, message: Message | None = None) -> Reply:
    return Reply(
        provider_id=f"SM {patient.pk} {body} {at.isoformat()}",
        clinic=patient.clinic,
        patient=patient,
        channel="sms",
        body=body,
        received_at=at,
        answer=body if message else "",
        outcome="answer" if message else "alert",
        message=message,
    )


def _answered(asked: Message, value: str) -> Answer:
    at = asked.send_at + timedelta(hours=2)
    reply = _reply(asked.patient, at, value, asked)
    reply.save()
    return Answer.objects.create(
        reply=reply,
        patient=asked.patient,
        message=asked,
        question=asked.asks,
        value=value,
        answered_at=at,
    )
