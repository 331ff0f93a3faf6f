"""The call list: who answered nothing, and whom we could not tell what had to be said. A few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet

from campaigns.domain.dialogue import CALL_AFTER, About, open_for
from campaigns.domain.lifecycle import UNSENT, Purpose, Reason
from campaigns.domain.recipients import Channel
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import VisitState
from campaigns.models import Answer, Call, Clinic, ContactPoint, Message, Patient
from campaigns.models.messages import UNSAID
from campaigns.queries.questions import GONE, about_message, answered

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

IN_CARE = (Patient.Status.ACTIVE, Patient.Status.PAUSED)

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
    found: dict[UUID, list[Item]] = defaultdict(list)
    asked = _asked(clinic, now)
    for item in (*_unanswered(asked, now), *_unsaid(clinic, asked, now)):
        found[item.message.patient_id].append(item)
    calls = _calls(found.keys())
    waiting = {patient: _left(items, calls[patient]) for patient, items in found.items()}
    entries = _entries({patient: items for patient, items in waiting.items() if items}, calls)
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


def _left(items: Iterable[Item], calls: Collection[Call]) -> list[Item]:
    """What no call has dealt with: talking to the patient, or giving up, settles all that was listed then."""
    done = max((call.at for call in calls if call.back_on is None), default=None)
    return sorted(
        (item for item in items if done is None or item.listed_at > done), key=lambda item: item.since
    )


def _asked(clinic: Clinic, now: datetime) -> dict[About, list[Message]]:
    """The check-ins that were asked lately, by question, oldest first."""
    rows = Message.objects.filter(clinic=clinic, topic="check_ins", patient__status__in=IN_CARE)
    rows = rows.exclude(asks="").filter(sent_at__gt=now - LOOK_BACK, state__in=GONE)
    found: dict[About, list[Message]] = defaultdict(list)
    for message in _plain(rows).order_by("sent_at", "pk"):
        found[about_message(message)].append(message)
    return found


def _unanswered(asked: dict[About, list[Message]], now: datetime) -> Iterator[Item]:
    patients = {messages[0].patient_id for messages in asked.values()}
    known = answered(patients)
    rows = Message.objects.filter(patient__in=patients, state__in=UNSENT).exclude(asks="")
    to_come = {about_message(message) for message in _plain(rows)}
    for about, messages in asked.items():
        if about in known or about in to_come:
            continue
        last = messages[-1]
        wait = CALL_AFTER if len(messages) > 1 else open_for(last.group)
        listed_at = _sent(last) + wait
        if listed_at <= now:
            yield Item(message=last, since=_sent(messages[0]), listed_at=listed_at)


def _unsaid(clinic: Clinic, asked: dict[About, list[Message]], now: datetime) -> Iterator[Item]:
    """What had to be said (no cap may stop it) and was not, on any channel, while it still matters."""
    rows = (
        Message.objects.filter(clinic=clinic, capped=False, state__in=UNSAID, patient__status__in=IN_CARE)
        .filter(purpose__in=[Purpose.STEP, Purpose.CORRECTION], visit__isnull=False)
        .filter(send_at__gt=now - LOOK_BACK, send_at__lte=now)
        .exclude(reason__in=POINTLESS)
        # What was over before it was planned was never owed: booked late, or enrolled in the middle.
        .exclude(reason=Reason.EXPIRED, created_at__gt=F("send_at"))
    )
    missed: dict[_Occurrence, Message] = {}
    for message in _plain(rows).order_by("send_at", "pk"):
        missed.setdefault(_occurrence(message), message)
    said = _said({message.patient_id for message in missed.values()})
    zone = ZoneInfo(clinic.time_zone)
    for occurrence, message in missed.items():
        starts = _starts(message, zone)
        ahead = starts is not None and starts > now
        if occurrence in said or about_message(message) in asked or not (ahead or _is_after_visit(message)):
            continue
        yield Item(
            message=message,
            since=message.send_at,
            listed_at=message.send_at,
            unsaid=True,
            starts=starts if ahead else None,
        )


def _said(patients: Collection[UUID]) -> set[_Occurrence]:
    """What reached these patients on another channel, or still may; what they have answered counts too."""
    rows = Message.objects.filter(patient__in=patients, capped=False, state__in=[*GONE, *UNSENT])
    return {_occurrence(message) for message in _plain(rows.filter(visit__isnull=False))}


def _starts(message: Message, zone: ZoneInfo) -> datetime | None:
    visit = message.visit
    if visit is None or visit.state != VisitState.BOOKED:
        return None
    return to_instant(visit.on_date, visit.at_time, zone)


def _is_after_visit(message: Message) -> bool:
    """Whether this is a warning or a check-in after a treatment that has taken place."""
    visit = message.visit
    return visit is not None and visit.state == VisitState.COMPLETED and message.topic == "check_ins"


def _occurrence(message: Message) -> _Occurrence:
    return message.enrollment_id, message.step, message.visit_id, message.visit_version


def _sent(message: Message) -> datetime:
    return message.sent_at or message.send_at


def _plain(rows: QuerySet[Message]) -> QuerySet[Message]:
    """With patient and visit, without the texts."""
    return rows.select_related("visit", "patient").defer("subject", "body", "html")


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
