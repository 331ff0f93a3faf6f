"""Stories by chance for the reports."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from campaigns.domain.lifecycle import State
from campaigns.domain.visits import VisitKind, VisitState
from campaigns.models import Alert, Answer, Clinic, Consent, Course, Message, Patient, Reply, Visit
from tests.factories import NOON

VANCOUVER = ZoneInfo("America/Vancouver")
STEPS = {
    "aftercare/next_day": "pain",
    "aftercare/week_pain": "pain",
    "pretreatment/avoid": "ready",
    "previsit/confirm": "confirm",
    "previsit/about": "",
    "pretreatment/morning": "",
}
LANGUAGES = ("en-CA", "fr-CA", "ar", "pa")
STATES = ["delivered"] * 8 + [
    "accepted",
    "undelivered",
    "unknown",
    "skipped",
    "cancelled",
    "rejected",
    "planned",
]


def tell(clinic: Clinic, patients: int, *, seed: int = 1, months: int = 3) -> None:
    """Patients with courses of three to six visits in the months before the clock's noon."""
    chance = random.Random(seed)
    for number in range(patients):
        _patient(clinic, chance, f"{seed}-{number}", months)


def _patient(clinic: Clinic, chance: random.Random, name: str, months: int) -> None:
    language = chance.choice(LANGUAGES)
    patient = Patient.objects.create(
        clinic=clinic, given_name="Test", family_name="Patient", language=language, created_at=NOON
    )
    course = Course.objects.create(patient=patient, created_at=NOON)
    begins = NOON - timedelta(days=chance.randrange(30 * months))
    visits = Visit.objects.bulk_create(
        _visit(course, place, begins + timedelta(days=12 * place), chance)
        for place in range(1, chance.choice((3, 3, 4, 6)) + 1)
    )
    told = Message.objects.bulk_create(
        _message(visit, template, asks, chance) for visit in visits for template, asks in STEPS.items()
    )
    answering = [one for one in told if one.sent_at and one.asks and chance.random() < 0.6]
    replies = Reply.objects.bulk_create(_reply(one, chance, name) for one in answering)
    Answer.objects.bulk_create(_answer(reply, chance) for reply in replies)
    if chance.random() < 0.3:
        _stop(patient, begins, chance)
    if chance.random() < 0.5:
        _worry(patient, begins, chance, name)


def _visit(course: Course, number: int, at: datetime, chance: random.Random) -> Visit:
    past = VisitState.NO_SHOW if chance.random() < 0.2 else VisitState.COMPLETED
    return Visit(
        course=course,
        number=number,
        kind=VisitKind.SESSION,
        on_date=at.astimezone(VANCOUVER).date(),
        at_time=time(9, 0),
        state=past if at < NOON else VisitState.BOOKED,
    )


def _message(visit: Visit, template: str, asks: str, chance: random.Random) -> Message:
    patient = visit.course.patient
    before = datetime.combine(visit.on_date, visit.at_time, VANCOUVER)
    at = before + timedelta(hours=chance.randrange(-100, 200))
    state = chance.choice(STATES) if at < NOON else State.PLANNED.value
    went = state in {"delivered", "accepted", "undelivered", "unknown"}
    channel = chance.choice(("sms", "sms", "email"))
    sequence, _, step = template.partition("/")
    return Message(
        clinic=patient.clinic, patient=patient, sequence=sequence, step=step, template=template, visit=visit,
        visit_version=1, channel=channel, purpose="step",
        topic="reminders" if sequence == "pretreatment" else "check_ins",
        asks=asks, send_at=at, due_at=at, expires_at=at + timedelta(days=1), state=state,
        language=patient.language if went and chance.random() < 0.8 else "en-CA" if went else "",
        segments=chance.randrange(1, 4) if went and channel == "sms" else 0, sent_at=at if went else None,
        settled_at=at,
    )  # fmt: skip


def _reply(asked: Message, chance: random.Random, name: str) -> Reply:
    value = str(chance.randrange(11)) if asked.asks == "pain" else chance.choice(("yes", "no"))
    return Reply(
        provider_id=f"SM {name} {asked.pk}", clinic=asked.clinic, patient=asked.patient, body=value,
        channel=asked.channel, received_at=asked.send_at + timedelta(hours=chance.randrange(1, 300)),
        language=asked.language, answer=value, outcome="answer", message=asked,
    )  # fmt: skip


def _answer(reply: Reply, chance: random.Random) -> Answer:
    asked = reply.message
    assert asked is not None
    return Answer(
        reply=reply, patient=asked.patient, message=asked, question=asked.asks, value=reply.answer,
        answered_at=reply.received_at, late=chance.random() < 0.1,
    )  # fmt: skip


def _stop(patient: Patient, at: datetime, chance: random.Random) -> None:
    channel = chance.choice(("sms", "email"))
    Consent.objects.bulk_create(
        Consent(
            patient=patient, channel=channel, topic=topic, action="withdrawn", at=at, source="reply", by="x"
        )
        for topic in chance.sample(("education", "reminders", "check_ins"), chance.randrange(1, 4))
    )


def _worry(patient: Patient, at: datetime, chance: random.Random, name: str) -> None:
    urgency = chance.choice(("", "", "urgent", "emergency"))
    reply = Reply.objects.create(
        provider_id=f"SMw {name}", clinic=patient.clinic, patient=patient, channel="sms", body="?",
        received_at=at, language=patient.language, urgency=urgency, outcome="alert",
    )  # fmt: skip
    taken = at + timedelta(seconds=chance.randrange(60, 90_000)) if chance.random() < 0.9 else None
    Alert.objects.create(
        clinic=patient.clinic, reply=reply, patient=patient, urgency=urgency or "routine", rule="x",
        opened_at=at, acknowledged_at=taken,
    )  # fmt: skip


def month(at: datetime) -> str:
    """The month on the clinic's wall."""
    return f"{at.astimezone(VANCOUVER):%Y-%m}-01"
