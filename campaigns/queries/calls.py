"""The call list: who answered nothing, and whom we could not tell what had to be said. A few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet

from campaigns.domain.dialogue import CALL_AFTER, About, about, open_for
from campaigns.domain.lifecycle import UNSENT, Purpose, Reason
from campaigns.domain.recipients import Channel
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import VisitState
from campaigns.models import Answer, Call, Clinic, ContactPoint, Message, Patient
from campaigns.models.messages import UNSAID
from campaigns.queries.questions import GONE, answered

LOOK_BACK = timedelta(days=30)
"""Nobody is called about anything older."""

ANSWERS_SHOWN = 6

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

_Occurrence = tuple[UUID | None, str, UUID | None, int]


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


class _Row(NamedTuple):
    """What decides about one message. Most of them lead to nobody's telephone, so no more is read of them."""

    pk: int
    patient_id: UUID
    enrollment_id: UUID | None
    step: str
    group: str
    visit_id: UUID | None
    visit_version: int
    asks: str
    topic: str
    sent_at: datetime | None
    send_at: datetime
    visit_state: str | None
    on_date: date | None
    at_time: time | None

    @property
    def about(self) -> About:
        """What it asks about."""
        return about(self.pk, self.enrollment_id, self.group, self.visit_id, self.visit_version, self.asks)

    @property
    def occurrence(self) -> _Occurrence:
        """The step that it says, on whichever channel."""
        return self.enrollment_id, self.step, self.visit_id, self.visit_version

    @property
    def left_at(self) -> datetime:
        """When it left, or should have."""
        return self.sent_at or self.send_at


_COLUMNS = (*_Row._fields[:11], "visit__state", "visit__on_date", "visit__at_time")


def _rows(query: QuerySet[Message]) -> list[_Row]:
    return [_Row(*row) for row in query.values_list(*_COLUMNS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matter:
    """An item whose message is not read yet."""

    row: _Row
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
    """Whom to call today, and who comes back on a later day."""

    today: list[Entry]
    later: list[Entry]


def call_list(clinic: Clinic, now: datetime) -> CallList:
    """The call list of one clinic at `now`: visits that come soon first, then who waits longest."""
    found: dict[UUID, list[_Matter]] = defaultdict(list)
    asked = _asked(clinic, now)
    for matter in (*_unanswered(asked, now), *_unsaid(clinic, asked, now)):
        found[matter.row.patient_id].append(matter)
    calls = _calls(found.keys())
    waiting = {patient: _left(matters, calls[patient]) for patient, matters in found.items()}
    entries = _entries(_items({patient: left for patient, left in waiting.items() if left}), calls)
    entries.sort(key=_soonest)
    here = now.astimezone(ZoneInfo(clinic.time_zone)).date()
    return CallList(
        today=[entry for entry in entries if not _is_later(entry, here)],
        later=[entry for entry in entries if _is_later(entry, here)],
    )


def _soonest(entry: Entry) -> tuple[datetime, datetime]:
    starts = [item.starts for item in entry.items if item.starts]
    return min(starts, default=datetime.max.replace(tzinfo=entry.items[0].since.tzinfo)), min(
        item.since for item in entry.items
    )


def _is_later(entry: Entry, today: date) -> bool:
    return entry.call is not None and entry.call.back_on is not None and entry.call.back_on > today


def _left(matters: Iterable[_Matter], calls: Collection[Call]) -> list[_Matter]:
    """What no call has dealt with: talking to the patient, or giving up, settles all that was listed then."""
    done = max((call.at for call in calls if call.back_on is None), default=None)
    return sorted((one for one in matters if done is None or one.listed_at > done), key=lambda one: one.since)


def _items(waiting: dict[UUID, list[_Matter]]) -> dict[UUID, list[Item]]:
    """The same with their messages, patients and visits, without the texts. One query."""
    wanted = [one.row.pk for matters in waiting.values() for one in matters]
    rows = Message.objects.select_related("visit", "patient").defer("subject", "body", "html")
    messages = rows.in_bulk(wanted)
    return {
        patient: [
            Item(
                message=messages[one.row.pk],
                since=one.since,
                listed_at=one.listed_at,
                unsaid=one.unsaid,
                starts=one.starts,
            )
            for one in matters
        ]
        for patient, matters in waiting.items()
    }


def _asked(clinic: Clinic, now: datetime) -> dict[About, list[_Row]]:
    """The check-ins that were asked lately, by question, oldest first."""
    rows = Message.objects.filter(clinic=clinic, topic="check_ins", patient__status__in=Patient.IN_CARE)
    rows = rows.exclude(asks="").filter(sent_at__gt=now - LOOK_BACK, state__in=GONE)
    found: dict[About, list[_Row]] = defaultdict(list)
    for row in _rows(rows.order_by("sent_at", "pk")):
        found[row.about].append(row)
    return found


def _unanswered(asked: dict[About, list[_Row]], now: datetime) -> Iterator[_Matter]:
    patients = {rows[0].patient_id for rows in asked.values()}
    known = answered(patients)
    unsent = Message.objects.filter(patient__in=patients, state__in=UNSENT).exclude(asks="")
    to_come = {row.about for row in _rows(unsent)}
    for question, rows in asked.items():
        if question in known or question in to_come:
            continue
        last = rows[-1]
        wait = CALL_AFTER if len(rows) > 1 else open_for(last.group)
        listed_at = last.left_at + wait
        if listed_at <= now:
            yield _Matter(row=last, since=rows[0].left_at, listed_at=listed_at)


def _unsaid(clinic: Clinic, asked: dict[About, list[_Row]], now: datetime) -> Iterator[_Matter]:
    """What had to be said (no cap may stop it) and was not, on any channel, while it still matters."""
    rows = (
        Message.objects.filter(
            clinic=clinic, capped=False, state__in=UNSAID, patient__status__in=Patient.IN_CARE
        )
        .filter(purpose__in=[Purpose.STEP, Purpose.CORRECTION], visit__isnull=False)
        .filter(send_at__gt=now - LOOK_BACK, send_at__lte=now)
        .exclude(reason__in=POINTLESS)
        # What was over before it was planned was never owed: booked late, or enrolled in the middle.
        .exclude(reason=Reason.EXPIRED, created_at__gt=F("send_at"))
    )
    missed: dict[_Occurrence, _Row] = {}
    for row in _rows(rows.order_by("send_at", "pk")):
        missed.setdefault(row.occurrence, row)
    said = _said({row.patient_id for row in missed.values()})
    zone = ZoneInfo(clinic.time_zone)
    for occurrence, row in missed.items():
        starts = _starts(row, zone)
        ahead = starts is not None and starts > now
        if occurrence in said or row.about in asked or not (ahead or _is_after_visit(row)):
            continue
        yield _Matter(
            row=row,
            since=row.send_at,
            listed_at=row.send_at,
            unsaid=True,
            starts=starts if ahead else None,
        )


def _said(patients: Collection[UUID]) -> set[_Occurrence]:
    """What reached these patients on another channel, or still may; what they have answered counts too."""
    rows = Message.objects.filter(patient__in=patients, capped=False, state__in=[*GONE, *UNSENT])
    return {row.occurrence for row in _rows(rows.filter(visit__isnull=False))}


def _starts(row: _Row, zone: ZoneInfo) -> datetime | None:
    if row.visit_state != VisitState.BOOKED or row.on_date is None or row.at_time is None:
        return None
    return to_instant(row.on_date, row.at_time, zone)


def _is_after_visit(row: _Row) -> bool:
    """Whether this is a warning or a check-in after a treatment that has taken place."""
    return row.visit_state == VisitState.COMPLETED and row.topic == "check_ins"


def _calls(patients: Collection[UUID]) -> dict[UUID, list[Call]]:
    """The calls to these patients, newest first."""
    found: dict[UUID, list[Call]] = {patient: [] for patient in patients}
    for call in Call.objects.filter(patient__in=found).select_related("by").order_by("-at", "-pk"):
        found[call.patient_id].append(call)
    return found


def _entries(waiting: dict[UUID, list[Item]], calls: dict[UUID, list[Call]]) -> list[Entry]:
    points = ContactPoint.objects.filter(patient__in=waiting, channel=Channel.SMS)
    phones = {point.patient_id: point.address for point in points}
    answers: dict[UUID, list[Answer]] = defaultdict(list)
    for answer in Answer.objects.filter(patient__in=waiting).order_by("-answered_at", "-pk"):
        answers[answer.patient_id].append(answer)
    return [
        Entry(
            patient=items[0].message.patient,
            phone=phones.get(patient, ""),
            items=items,
            answers=answers[patient][:ANSWERS_SHOWN],
            pain=_pain(answers[patient]),
            call=_last(calls[patient], items),
        )
        for patient, items in waiting.items()
    ]


def _last(calls: Iterable[Call], items: Iterable[Item]) -> Call | None:
    """The last call about what is still open: a call before all of it was about something else."""
    since = min(item.since for item in items)
    return next((call for call in calls if call.at >= since), None)


def _pain(newest_first: Iterable[Answer]) -> list[int]:
    values = [int(answer.value) for answer in newest_first if answer.question == "pain"]
    return values[:ANSWERS_SHOWN][::-1]
