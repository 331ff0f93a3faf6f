"""What clinics change about steps, as the planner and the gates read it, and how many are in each step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from django.db import connection

from campaigns.domain.overrides import OffReason, Override, effective
from campaigns.domain.steps import Days, Span, Window
from campaigns.models import Clinic, Patient, StepCount, StepSetting
from campaigns.queries import sequence_files

Overrides = Mapping[str, tuple[Override, ...]]
"""What one clinic changes, by sequence."""
NO_OVERRIDES: Overrides = MappingProxyType({})

LATELY = timedelta(days=7)
"""How far back "this week" goes."""


def overrides(clinics: Iterable[UUID]) -> dict[UUID, Overrides]:
    """What these clinics change about steps. One query; a clinic that changes nothing is left out."""
    found: dict[UUID, dict[str, tuple[Override, ...]]] = defaultdict(dict)
    for row in StepSetting.objects.filter(clinic__in=list(clinics)).order_by("pk"):
        own = found[row.clinic_id]
        own[row.sequence] = (*own.get(row.sequence, ()), override_of(row))
    return dict(found)


def override_of(row: StepSetting) -> Override:
    """A row as the rules know it."""
    offset: Days | Span | None = None
    if row.offset_days is not None:
        offset = Days(number=row.offset_days)
    elif row.offset_minutes is not None:
        offset = Span(minutes=row.offset_minutes)
    window = None
    if row.opens is not None and row.closes is not None:
        window = Window(opens=row.opens, closes=row.closes)
    return Override(
        step=row.step,
        off=OffReason(row.off_reason) if row.off_reason in set(OffReason) else None,
        offset=offset,
        window=window,
        version=row.version,
    )


def switched_off(clinics: Iterable[Clinic]) -> dict[UUID, frozenset[tuple[str, str]]]:
    """Sequence and step of everything that each of these clinics has switched off. One query."""
    known = {clinic.pk: clinic for clinic in clinics}
    found: dict[UUID, frozenset[tuple[str, str]]] = dict.fromkeys(known, frozenset())
    files = sequence_files.load_all()
    for pk, own in overrides(known).items():
        there = [
            effective(files[key], changed, known[pk].settings) for key, changed in own.items() if key in files
        ]
        found[pk] = frozenset((sequence.key, step) for sequence in there for step in sequence.off)
    return found


COUNTING = 0x73746570
"""The lock of whoever counts: "step"."""

_COUNT = """INSERT INTO step_count (clinic_id, sequence, step, ahead, next_up, sent, at)
SELECT clinic_id, sequence, step, count(DISTINCT patient_id) FILTER (WHERE waits),
       count(*) FILTER (WHERE waits AND place = 1), count(DISTINCT patient_id) FILTER (WHERE NOT waits),
       %(now)s
FROM (SELECT clinic_id, sequence, step, patient_id, state IN ('planned', 'waiting') AS waits,
             row_number() OVER (PARTITION BY clinic_id, sequence, patient_id, state IN ('planned', 'waiting')
                                ORDER BY send_at, id) AS place
      FROM message
      WHERE sequence <> ''
        AND (state IN ('planned', 'waiting') OR sent_at BETWEEN %(since)s AND %(now)s)) AS one
GROUP BY clinic_id, sequence, step
UNION ALL
SELECT p.clinic_id, e.sequence, '', count(*), 0, 0, %(now)s FROM enrollment e
JOIN course c ON c.id = e.course_id JOIN patient p ON p.id = c.patient_id
WHERE e.state = 'active' AND c.state = 'open' GROUP BY p.clinic_id, e.sequence"""


def count_up(now: datetime) -> int:
    """Count anew how many patients are in each step of every clinic; how many rows that makes.

    It reads every message once, so no page may ask for it. Whoever counts just now is left to it. Call inside
    a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [COUNTING])
        if cursor.fetchone() != (True,):
            return 0
        cursor.execute("DELETE FROM step_count")
        cursor.execute(_COUNT, {"now": now, "since": now - LATELY})
        return int(cursor.rowcount)


def counts(clinic: UUID) -> dict[tuple[str, str], StepCount]:
    """The last count of a clinic by sequence and step; the open courses of a sequence stand at an empty step.
    Empty before the first count. One query."""
    return {(row.sequence, row.step): row for row in StepCount.objects.filter(clinic=clinic)}


_IN_CARE = """SELECT patient_id, count(*) OVER () FROM (
  SELECT DISTINCT c.patient_id FROM enrollment e
  JOIN course c ON c.id = e.course_id JOIN patient p ON p.id = c.patient_id
  WHERE p.clinic_id = %(clinic)s AND e.state = 'active' AND (%(sequence)s = '' OR e.sequence = %(sequence)s)
    AND (c.state = 'open' OR c.completed_at > %(since)s)) AS care
ORDER BY random() LIMIT %(most)s"""


def in_care(clinic: UUID, sequence: str, since: datetime, most: int) -> tuple[int, list[UUID]]:
    """How many patients follow a sequence (any, where it is empty) in a course that is open or was completed
    after `since`, and up to `most` of them, drawn by lot."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_CARE, {"clinic": clinic, "sequence": sequence, "since": since, "most": most})
        rows = cursor.fetchall()
    return (rows[0][1] if rows else 0), [patient for patient, _ in rows]


def read_by(clinic: UUID) -> set[str]:
    """The languages that patients of a clinic read."""
    rows = Patient.objects.filter(clinic=clinic, forgotten_at=None)
    return set(rows.order_by().values_list("language", flat=True).distinct())
