"""Who comes on a day, and whether they said that they are ready. A fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.domain.lifecycle import UNSENT, Purpose, State
from campaigns.domain.recipients import Channel
from campaigns.domain.replies import READINESS
from campaigns.domain.visits import VisitState
from campaigns.models import Answer, Clinic, ContactPoint, Message, Visit
from campaigns.queries.questions import GONE
from campaigns.queries.statements import statements


class Standing(StrEnum):
    """What is known about one question before a visit; the first of these needs a call most."""

    NO = "no"
    SILENT = "silent"
    NOT_ASKED = "not_asked"
    TO_COME = "to_come"
    YES = "yes"


ORDER = list(Standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One question about one visit: `at` is when it was answered, asked, or will be; `reason` says why it was
    not asked; `late` that the answer came when the question was closed."""

    question: str
    standing: Standing
    at: datetime | None = None
    state: str = ""
    reason: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """One visit of the day. `told` holds what was asked about it: being ready, or coming at all."""

    visit: Visit
    phone: str
    told: list[Told]

    @property
    def standing(self) -> Standing:
        """The standing that needs a call most."""
        return min((told.standing for told in self.told), key=ORDER.index, default=Standing.NOT_ASKED)


A_PAGE = 100


def tally(clinic: Clinic, day: date) -> dict[Standing, int]:
    """How many visits of a day stand where; cancelled ones are none. One query."""
    kept = statements("desk.sql")
    about: dict[str, Any] = {"clinic": clinic.pk, "day": day, "gone": [state.value for state in GONE]}
    with connection.cursor() as cursor:
        cursor.execute(kept["tally"].replace("{standing}", kept["standing"]), about)
        found = {Standing(standing): count for standing, count in cursor.fetchall()}
    return {standing: found.get(standing, 0) for standing in Standing}


def coming(clinic: Clinic, day: date, page: int = 1) -> list[Coming]:
    """A page of the visits of a day at this clinic in the order of their time; cancelled ones are none."""
    first = (page - 1) * A_PAGE
    visits = list(
        Visit.objects.filter(course__patient__clinic=clinic, on_date=day)
        .exclude(state=VisitState.CANCELLED)
        .select_related("course__patient")
        .order_by("at_time", "pk")[first : first + A_PAGE]
    )
    asked, answers = _asked(visits), _answers(visits)
    patients = {visit.course.patient_id for visit in visits}
    points = ContactPoint.objects.filter(patient__in=patients, channel=Channel.SMS)
    phones = {point.patient_id: point.address for point in points}
    return [
        Coming(
            visit=visit,
            phone=phones.get(visit.course.patient_id, ""),
            told=[
                _told(question, rows, answers.get((visit.pk, question)))
                for question, rows in sorted(asked[visit.pk].items())
            ],
        )
        for visit in visits
    ]


def _asked(visits: Sequence[Visit]) -> dict[UUID, dict[str, list[Message]]]:
    """What was or will be asked about each visit on its present date, by question."""
    versions = {visit.pk: visit.version for visit in visits}
    rows = Message.objects.filter(visit__in=visits, asks__in=READINESS, purpose=Purpose.STEP)
    found: dict[UUID, dict[str, list[Message]]] = {visit.pk: defaultdict(list) for visit in visits}
    for message in rows.defer("subject", "body", "html").order_by("pk"):
        visit = message.visit_id
        if visit is not None and message.visit_version in (0, versions[visit]):
            found[visit][message.asks].append(message)
    return found


def _answers(visits: Sequence[Visit]) -> dict[tuple[UUID, str], Answer]:
    """The last answer to each question about each visit on its present date."""
    versions = {visit.pk: visit.version for visit in visits}
    rows = Answer.objects.filter(message__visit__in=visits, question__in=READINESS).select_related("message")
    rows = rows.defer("message__subject", "message__body", "message__html")
    found: dict[tuple[UUID, str], Answer] = {}
    for answer in rows.order_by("answered_at", "pk"):
        visit = answer.message.visit_id
        if visit is not None and answer.message.visit_version in (0, versions[visit]):
            found[visit, answer.question] = answer
    return found


def _told(question: str, rows: Sequence[Message], answer: Answer | None) -> Told:
    if answer is not None:
        standing = Standing.YES if answer.value == "yes" else Standing.NO
        return Told(question=question, standing=standing, at=answer.answered_at, late=answer.late)
    gone = [row for row in rows if row.state in GONE]
    if gone:
        return Told(question=question, standing=Standing.SILENT, at=gone[-1].sent_at)
    waiting = [row for row in rows if State(row.state) in UNSENT]
    if waiting:
        return Told(question=question, standing=Standing.TO_COME, at=waiting[-1].due_at)
    last = rows[-1]
    return Told(question=question, standing=Standing.NOT_ASKED, state=last.state, reason=last.reason)
