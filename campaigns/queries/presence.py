"""Who has an item of the inbox open: said and asked in one statement, by the database's real clock."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.queries.inbox import HERE

_ARRIVE = """
WITH gone AS (
    DELETE FROM presence WHERE staff_id = %(staff)s AND seen_at < clock_timestamp() - interval '1 hour'
), here AS (
    INSERT INTO presence (staff_id, patient_id, alert_id, seen_at)
    VALUES (%(staff)s, %(patient)s, %(alert)s, clock_timestamp())
    ON CONFLICT {target} DO UPDATE SET seen_at = excluded.seen_at
)
SELECT s.name FROM presence p JOIN staff s ON s.id = p.staff_id
WHERE {mine} AND p.staff_id <> %(staff)s AND p.seen_at > clock_timestamp() - %(here)s
ORDER BY s.name, s.id
"""
_AT_PATIENT = _ARRIVE.format(target="(staff_id, patient_id)", mine="p.patient_id = %(patient)s")
_AT_ALERT = _ARRIVE.format(target="(staff_id, alert_id)", mine="p.alert_id = %(alert)s")


def at_patient(staff: int, patient: UUID) -> tuple[str, ...]:
    """Say that somebody has this conversation open; the names of who else has."""
    return _arrive(_AT_PATIENT, staff=staff, patient=patient, alert=None)


def at_alert(staff: int, alert: int) -> tuple[str, ...]:
    """The same for an alert about words that are nobody's yet."""
    return _arrive(_AT_ALERT, staff=staff, patient=None, alert=alert)


def _arrive(statement: str, **known: Any) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, known | {"here": HERE})
        return tuple(name for (name,) in cursor.fetchall())
