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
from django.utils import timezone

MOST_SKEW = timedelta(seconds=5)
"""How far this machine's clock may be off the database's."""


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


def real_now() -> datetime:
    """The database's own time (UTC), whatever a rehearsal says: for what meets the world outside."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    instant: datetime = row[0]
    return instant


@cache
def zone_data() -> str:
    """The release of the zone data: another one may give the same wall time another instant."""
    return version("tzdata")


def clock_fault() -> str:
    """What is wrong with our own clock; empty while it and the database's differ by `MOST_SKEW` at most.

    Both real ones, whatever a rehearsal says. No message depends on ours, but people sign in by it, and
    certificates, logs and Celery's hints are judged by it. How long the question takes is no fault.
    """
    asked = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    if asked - MOST_SKEW <= theirs <= timezone.now() + MOST_SKEW:
        return ""
    return f"The clocks of this machine and of the database differ by more than {MOST_SKEW.seconds} s"


WINTER: dict[str, tuple[str, int]] = {
    "America/Vancouver": ("Vancouver", -7),
    "America/Edmonton": ("Edmonton", -6),
    "America/Inuvik": ("Inuvik", -6),
    "America/Winnipeg": ("Winnipeg", -5),
}
"""Places that changed their clocks for the last time in March 2026 (tzdata 2026b to 2026e), and their hours
from UTC ever since."""


def zone_fault() -> str:
    """What is wrong with the zone data of this process; empty when visits come out at their hour.

    Older data than those of `WINTER` are an hour off there in winter.
    """
    if zoneinfo.TZPATH:
        return "Zone data come from the system's files, which may be years old"
    for zone, (place, hours) in WINTER.items():
        if datetime(2026, 12, 1, 9, tzinfo=ZoneInfo(zone)).utcoffset() != timedelta(hours=hours):
            return f"Zone data are stale: winter visits in {place} would be an hour off"
    return ""
