"""The one clock, and the zone data by which wall clocks are read.

Services read the clock once an operation and pass `now` down.
"""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from zoneinfo import ZoneInfo

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


@cache
def zone_data() -> str:
    """The release of the zone data: another one may give the same wall time another instant."""
    return version("tzdata")


def zone_fault() -> str:
    """What is wrong with the zone data of this process; empty when visits come out at their hour.

    British Columbia is at UTC-7 all year since March 2026 (tzdata 2026b); older data is an hour off.
    """
    if zoneinfo.TZPATH:
        return "Zone data come from the system's files, which may be years old"
    winter = datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("America/Vancouver"))
    if winter.utcoffset() != timedelta(hours=-7):
        return "Zone data are stale: winter visits in Vancouver would be an hour off"
    return ""
