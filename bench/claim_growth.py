"""`claim-growth`: what a claim of 500 costs as the waiting rows grow a hundredfold, with ten times as much
history.

Two kinds of load at each size: a usual one, of which ten thousand messages are due, and a backlog of 50,000
due, as after an outage. Each claim is the product's own `queries/queue.claim` (the rows, the addresses and
the facts, in its transaction); what was claimed is then recorded as sent, so that the index holds what a
running one holds.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import LiteralString

from bench import machine, population, seed
from bench.ground import BenchFailed, Ground
from bench.population import People
from bench.report import Aim, Report, Sheet, percentile
from campaigns.local.progress import Advance

NAME = "claim-growth"
BATCH = 500
BACKLOG = 50_000
_HISTORY = 10
_BYTES_A_ROW = 700
"""Of disk, indexes and write-ahead log included; half of the free disk must hold it."""
_PATIENTS = 2_000
AIM_MS, AIM_GROWTH = 40.0, 2.0


_FILL: LiteralString = """INSERT INTO message (clinic_id, patient_id, enrollment_id, sequence, step, template,
    visit_id, visit_version, channel, purpose, topic, message_group, asks, priority, capped, send_at, due_at,
    expires_at, state, reason, tries, epoch, language, wording_digest, subject, body, html, segments,
    encoding,
    sent_at, settled_at, duplicate_possible, created_at)
SELECT p.clinic_id, p.id, e.id, 'pretreatment', 's' || n, 'pretreatment/morning', v.id, 1, 'sms', 'step',
    'reminders', '', '', 3 + n %% 5, false, s.at, s.at, s.at + interval '20 hours', %(state)s::text, '', 0,
    0, '', '',
    '', '', '', 0, '', CASE %(state)s::text WHEN 'planned' THEN NULL ELSE s.at END,
    CASE %(state)s::text WHEN 'planned' THEN NULL ELSE s.at END, false, %(now)s
FROM generate_series(%(first)s::bigint, %(last)s) n
JOIN person p ON p.place = n %% (SELECT count(*) FROM person)
JOIN enrollment e ON e.course_id = p.course_id AND e.sequence = 'pretreatment'
JOIN visit v ON v.course_id = p.course_id AND v.number = 2,
LATERAL (SELECT %(from)s + (n * 7919 %% %(spread)s) * interval '1 second' AS at) s"""

_SENT = """UPDATE message SET state = 'accepted', epoch = epoch + 1, tries = tries + 1, sent_at = %s,
settled_at = %s
WHERE id = ANY(%s)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Claims at one number of waiting rows, in milliseconds."""

    waiting: int
    load: str
    claims: Sequence[float]
    empty: Sequence[float]
    wrong: Sequence[str]


def measure(
    place: Ground, *, rows: Sequence[int], claims: int, seed: int, contenders: Sequence[str], advance: Advance
) -> Report:
    """Run it. Raises BenchFailed."""
    facts = machine.facts()
    _check_disk(place, max(rows))
    _people(place, seed, advance)
    found = [one for waiting in sorted(rows) for one in _sizes(place, waiting, claims, advance)]
    return summary(found, seed, claims, facts)


def _check_disk(place: Ground, most: int) -> None:
    needed, free = most * (1 + _HISTORY) * _BYTES_A_ROW, shutil.disk_usage(place.state).free
    if needed > free / 2:
        raise BenchFailed(
            f"{most:,} waiting rows with their history need {needed / 2**30:.0f} GiB; {free / 2**30:.0f} are "
            "free. Ask for fewer --rows."
        )


def _people(place: Ground, number: int, advance: Advance) -> None:
    """Patients whose messages these are."""
    seed.make_clinic()
    now = datetime.now(UTC)
    population.fill(place, People(patients=_PATIENTS, now=now, seed=number), advance, population.PEOPLE)
    with population.loading(place) as connection:
        connection.execute(
            "CREATE TABLE person AS "
            "SELECT p.id, p.clinic_id, c.id AS course_id, row_number() OVER () - 1 AS place "
            "FROM patient p JOIN course c ON c.patient_id = p.id"
        )


def _sizes(place: Ground, waiting: int, claims: int, advance: Advance) -> list[Size]:
    """A fresh copy for a size, first with the usual load, then with a backlog on top."""
    now = datetime.now(UTC).replace(microsecond=0)
    with place.own(f"rows{waiting}", place.deadline.seconds) as mine:
        _plant(mine, waiting, now, advance)
        _due(mine, 2 * 10**9, min(claims * BATCH, waiting), now)
        population.settle(mine)
        usual = _claims(mine, waiting, "usual", claims, now, advance)
        _due(mine, 3 * 10**9, min(BACKLOG, waiting), now)
        population.settle(mine)
        return [usual, _claims(mine, waiting, "backlog", claims, now, advance)]


def _plant(place: Ground, waiting: int, now: datetime, advance: Advance) -> None:
    """History over the last year, and what waits over the next three months."""
    history = waiting * _HISTORY
    with population.loading(place) as connection:
        dropped = population.drop_indexes(connection, "message")
        parts = [("delivered", start, now - timedelta(days=366), 365) for start in range(0, history, 100_000)]
        parts += [
            ("planned", start, now + timedelta(days=1), 90)
            for start in range(history, history + waiting, 100_000)
        ]
        for number, (state, start, since, days) in enumerate(parts, start=1):
            end = history if state == "delivered" else history + waiting
            about = {"first": start, "last": min(start + 100_000, end) - 1, "now": now, "state": state}
            connection.execute(_FILL, {**about, "from": since, "spread": days * 86_400})
            connection.commit()
            place.deadline.check()
            advance(f"{waiting:,} waiting", number, len(parts))
        for number, statement in enumerate(dropped, start=1):
            connection.execute(statement)
            connection.commit()
            place.deadline.check()
            advance("building indexes", number, len(dropped))


def _due(place: Ground, first: int, number: int, now: datetime) -> None:
    """Messages that have come due within the last half hour."""
    about = {"first": first, "last": first + number - 1, "now": now, "state": "planned"}
    with population.loading(place) as connection:
        connection.execute(_FILL, {**about, "from": now - timedelta(minutes=30), "spread": 1_500})


def _claims(place: Ground, waiting: int, load: str, claims: int, now: datetime, advance: Advance) -> Size:
    """Claim batch after batch; then find nothing, once all that is due is gone."""
    from django.db import connection, transaction

    from campaigns.queries import queue

    took: list[float] = []
    seen: set[int] = set()
    wrong: list[str] = []
    for number in range(claims):
        began = time.perf_counter()
        with transaction.atomic():
            claimed = queue.claim(now, BATCH)
            took.append((time.perf_counter() - began) * 1000)
            ids = [row.id for row in claimed]
            with connection.cursor() as cursor:
                cursor.execute(_SENT, [now, now, ids])
        if seen & set(ids):
            wrong.append(f"{len(seen & set(ids))} messages were claimed twice")
        seen |= set(ids)
        place.deadline.check()
        advance(f"claims of {waiting:,}, {load}", number + 1, claims)
        if len(claimed) < BATCH:
            break
    empty = _empty(now)
    return Size(waiting=waiting, load=load, claims=took[1:] or took, empty=empty, wrong=wrong)


def _empty(now: datetime) -> list[float]:
    """Looks that find nothing: what is due is taken as sent first."""
    from django.db import connection, transaction

    from campaigns.queries import queue

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE message SET state = 'accepted' WHERE state = 'planned' AND due_at <= %s", [now]
        )
    looks = []
    for _ in range(50):
        began = time.perf_counter()
        with transaction.atomic():
            assert not queue.claim(now, BATCH)
        looks.append((time.perf_counter() - began) * 1000)
    return looks


def summary(found: Sequence[Size], seed: int, claims: int, facts: dict[str, str]) -> Report:
    """The figures, held against the aims."""
    usual = [one for one in found if one.load == "usual"]
    worst = max(percentile(one.claims, 95) for one in usual)
    growth = percentile(usual[-1].claims, 50) / percentile(usual[0].claims, 50)
    fold = usual[-1].waiting / usual[0].waiting
    rows = [
        [
            f"{one.waiting:,} waiting, {one.waiting * _HISTORY:,} past, {one.load}",
            str(len(one.claims)),
            *(f"{percentile(one.claims, cut):.1f}" for cut in (50, 95)),
            *(f"{percentile(one.empty, cut):.2f}" for cut in (50, 95)),
        ]
        for one in found
    ]
    heads = ["rows and load", "claims", "claim of 500, p50 ms", "p95 ms", "empty look, p50 ms", "p95 ms"]
    far = fold >= 100
    return Report(
        benchmark=NAME,
        seed=seed,
        sizes={"claims": claims, "rows": usual[-1].waiting},
        machine=facts,
        sheets=[Sheet("Claims as the rows grow", heads, rows)],
        figures={
            f"{one.waiting} {one.load}": {
                "p50_ms": percentile(one.claims, 50),
                "p95_ms": percentile(one.claims, 95),
                "empty_p50_ms": percentile(one.empty, 50),
            }
            for one in found
        },
        aims=[
            Aim("claim of 500, usual load, p95", f"under {AIM_MS:g} ms", f"{worst:.1f} ms", worst < AIM_MS),
            Aim(
                f"growth over {fold:g} times as many rows",
                f"under {AIM_GROWTH:g} times over the hundredfold",
                f"{growth:.2f} times",
                growth < AIM_GROWTH if far or growth >= AIM_GROWTH else None,
            ),
        ],
        notes=["A claim is the statement, the locks on addresses and the reading of the facts into Python."],
        complaints=[f"{one.waiting:,} {one.load}: {wrong}" for one in found for wrong in one.wrong],
    )
