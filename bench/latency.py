"""`pipeline-latency`: texts through the real worker while the provider takes 100 ms for each.

First all at once, with as many sender threads a process as the product has by default and with more; then a
steady feed on the real clock at half the best rate, due messages coming evenly, with the beat's own pace of
hints: how long after it was due each was accepted and recorded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bench import judge, machine, pipeline
from bench.figures import OURS, Run
from bench.ground import BenchFailed, Ground
from bench.pipeline import Options, Race
from bench.report import Aim, Report, Sheet, middle, percentile
from campaigns.domain.recipients import Channel
from campaigns.local.progress import Advance

NAME = "pipeline-latency"
LATENCY = 0.1
AIM_RATE, AIM_SECONDS = 1_000.0, 2.0
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The steady feed: seconds from due to accepted, of each message."""

    rate: float
    threads: int
    waits: Sequence[float]
    complaints: Sequence[str]


def measure(
    place: Ground,
    *,
    messages: int,
    threads: Sequence[int],
    runs: int,
    seconds: int,
    seed: int,
    contenders: Sequence[str],
    advance: Advance,
) -> Report:
    """Run it. Raises BenchFailed."""
    facts = machine.facts()
    options = Options(
        channel=Channel.SMS,
        messages=messages,
        latency=LATENCY,
        seed=seed,
        contenders=[OURS],
        advance=advance,
    )
    pipeline.prepare(place, options)
    kinds = {number: replace(options, threads=number) for number in threads}
    tops = pipeline.in_turns(place, kinds, runs)
    rates = {number: middle([run.rate for run in found]) for number, found in tops.items()}
    best = max(rates, key=lambda number: rates[number])
    fed = feed(place, replace(options, threads=best), rates[best] / 2, seconds)
    return summary(options, tops, rates, fed, seconds, facts)


def feed(place: Ground, options: Options, rate: float, seconds: int) -> Feed:
    """Messages that come due evenly, on the real clock."""
    count = min(options.messages, max(1, int(rate * seconds)))
    with pipeline.started(place, options, pipeline.contenders(options)[OURS]) as race:
        pipeline.send(race, _hold(), options.warm)
        began = _spread(race, count, rate)
        _let_go(race, began, count, rate)
        waits = _waits(race, count)
        seen = replace(pipeline.evidence(race), states={"accepted": options.warm + len(waits)})
    wrong = judge.complaints(replace(seen, expected=options.warm + count))
    return Feed(rate=rate, threads=options.threads, waits=waits, complaints=wrong)


def _hold() -> datetime:
    from bench.seed import HOLD

    return HOLD


def _spread(race: Race, count: int, rate: float) -> datetime:
    """Make `count` messages come due one by one from two seconds on; the rest never. Noon at the clinic.

    The zone is what makes it noon, whatever hour it is where this runs: no gate but the clock is in the way.
    """
    now = datetime.now(UTC)
    began = now.timestamp() + 2.0
    west = now.hour - 12
    race.database.execute("UPDATE clinic SET time_zone = %s", [f"Etc/GMT{west:+d}" if west else "Etc/GMT"])
    race.database.execute("UPDATE message SET due_at = 'infinity' WHERE state = 'planned'")
    race.database.execute(
        "UPDATE message m SET send_at = t.at, due_at = t.at, expires_at = t.at + interval '6 hours' FROM ("
        "SELECT id, to_timestamp(%s + (row_number() OVER (ORDER BY id) - 1) / %s::float) AS at FROM message "
        "WHERE state = 'planned' ORDER BY id LIMIT %s) t WHERE m.id = t.id",
        [began, rate, count],
    )
    race.database.execute(
        "UPDATE visit v SET on_date = v.on_date + (%s::date - date '2026-11-02') FROM message m "
        "WHERE m.visit_id = v.id AND m.state = 'planned'",
        [now.date()],
    )
    race.database.execute("ANALYZE message")
    race.database.execute("UPDATE installation SET rehearsal_now = NULL")
    return datetime.fromtimestamp(began, UTC)


def _let_go(race: Race, began: datetime, count: int, rate: float) -> None:
    """Hint as the beat does until all are settled, or nothing has moved for long."""
    hints, moved, before = 0, time.monotonic(), -1
    start = time.monotonic()
    ends = began.timestamp() + count / rate
    while True:
        now = time.monotonic()
        if now - start >= hints * race.contender.interval:
            pipeline.hint(race.contender.hint)
            hints += 1
        arrived = race.sink.count(Channel.SMS) - race.options.warm
        moved, before = (now, arrived) if arrived != before else (moved, before)
        race.options.advance("a steady feed", arrived, count)
        if arrived >= count and pipeline.settled(race, datetime.now(UTC)):
            return
        if now - moved > _PATIENCE and time.time() > ends:
            return
        race.place.deadline.check()
        time.sleep(0.1)


def _waits(race: Race, count: int) -> list[float]:
    """Seconds from due to the recorded outcome."""
    rows = race.database.execute(
        "SELECT extract(epoch FROM a.finished_at - m.due_at)::float FROM attempt a "
        "JOIN message m ON m.id = a.message_id WHERE a.outcome = 'accepted' ORDER BY m.id OFFSET %s",
        [race.options.warm],
    ).fetchall()
    if not rows:
        raise BenchFailed(f"None of {count} messages was accepted.")
    return [float(row[0]) for row in rows]


def _rows(tops: dict[int, list[Run]], rates: dict[int, float], processes: int) -> Iterator[list[str]]:
    for number, found in tops.items():
        cpu = found[0].cpu_us
        ceiling = number * processes / LATENCY
        figures = [str(len(found)), f"{rates[number]:,.0f}", f"{ceiling:,.0f}"]
        yield [
            f"{processes} x {number}",
            *figures,
            *(f"{cpu[party]:,.0f}" for party in ("sender", "postgresql", "other end")),
        ]


def summary(
    options: Options,
    tops: dict[int, list[Run]],
    rates: dict[int, float],
    fed: Feed,
    seconds: int,
    facts: dict[str, str],
) -> Report:
    """The figures, held against the aims."""
    heads = [
        "processes x threads",
        "runs",
        "a second",
        "threads / latency",
        "CPU us: sender",
        "PostgreSQL",
        "other end",
    ]
    best = max(rates.values())
    p50, p95 = percentile(fed.waits, 50), percentile(fed.waits, 95)
    steady = [[f"2 x {fed.threads}", f"{fed.rate:,.0f}", f"{len(fed.waits):,}", f"{p50:.2f}", f"{p95:.2f}"]]
    wrong = [complaint for found in tops.values() for run in found for complaint in run.complaints]
    return Report(
        benchmark=NAME,
        seed=options.seed,
        sizes={"messages": options.messages, "seconds": seconds},
        machine=facts,
        sheets=[
            Sheet(
                f"Texts, {LATENCY * 1000:.0f} ms of provider latency, all due at once",
                heads,
                list(_rows(tops, rates, options.processes)),
            ),
            Sheet(
                "A steady feed at half the best rate",
                ["", "a second", "messages", "due to accepted, p50 s", "p95 s"],
                steady,
            ),
        ],
        figures={"rates": {str(number): rate for number, rate in rates.items()}, "due_to_accepted_p95": p95},
        aims=[
            Aim(
                "texts a second with 100 ms of latency", f"{AIM_RATE:,.0f}", f"{best:,.0f}", best >= AIM_RATE
            ),
            Aim(
                "due to accepted at half that rate, p95",
                f"under {AIM_SECONDS:g} s",
                f"{p95:.2f} s",
                p95 < AIM_SECONDS,
            ),
        ],
        complaints=[*wrong, *fed.complaints],
    )
