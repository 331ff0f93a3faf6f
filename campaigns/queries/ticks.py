"""When each duty last ran. Real time, by the database's own clock, whatever a rehearsal says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

RARELY = 10
"""Seconds between two writes of one duty: many workers would wait for one row otherwise."""

# A clock that was put back counts as long ago.
_MARK = """
INSERT INTO tick (duty, at, first_at)
SELECT %(duty)s, clock_timestamp(), clock_timestamp()
WHERE NOT EXISTS (
    SELECT FROM tick WHERE duty = %(duty)s
    AND at BETWEEN clock_timestamp() - make_interval(secs => %(rarely)s) AND clock_timestamp()
)
ON CONFLICT (duty) DO UPDATE SET at = excluded.at
"""


@dataclass(frozen=True, slots=True)
class Age:
    """How long ago a duty ran for the last and for the first time."""

    last: timedelta
    first: timedelta


def mark(duty: str) -> None:
    """Say that a duty ran just now."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, {"duty": duty, "rarely": RARELY})


def ages() -> dict[str, Age]:
    """The ages of all duties that ever ran."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT duty, clock_timestamp() - at, clock_timestamp() - first_at FROM tick")
        return {duty: Age(last, first) for duty, last, first in cursor.fetchall()}
