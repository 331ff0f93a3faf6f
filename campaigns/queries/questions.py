"""The questions that have left, and the phones that they went to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.domain.dialogue import KEPT_FOR, About, Asked, Slot, about, moot_from
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.domain.timing import to_instant
from campaigns.models import Answer, ContactPoint, Message
from campaigns.queries import zones

GONE = (State.ATTEMPTING, State.UNCERTAIN, State.ACCEPTED, State.DELIVERED, State.UNKNOWN)
"""States of a message that the patient may have read."""


def asked_by_text(patients: Collection[UUID], now: datetime) -> list[Asked]:
    """The questions that were texted to these patients lately, newest first. Two queries."""
    rows = (
        Message.objects.filter(patient__in=patients, channel=Channel.SMS, state__in=GONE)
        .filter(sent_at__gt=now - KEPT_FOR)
        .exclude(asks="")
        .order_by("-sent_at", "-pk")
        .values_list(*_ABOUT, *_MORE, named=True)
    )
    messages = list(rows)
    answers = answered({message.patient_id for message in messages}) if messages else set()
    return [_asked(message, answers) for message in messages]


_ABOUT = ("pk", "enrollment_id", "group", "visit_id", "visit_version", "asks")
_MORE = (
    *("patient_id", "sent_at", "clinic__time_zone"),
    *("visit__state", "visit__version", "visit__on_date", "visit__at_time"),
)


def answered(patients: Iterable[UUID]) -> set[About]:
    """What these patients have answered, in time or not. One query."""
    rows = Answer.objects.filter(patient__in=set(patients))
    return {about(*row) for row in rows.values_list(*(f"message__{name}" for name in _ABOUT))}


def _asked(row: Any, answers: set[About]) -> Asked:
    return Asked(
        message=row.pk,
        patient=row.patient_id,
        enrollment=row.enrollment_id,
        group=row.group,
        visit=row.visit_id,
        visit_version=row.visit_version,
        asks=row.asks,
        sent_at=row.sent_at,
        moot_from=_moot_from(row),
        answered=about(*row[: len(_ABOUT)]) in answers,
    )


def _moot_from(row: Any) -> datetime | None:
    slot, zone = None, zones.known(row.clinic__time_zone)
    # Where the zone does not exist nobody knows when the visit begins: the question ends by its age alone.
    if row.visit_id is not None and zone is not None:
        starts = to_instant(row.visit__on_date, row.visit__at_time, zone)
        slot = Slot(state=row.visit__state, version=row.visit__version, starts=starts)
    return moot_from(row.asks, row.visit_version, slot, row.sent_at)


def lock_phones(message_ids: Collection[int]) -> dict[int, str]:
    """Keep these messages' phones for this transaction, so that no two questions leave for one at once; the
    phone (its blind index) of each message."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.id, c.address_index FROM message m JOIN contact_point c"
            " ON c.patient_id = m.patient_id AND c.channel = m.channel WHERE m.id = ANY(%s)",
            [list(message_ids)],
        )
        phones: dict[int, str] = dict(cursor.fetchall())
        # In one order, so that two senders never wait for one another in a circle.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(phone, 0)) FROM unnest(%s::text[]) AS phone",
            [sorted(set(phones.values()))],
        )
    return phones


def owners(phones: Iterable[str]) -> dict[UUID, str]:
    """The patients who have these phones, each with the phone."""
    points = ContactPoint.objects.filter(channel=Channel.SMS, address_index__in=set(phones))
    return dict(points.values_list("patient_id", "address_index"))


def let_go(patient: UUID, now: datetime) -> None:
    """Let the questions that waited for this patient's answer, on the same phone, be tried again now.

    A row that somebody else holds is left to its own time: waiting for it could close a circle.
    """
    phones = ContactPoint.objects.filter(patient=patient, channel=Channel.SMS).values("address_index")
    sharing = ContactPoint.objects.filter(channel=Channel.SMS, address_index__in=phones).values("patient")
    waiting = Message.objects.select_for_update(skip_locked=True).filter(
        patient__in=sharing, state=State.WAITING, reason=Reason.QUESTION_OPEN, due_at__gt=now
    )
    Message.objects.filter(pk__in=[message.pk for message in waiting.only("pk")]).update(due_at=now)
