"""The one clock. Services read it once an operation and pass `now` down."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def now() -> datetime:
    """The time that counts, aware, UTC: the database's, or the rehearsal's while one runs.

    The database's clock, so that two machines whose clocks differ still agree on what is due.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT rehearsal_now FROM installation WHERE id = 1), clock_timestamp())"
        )
        row = cursor.fetchone()
    instant: datetime = row[0]
    return instant
