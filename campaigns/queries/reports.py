"""What the reports show, summed from the counts that services/count_up keeps. No look at a patient's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, Min, Q
from psycopg import sql

from campaigns.domain.months import up_to
from campaigns.models import ReportCount, ReportMonth

FEWEST = 5
"""Below so many patients nothing is shown that could be said of one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a report is about: a clinic, its months from `first` to `last`, and perhaps one channel and one
    language. What has no channel of its own (visits) counts whatever the channel."""

    clinic: UUID
    first: date
    last: date
    channel: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """The cells of one kind that have `key` in common. `few`: fewer than `FEWEST` patients are in them."""

    key: tuple[str, ...]
    n: int
    hits: int
    amount: int
    few: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """How long alerts waited for a person: half of those taken `median` seconds, nine in ten `p90`."""

    urgency: str
    hours: str
    opened: int
    taken: int
    median: int | None
    p90: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """The months of a clinic that are counted, until when the newest is, and how many of those that are asked
    for are not counted yet."""

    first: date
    last: date
    newest_at: datetime
    missing: int


_CELLS = """SELECT * FROM report_count
    WHERE clinic_id = %(clinic)s AND month BETWEEN %(first)s AND %(last)s
    AND (%(channel)s = '' OR channel IN ('', %(channel)s))
    AND (%(language)s = '' OR language = %(language)s)"""

# How many patients a sum holds, up to FEWEST, is told by the cells' numbers together: where no cell alone is
# enough.
_SUMS = """(
    WITH mine AS (SELECT *, ARRAY[{keys}]::text[] AS key FROM cell WHERE kind = {kind}),
    total AS (
        SELECT key, sum(n) AS n, sum(hits) AS hits, sum(amount) AS amount, max(cardinality(few)) AS most
        FROM mine GROUP BY key
    ),
    people AS (
        SELECT key, count(DISTINCT one) AS patients FROM mine JOIN total USING (key), unnest(few) AS one
        WHERE most < {fewest} GROUP BY key
    )
    SELECT {place}, key, total.n, total.hits, total.amount, greatest(most, patients)
    FROM total LEFT JOIN people USING (key)
)"""

_WAITS = """
WITH cell AS ({cells}),
told AS (
    SELECT subject, detail, percentile_disc(0.5) WITHIN GROUP (ORDER BY one) AS median,
        percentile_disc(0.9) WITHIN GROUP (ORDER BY one) AS p90
    FROM cell, unnest(seconds) AS one WHERE kind = 'alert' GROUP BY subject, detail
)
SELECT subject, detail, sum(n), sum(hits), max(median), max(p90)
FROM cell LEFT JOIN told USING (subject, detail) WHERE kind = 'alert' GROUP BY subject, detail
"""

Wanted = tuple[str, tuple[str, ...]]
"""A kind, and by which columns its counts are summed: month, subject, detail, channel, language."""


def sums(scope: Scope, wanted: Sequence[Wanted]) -> list[list[Sum]]:
    """The sums of each kind that is wanted, in the order of their keys. One query for all of them."""
    parts = [_part(place, kind, by) for place, (kind, by) in enumerate(wanted)]
    statement = sql.SQL("WITH cell AS MATERIALIZED ({}) SELECT * FROM ({}) AS summed ORDER BY 1, 2").format(
        sql.SQL(_CELLS), sql.SQL(" UNION ALL ").join(parts)
    )
    found: list[list[Sum]] = [[] for _ in wanted]
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(connection.connection), _about(scope))
        for place, key, n, hits, amount, patients in cursor.fetchall():
            found[place].append(Sum(tuple(key), int(n), int(hits), int(amount), patients < FEWEST))
    return found


def _part(place: int, kind: str, by: Sequence[str]) -> sql.Composed:
    # A month as its first day is written the same in every session, and sorts as it should.
    keys = [
        sql.SQL("to_char(month, 'YYYY-MM-DD')") if name == "month" else sql.Identifier(name) for name in by
    ]
    return sql.SQL(_SUMS).format(
        keys=sql.SQL(", ").join(keys),
        kind=sql.Literal(kind),
        place=sql.Literal(place),
        fewest=sql.Literal(FEWEST),
    )


def _about(scope: Scope) -> dict[str, Any]:
    return {name: getattr(scope, name) for name in Scope.__slots__}


def waits(scope: Scope) -> list[Wait]:
    """How long alerts waited, by urgency and by whether somebody was at the clinic. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITS.format(cells=_CELLS), _about(scope))
        rows = cursor.fetchall()
    return [Wait(urgency, hours, int(n), int(hits), *rest) for urgency, hours, n, hits, *rest in rows]


def counted(clinic_id: UUID, first: date, last: date) -> Counted | None:
    """Which months are counted, and until when; None where none is yet. One query."""
    among = Q(month__range=(first, last))
    found = ReportMonth.objects.filter(clinic=clinic_id).aggregate(
        first=Min("month"), last=Max("month"), at=Max("counted_at"), there=Count("pk", filter=among)
    )
    if not found["first"]:
        return None
    missing = len(up_to(max(first, found["first"]), last)) - found["there"]
    return Counted(found["first"], found["last"], found["at"], missing)


def languages(clinic_id: UUID, first: date, last: date) -> list[str]:
    """The languages that something is counted in. One query."""
    rows = ReportCount.objects.filter(clinic=clinic_id, month__range=(first, last)).exclude(language="")
    return list(rows.order_by("language").values_list("language", flat=True).distinct())
