"""The places that remember this database outside of it. Real time, by the database's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database says to one place. `count` is None where it does not know the place; `others` says
    that another place was heard of lately, `any` that some place ever was."""

    incarnation: UUID | None
    count: int | None
    is_due: bool
    others: bool
    any: bool


_SEEN = """
SELECT i.incarnation, w.count,
       w.at IS NULL
           OR w.at NOT BETWEEN clock_timestamp() - make_interval(secs => %(every)s) AND clock_timestamp(),
       EXISTS (SELECT FROM witness o WHERE o.place <> %(place)s
               AND o.at > clock_timestamp() - make_interval(secs => %(fresh)s)),
       EXISTS (SELECT FROM witness)
FROM installation i LEFT JOIN witness w ON w.place = %(place)s
WHERE i.id = 1
"""


def seen(place: UUID, *, every: float, fresh: float) -> Seen | None:
    """What is known of this place; None while the installation has no row. Times in seconds."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {"place": place, "every": every, "fresh": fresh})
        row = cursor.fetchone()
    return Seen(*row) if row else None


_COUNT = """
INSERT INTO witness (place, count, at) VALUES (%(place)s, %(count)s + 1, clock_timestamp())
ON CONFLICT (place) DO UPDATE SET count = greatest(witness.count, %(count)s) + 1, at = clock_timestamp()
WHERE witness.at NOT BETWEEN clock_timestamp() - make_interval(secs => %(every)s) AND clock_timestamp()
RETURNING count
"""


def count_on(place: UUID, count: int, *, every: float) -> int | None:
    """Bear witness once more; how far that place has counted now, None where it did within `every` seconds.

    Seldom, however many processes share the place: a crash that loses a moment then loses one count at most.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"place": place, "count": count, "every": every})
        row = cursor.fetchone()
    return int(row[0]) if row else None


def newest_sign() -> datetime | None:
    """The latest time at which the database certainly was the one that workers worked with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce((SELECT max(at) FROM witness), (SELECT max(leased_at) FROM attempt))")
        row = cursor.fetchone()
    newest: datetime | None = row[0]
    return newest


def forget_all() -> None:
    """A new life begins: nobody has borne witness to it yet."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM witness")


def real_now() -> datetime:
    """The database's clock, whatever a rehearsal says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    now: datetime = row[0]
    return now
