"""The call list: who answered nothing, and whom we could not tell what had to be said.

A fixed number of queries a page, and one that finds them all.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from campaigns.domain.dialogue import CALL_AFTER, OPEN_FOR, SHORTER
from campaigns.domain.lifecycle import UNSENT, Reason
from campaigns.domain.recipients import Channel
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import VisitState
from campaigns.models import Answer, Call, Clinic, ContactPoint, Message, Patient
from campaigns.models.messages import UNSAID
from campaigns.queries.questions import GONE
from campaigns.queries.statements import statements

LOOK_BACK = timedelta(days=30)
"""Nobody is called about anything older."""

ANSWERS_SHOWN = 6
A_PAGE = 25

POINTLESS = (
    Reason.VISIT_CANCELLED,
    Reason.VISIT_MOVED,
    Reason.VISIT_DONE,
    Reason.VISIT_MISSED,
    Reason.COURSE_CLOSED,
    Reason.PATIENT_PAUSED,
    Reason.PATIENT_LEFT,
    Reason.PATIENT_DECEASED_OR_MERGED,
    Reason.ENROLLMENT_STOPPED,
    Reason.OPERATOR_CANCELLED,
    Reason.SUPERSEDED,
    Reason.ANSWERED,
    Reason.NOT_NEEDED,
)
"""Reasons for which nothing was left unsaid: somebody chose so, or there was nothing more to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One matter to call about: a question without an answer, or a message that did not reach the patient.

    `since` is when it was first asked, or should have gone; `listed_at` when it came on the list. `starts` is
    the visit it is about where that lies ahead.
    """

    message: Message
    since: datetime
    listed_at: datetime
    unsaid: bool = False
    starts: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One patient to call. `answers` are the last ones, newest first; `pain` the numbers, oldest first;
    `call` the last call, if there was one about this."""

    patient: Patient
    phone: str
    items: list[Item]
    answers: list[Answer]
    pain: list[int]
    call: Call | None


@dataclass(frozen=True, slots=True)
class CallList:
    """One page of whom to call today, the first of who comes back on a later day, and how many there are.

    `total` and `total_later` may count somebody who has just been asked again.
    """

    today: list[Entry]
    later: list[Entry]
    total: int
    total_later: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """One patient on the list: the matters as the statement gives them, and how many patients there are."""

    patient_id: UUID
    items: list[dict[str, Any]]
    total: int


def call_list(clinic: Clinic, now: datetime, page: int = 1) -> CallList:
    """The call list of one clinic at `now`: visits that come soon first, then who waits longest."""
    today, later = _waiting(clinic, now, page)
    entries = {entry.patient.pk: entry for entry in _entries([*today, *later], clinic, now)}
    return CallList(
        today=[entries[one.patient_id] for one in today if one.patient_id in entries],
        later=[entries[one.patient_id] for one in later if one.patient_id in entries],
        total=today[0].total if today else 0,
        total_later=later[0].total if later else 0,
    )


def _waiting(clinic: Clinic, now: datetime, page: int) -> tuple[list[Waiting], list[Waiting]]:
    """A page of those to call today, and the first of those to call on another day. One query."""
    about = {**parameters(clinic, now), "limit": A_PAGE, "offset": (page - 1) * A_PAGE}
    with connection.cursor() as cursor:
        cursor.execute(statements("desk.sql")["calls"], about)
        rows = cursor.fetchall()
    found = [(later, Waiting(patient, _read(items), total)) for patient, items, later, total, _ in rows]
    return [one for later, one in found if not later], [one for later, one in found if later]


def _read(items: Any) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(items) if isinstance(items, str) else items
    return loaded


def parameters(clinic: Clinic, now: datetime) -> dict[str, Any]:
    """What the statement `calls` needs, but for which part of the list is wanted."""
    wall = now.astimezone(ZoneInfo(clinic.time_zone)).replace(tzinfo=None)
    return {
        "clinic": clinic.pk,
        "now": now,
        "from": now - LOOK_BACK,
        "wall": wall,
        "today": wall.date(),
        "again": CALL_AFTER,
        "open": OPEN_FOR,
        "shorter": json.dumps({group: f"{wait.total_seconds()} seconds" for group, wait in SHORTER.items()}),
        "gone": [state.value for state in GONE],
        "said": [state.value for state in (*GONE, *sorted(UNSENT))],
        "not_arrived": UNSAID,
        "pointless": [reason.value for reason in POINTLESS],
        "in_care": [status.value for status in Patient.IN_CARE],
    }


def _entries(found: Sequence[Waiting], clinic: Clinic, now: datetime) -> list[Entry]:
    """The same with all that is said on a call. A fixed number of queries."""
    items = _items(found, clinic, now)
    calls = _calls(items)
    points = ContactPoint.objects.filter(patient__in=items, channel=Channel.SMS)
    phones = {point.patient_id: point.address for point in points}
    answers: dict[UUID, list[Answer]] = defaultdict(list)
    for answer in Answer.objects.filter(patient__in=items).order_by("-answered_at", "-pk"):
        answers[answer.patient_id].append(answer)
    return [
        Entry(
            patient=mine[0].message.patient,
            phone=phones.get(patient, ""),
            items=mine,
            answers=answers[patient][:ANSWERS_SHOWN],
            pain=_pain(answers[patient]),
            call=_last(calls[patient], mine),
        )
        for patient, mine in items.items()
    ]


def _items(found: Sequence[Waiting], clinic: Clinic, now: datetime) -> dict[UUID, list[Item]]:
    """The matters of each patient with their messages, patients and visits, without texts. Two queries."""
    wanted = [item["message"] for one in found for item in one.items]
    rows = Message.objects.select_related("visit", "patient").defer("subject", "body", "html")
    messages, settled, zone = rows.in_bulk(wanted), _settled(wanted), ZoneInfo(clinic.time_zone)
    items = {
        one.patient_id: [
            _item(messages[item["message"]], item, zone, now)
            for item in one.items
            if item["unsaid"] or item["message"] not in settled
        ]
        for one in found
    }
    return {patient: mine for patient, mine in items.items() if mine}


def _settled(messages: Sequence[int]) -> set[int]:
    """The questions among these that another message with the same question settles."""
    with connection.cursor() as cursor:
        cursor.execute(statements("desk.sql")["settled_otherwise"], {"messages": list(messages)})
        return {row[0] for row in cursor.fetchall()}


def _item(message: Message, item: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> Item:
    starts = _starts(message, zone) if item["unsaid"] else None
    return Item(
        message=message,
        since=datetime.fromisoformat(item["since"]),
        listed_at=datetime.fromisoformat(item["listed_at"]),
        unsaid=item["unsaid"],
        starts=starts if starts is not None and starts > now else None,
    )


def _starts(message: Message, zone: ZoneInfo) -> datetime | None:
    visit = message.visit
    if visit is None or visit.state != VisitState.BOOKED:
        return None
    return to_instant(visit.on_date, visit.at_time, zone)


def _calls(patients: Iterable[UUID]) -> dict[UUID, list[Call]]:
    """The calls to these patients, newest first."""
    found: dict[UUID, list[Call]] = {patient: [] for patient in patients}
    for call in Call.objects.filter(patient__in=found).select_related("by").order_by("-at", "-pk"):
        found[call.patient_id].append(call)
    return found


def _last(calls: Iterable[Call], items: Iterable[Item]) -> Call | None:
    """The last call about what is still open: a call before all of it was about something else."""
    since = min(item.since for item in items)
    return next((call for call in calls if call.at >= since), None)


def _pain(newest_first: Iterable[Answer]) -> list[int]:
    values = [int(answer.value) for answer in newest_first if answer.question == "pain"]
    return values[:ANSWERS_SHOWN][::-1]
