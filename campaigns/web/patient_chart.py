"""Pain and function across the course: what the picture and the table beside it are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from campaigns.domain.course_chart import Asked, Drawing, Stop, draw
from campaigns.domain.dialogue import About, about, open_for
from campaigns.domain.visits import VisitKind, VisitState
from campaigns.models import Answer, Clinic, Message, Visit
from campaigns.queries.questions import GONE
from campaigns.queries.timeline import Story
from campaigns.web.filters import local

PLOTTED = ("pain", "function")
"""The questions whose answers run from 0 to 10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One question of the table: when it was asked, about which visit, its answer (None: none came)."""

    question: str
    on: date
    day: int
    visit: int | None
    value: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The picture and its table. `flare_days`: how long soreness is usual, as the clinic tells patients."""

    drawing: Drawing
    rows: tuple[Row, ...]
    flare_days: int

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions that are in it."""
        return tuple(name for name in PLOTTED if any(row.question == name for row in self.rows))


def chart(story: Story, visits: Sequence[Visit], clinic: Clinic, now: datetime) -> Chart | None:
    """Everything that was asked from 0 to 10, answered or not; None where nothing was."""
    known = [visit for visit in visits if visit.state != VisitState.CANCELLED]
    asked = list(_asked(story, clinic, now))
    if not asked:
        return None
    first = min([*(visit.on_date for visit in known), *(on for _, on, _, _ in asked)])
    begin = min((visit.on_date for visit in known), default=first)
    rows = tuple(
        Row(question=name, on=on, day=(on - begin).days, visit=number, value=value)
        for name, on, number, value in sorted(asked, key=lambda one: (one[1], one[0]))
    )
    today = local(now, clinic).date()
    flare_days = int(clinic.settings.get("soreness_days_to", 7))
    drawing = draw(_by_question(rows), list(_stops(known, begin, today)), flare_days)
    return Chart(drawing=drawing, rows=rows, flare_days=flare_days) if drawing else None


def _by_question(rows: Iterable[Row]) -> dict[str, list[Asked]]:
    found: dict[str, list[Asked]] = {}
    for row in rows:
        found.setdefault(row.question, []).append(Asked(row.day, row.value))
    return found


def _stops(visits: Iterable[Visit], begin: date, today: date) -> Iterable[Stop]:
    """Every visit so far, and the next one: what is booked far ahead would press the answers together."""
    in_order = sorted(visits, key=lambda visit: (visit.on_date, visit.at_time))
    ahead = [visit for visit in in_order if visit.state == VisitState.BOOKED and visit.on_date >= today]
    for visit in in_order:
        if visit in ahead[1:]:
            continue
        took_place = visit.state == VisitState.COMPLETED
        yield Stop(
            number=visit.number,
            day=(visit.on_date - begin).days,
            booked=not took_place,
            flares=took_place and visit.kind == VisitKind.SESSION,
        )


Found = tuple[str, date, int | None, int | None]


def _asked(story: Story, clinic: Clinic, now: datetime) -> Iterable[Found]:
    """Each question once, however often it was asked again: the answers, and what has closed without one."""
    messages = {message.pk: message for message in story.messages}
    answered: set[About] = set()
    for answer in story.answers:
        message = messages.get(answer.message_id)
        answered |= {_about(message)} if message else set()
        if answer.question in PLOTTED and answer.value.isdecimal():
            yield _answer(answer, message, clinic)
    silent: dict[About, Message] = {}
    for message in story.messages:
        sent = message.sent_at if message.asks in PLOTTED and message.state in GONE else None
        if sent and sent + open_for(message.group) <= now and _about(message) not in answered:
            silent.setdefault(_about(message), message)
    for message in silent.values():
        on = local(message.sent_at or message.send_at, clinic).date()
        yield message.asks, on, message.visit.number if message.visit else None, None


def _answer(answer: Answer, message: Message | None, clinic: Clinic) -> Found:
    number = message.visit.number if message and message.visit else None
    return answer.question, local(answer.answered_at, clinic).date(), number, int(answer.value)


def _about(message: Message) -> About:
    row = message
    return about(row.pk, row.enrollment_id, row.group, row.visit_id, row.visit_version, row.asks)
