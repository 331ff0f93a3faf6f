"""What planning reads and writes, for many patients at once: a fixed number of statements, however many.

Callers hold the transaction. Rows come as plain tuples in the binary form: a row read through the ORM takes
longer than planning what it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import psycopg
from django.db import connection
from psycopg.sql import SQL, Identifier

from campaigns.domain.lifecycle import UNSENT, State
from campaigns.models import Clinic, Patient

NOT_GONE = UNSENT | {State.SKIPPED, State.CANCELLED}
"""The states in which planning may change a row."""
_OPEN = sorted(state.value for state in NOT_GONE)


def _cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """One of psycopg's own, that sends values apart from the statement and reads the binary form."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def _read(statement: LiteralString, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.wrap_database_errors:
        return _cursor().execute(statement, parameters, binary=True).fetchall()


def _write(statement: LiteralString, **parameters: Any) -> None:
    with connection.wrap_database_errors:
        _cursor().execute(statement, parameters)


def lock_patients(ids: Iterable[UUID]) -> list[Patient]:
    """Lock these patients in the order of their ids, so that two batches never wait in a circle; those there
    are. Without the key, so that rows that only refer to the patient can be written meanwhile: a claim holds
    messages and adds such rows."""
    rows = Patient.objects.select_for_update(of=("self",), no_key=True)
    return list(rows.filter(pk__in=sorted(set(ids))).order_by("pk"))


def clinics(ids: Iterable[UUID]) -> dict[UUID, Clinic]:
    """These clinics by their ids."""
    return Clinic.objects.in_bulk(sorted(set(ids)))


class EnrollmentRow(NamedTuple):
    """One enrollment with its course."""

    id: UUID
    patient_id: UUID
    course_id: UUID
    sequence: str
    digest: str
    state: str
    enrolled_at: datetime
    course_state: str
    completed_at: datetime | None


def enrollments(patients: Sequence[UUID]) -> list[EnrollmentRow]:
    """Everything that these patients follow, or followed."""
    rows = _read(
        "SELECT e.id, c.patient_id, c.id, e.sequence, e.digest, e.state, e.enrolled_at, c.state,"
        " c.completed_at FROM enrollment e JOIN course c ON c.id = e.course_id"
        " WHERE c.patient_id = ANY(%(patients)s)",
        patients=patients,
    )
    return [EnrollmentRow(*row) for row in rows]


class VisitRow(NamedTuple):
    """One visit: wall clock at the clinic."""

    course_id: UUID
    id: UUID
    number: int
    kind: str
    on_date: date
    at_time: time
    state: str
    version: int
    settled_at: datetime | None


def visits(courses: Iterable[UUID]) -> list[VisitRow]:
    """The visits of these courses, in the order of their numbers."""
    rows = _read(
        "SELECT course_id, id, number, kind, on_date, at_time, state, version, settled_at FROM visit"
        " WHERE course_id = ANY(%(courses)s) ORDER BY number",
        courses=list(courses),
    )
    return [VisitRow(*row) for row in rows]


class ReachRow(NamedTuple):
    """What is known about one channel of a patient: `what` is an address (`word` is its state), a stop of one
    of the addresses, or the newest `word` said on a topic."""

    patient_id: UUID
    what: str
    channel: str
    topic: str
    word: str


ADDRESS, STOPPED, SAID = "address", "stopped", "said"


def reach(patients: Sequence[UUID]) -> list[ReachRow]:
    """Addresses, opt-outs that stand, and the newest word on every topic."""
    rows = _read(
        "SELECT patient_id, 'address', channel, '', state FROM contact_point"
        " WHERE patient_id = ANY(%(patients)s)"
        " UNION ALL"
        " SELECT p.patient_id, 'stopped', s.channel, '', '' FROM contact_point p"
        " JOIN suppression s ON s.address_index = p.address_index AND s.lifted_at IS NULL"
        " WHERE p.patient_id = ANY(%(patients)s)"
        " UNION ALL"
        " (SELECT DISTINCT ON (patient_id, channel, topic) patient_id, 'said', channel, topic, action"
        " FROM consent WHERE patient_id = ANY(%(patients)s)"
        " ORDER BY patient_id, channel, topic, id DESC)",
        patients=patients,
    )
    return [ReachRow(*row) for row in rows]


class MessageRow(NamedTuple):
    """One message of a sequence, as far as planning goes by it. Instants are UTC."""

    id: int
    patient_id: UUID
    enrollment_id: UUID
    step: str
    visit_id: UUID | None
    visit_version: int
    channel: str
    template: str
    state: str
    reason: str
    asks: str
    send_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    stated: Mapping[str, str] | None


def lock_messages(patients: Sequence[UUID]) -> list[MessageRow]:
    """Lock what has not gone of these patients' messages, in the order of the ids, and read all of them.

    In two statements: the second sees what whoever held a row before us made of it. What has gone is not
    locked: planning never writes it, and senders record the outcomes of many patients at once.
    """
    _write(
        "SELECT FROM message WHERE patient_id = ANY(%(patients)s) AND enrollment_id IS NOT NULL"
        " AND state = ANY(%(open)s) ORDER BY id FOR NO KEY UPDATE",
        patients=patients,
        open=_OPEN,
    )
    rows = _read(
        "SELECT id, patient_id, enrollment_id, step, visit_id, visit_version, channel, template, state,"
        " reason, asks, send_at, expires_at, sent_at, stated FROM message"
        " WHERE patient_id = ANY(%(patients)s) AND enrollment_id IS NOT NULL ORDER BY id",
        patients=patients,
    )
    return [MessageRow(*row) for row in rows]


class AnswerRow(NamedTuple):
    """When the question of a message was answered (UTC), and whether that was too late to follow."""

    message_id: int
    answered_at: datetime
    late: bool


def answers(messages: Sequence[int]) -> list[AnswerRow]:
    """The answers to these messages, the first one first."""
    if not messages:
        return []
    rows = _read(
        "SELECT message_id, answered_at, late FROM answer WHERE message_id = ANY(%(messages)s)"
        " ORDER BY answered_at, id",
        messages=messages,
    )
    return [AnswerRow(*row) for row in rows]


class NewMessage(NamedTuple):
    """One message to add. The names are those of the columns; `stated` is JSON."""

    clinic_id: UUID
    patient_id: UUID
    enrollment_id: UUID
    sequence: str
    step: str
    template: str
    visit_id: UUID | None
    visit_version: int
    channel: str
    purpose: str
    topic: str
    message_group: str
    asks: str
    priority: int
    capped: bool
    send_at: datetime
    due_at: datetime
    expires_at: datetime
    state: str
    reason: str
    stated: str | None
    settled_at: datetime | None
    created_at: datetime


_UNTOUCHED: dict[str, object] = {
    "tries": 0,
    "epoch": 0,
    "language": "",
    "wording_digest": "",
    "subject": "",
    "body": "",
    "html": "",
    "segments": 0,
    "encoding": "",
    "duplicate_possible": False,
}
"""What stands in a message that nobody has touched: COPY has no defaults of its own."""

_COPY = SQL("COPY message ({}) FROM STDIN").format(
    SQL(", ").join(map(Identifier, (*NewMessage._fields, *_UNTOUCHED)))
)


def add(messages: Iterable[NewMessage]) -> None:
    """Add these messages by COPY."""
    rest = tuple(_UNTOUCHED.values())
    with connection.wrap_database_errors, _cursor().copy(_COPY) as rows:
        for message in messages:
            rows.write_row(message + rest)


class Changed(NamedTuple):
    """What becomes of one message that has not gone. None leaves a column as it is."""

    id: int
    state: str
    reason: str
    template: str | None = None
    send_at: datetime | None = None
    expires_at: datetime | None = None
    priority: int | None = None
    capped: bool | None = None


_CHANGE = """UPDATE message m
SET state = n.state, reason = n.reason, template = coalesce(n.template, m.template),
    send_at = coalesce(n.send_at, m.send_at), due_at = coalesce(n.send_at, m.due_at),
    expires_at = coalesce(n.expires_at, m.expires_at), priority = coalesce(n.priority, m.priority),
    capped = coalesce(n.capped, m.capped), settled_at = CASE WHEN n.state <> 'planned' THEN %(now)s END
FROM unnest(%(id)s::bigint[], %(state)s::text[], %(reason)s::text[], %(template)s::text[],
            %(send_at)s::timestamptz[], %(expires_at)s::timestamptz[],
            %(priority)s::int[], %(capped)s::bool[])
     AS n(id, state, reason, template, send_at, expires_at, priority, capped)
WHERE m.id = n.id AND m.state = ANY(%(open)s)"""


def change(rows: Sequence[Changed], now: datetime) -> None:
    """Bring these messages in line with the plan made at `now`, in one statement. One that has gone since it
    was read stays as it is."""
    if not rows:
        return
    columns = dict(zip(Changed._fields, map(list, zip(*rows, strict=True)), strict=True))
    _write(_CHANGE, **columns, now=now, open=_OPEN)


def note_timings(digests: Mapping[UUID, str]) -> None:
    """Write down by which timing these enrollments are planned now."""
    if not digests:
        return
    _write(
        "UPDATE enrollment e SET digest = n.digest"
        " FROM unnest(%(ids)s::uuid[], %(digests)s::text[]) AS n(id, digest) WHERE e.id = n.id",
        ids=list(digests),
        digests=list(digests.values()),
    )
