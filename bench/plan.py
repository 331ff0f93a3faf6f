"""`plan`: whole courses planned by the real service, then every visit of a tenth of the patients moved.

The patients stand enrolled and unplanned, as after a change of all sequences; `services/plan.replan_each`
plans them together, and every visit of a tenth of them moves with `replan_many`. Beside it, in the same run:
the same one at a time, as a coordinator does it (`replan_patient`, `services/visits.move`); **limit**, COPY
of the same rows into the same table with all its indexes; and **eta**, one `apply_async(eta=...)` a message,
with what that takes of Redis and of a worker's memory, and how often each task ran when the wait outlives the
visibility time-out.
"""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

import psycopg

from bench import machine, population, seed
from bench.figures import LIMIT, OURS
from bench.ground import BenchFailed, Ground
from bench.population import People
from bench.report import Aim, Report, Sheet
from campaigns.local.progress import Advance

if TYPE_CHECKING:
    from campaigns.services.plan import Changes

NAME = "plan"
ETA = "eta"
AIM_PLANNED, AIM_MOVED = 100_000.0, 20_000.0
_CHUNK = 1_000
"""Patients that one call plans at most: what there is to show progress by."""


_UNPLANNED: tuple[LiteralString, ...] = (
    # The whole course lies ahead, so that a plan is what an enrollment makes.
    "UPDATE visit SET state = 'booked', settled_at = NULL, on_date = %(first)s + (number - 1) * 14",
    "UPDATE enrollment SET digest = '', enrolled_at = %(now)s",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One contender's part: messages written, in how many seconds, with what CPU. `acts` are patients planned
    or visits moved."""

    messages: int
    seconds: float
    cpu: dict[str, float]
    acts: int = 0

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Outcome:
    """What was measured so far."""

    planned: Work | None = None
    planned_alone: Work | None = None
    moved: Work | None = None
    moved_alone: Work | None = None
    copied: Work | None = None
    eta: dict[str, float] = field(default_factory=dict)
    profile: Sheet | None = None
    complaints: list[str] = field(default_factory=list)


def measure(
    place: Ground,
    *,
    patients: int,
    doubled: int,
    profile: int,
    seed: int,
    contenders: Sequence[str],
    advance: Advance,
) -> Report:
    """Run it. Raises BenchFailed."""
    facts = machine.facts()
    found = Outcome()
    _enroll(place, patients, seed, advance)
    ids = _everybody()
    if OURS in contenders or LIMIT in contenders:
        _plan(place, ids, found, bool(profile), advance)
    if LIMIT in contenders:
        found.copied = _copy(place, found)
    if OURS in contenders:
        _move(place, ids[: max(2, patients // 10)], found, advance)
    if ETA in contenders:
        from bench import eta

        number = found.planned.messages if found.planned else patients * 20
        found.eta = eta.measure(place, number, doubled, advance, found.complaints)
    return summary(found, patients, seed, facts)


def _enroll(place: Ground, patients: int, number: int, advance: Advance) -> None:
    """Patients with six visits ahead and six sequences, and nothing planned."""
    from campaigns.models import Clinic, Installation

    seed.make_clinic()
    now = datetime.now(UTC)
    Installation.objects.update(rehearsal_now=None)
    population.fill(place, People(patients=patients, now=now, seed=number), advance, population.PEOPLE)
    with population.loading(place) as connection:
        for statement in _UNPLANNED:
            connection.execute(statement, {"now": now, "first": _first_day(now.date())})
    population.settle(place)
    assert Clinic.objects.count() == 1


def _everybody() -> list[UUID]:
    from campaigns.models import Patient

    return list(Patient.objects.order_by("pk").values_list("pk", flat=True))


def _first_day(today: date) -> date:
    """A Monday about three weeks off."""
    return today + timedelta(days=28 - today.weekday())


def _plan(place: Ground, ids: Sequence[UUID], found: Outcome, wanted: bool, advance: Advance) -> None:
    """A few patients one at a time, all others together."""
    from campaigns.services.plan import replan_each, replan_patient

    few = ids[: _few(len(ids))]
    before, began = _cpu(place), time.perf_counter()
    for one in few:
        replan_patient(one)
    spent = time.perf_counter() - began
    found.planned_alone = Work(
        messages=_count(place), seconds=spent, cpu=_since(place, before), acts=len(few)
    )
    profiler = cProfile.Profile() if wanted else None
    before, began, done = _cpu(place), time.perf_counter(), 0
    if profiler:
        profiler.enable()
    for chunk in _chunks(ids[len(few) :]):
        done += replan_each(chunk)
        place.deadline.check()
        advance("planning", done, len(ids))
    if profiler:
        profiler.disable()
        found.profile = _profile_sheet(profiler)
    seconds, cpu = time.perf_counter() - began, _since(place, before)
    found.planned = Work(
        messages=_count(place) - found.planned_alone.messages, seconds=seconds, cpu=cpu, acts=done
    )
    found.complaints += _wrong_plan(place, len(ids), done + len(few))


def _few(patients: int) -> int:
    """How many are done one at a time, for comparison."""
    return max(1, min(patients // 4, 100))


def _chunks(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def _cpu(place: Ground) -> dict[str, float]:
    return {"python": time.process_time(), "postgresql": machine.cpu_seconds(place.servers.postgres.pid)}


def _since(place: Ground, before: dict[str, float]) -> dict[str, float]:
    return {name: used - before[name] for name, used in _cpu(place).items()}


def _count(place: Ground, where: LiteralString = "SELECT count(*) FROM message") -> int:
    with psycopg.connect(place.seeded) as connection:
        row = connection.execute(where).fetchone()
    return int(row[0]) if row else 0


def _wrong_plan(place: Ground, patients: int, done: int) -> list[str]:
    """Every patient has the same course, so all have as many messages as the first; none twice."""
    from campaigns.models import Message, Patient
    from campaigns.services.plan import replan_patient

    wrong = [] if done == patients else [f"{done} patients were planned, not {patients}"]
    with psycopg.connect(place.seeded) as connection:
        counts = connection.execute(
            "SELECT DISTINCT count(m.id) FROM patient p LEFT JOIN message m ON m.patient_id = p.id "
            "GROUP BY p.id"
        ).fetchall()
    if len(counts) != 1:
        wrong.append(f"equal courses have unequal plans: {sorted(count for (count,) in counts)} messages")
    before = Message.objects.count()
    first = Patient.objects.order_by("pk").values_list("pk", flat=True)[0]
    changes = replan_patient(first)
    if Message.objects.count() != before or changes.planned or changes.cancelled:
        wrong.append("planning a second time changed something")
    return wrong


def _copy(place: Ground, found: Outcome) -> Work:
    """The same rows by COPY into the same table, emptied, in a copy of the database."""
    with (
        psycopg.connect(place.seeded) as connection,
        connection.cursor().copy("COPY message TO STDOUT") as rows,
    ):
        content = b"".join(bytes(part) for part in rows)
    with place.copy("copied") as address, psycopg.connect(address) as connection:
        connection.execute("TRUNCATE message CASCADE")
        connection.commit()
        before = _cpu(place)
        began = time.perf_counter()
        with connection.cursor().copy("COPY message FROM STDIN") as copy:
            copy.write(content)
        connection.commit()
        seconds = time.perf_counter() - began
        row = connection.execute("SELECT count(*) FROM message").fetchone()
        used = _since(place, before)
    number = int(row[0]) if row else 0
    if number != _count(place):
        found.complaints.append(f"COPY wrote {number} rows, not {_count(place)}")
    return Work(messages=number, seconds=seconds, cpu=used)


def _move(place: Ground, ids: Sequence[UUID], found: Outcome, advance: Advance) -> None:
    """Move each visit of these patients by a week: of a few as a coordinator does, of all others together."""
    few = _few(len(ids))
    found.moved_alone = _move_alone(place, ids[:few], advance)
    found.moved = _move_together(place, ids[few:] or ids, advance)
    stale = _count(
        place,
        "SELECT count(*) FROM message m JOIN visit v ON v.id = m.visit_id "
        "WHERE m.state IN ('planned', 'waiting') AND m.visit_version NOT IN (0, v.version)",
    )
    if stale:
        found.complaints.append(f"{stale} messages of an old date still wait")
    if not (found.moved.messages and found.moved_alone.messages):
        raise BenchFailed("Moving visits changed no message.")


def _move_alone(place: Ground, ids: Sequence[UUID], advance: Advance) -> Work:
    from campaigns.models import Visit
    from campaigns.services.visits import move

    visits = Visit.objects.filter(course__patient__in=ids).order_by("course_id", "-number")
    # The last one first: moved the other way round, a visit would come to lie on the next one's day.
    chosen = list(visits.values_list("pk", "on_date", "at_time"))
    before, messages, began = _cpu(place), 0, time.perf_counter()
    for number, (pk, on_date, at_time) in enumerate(chosen, start=1):
        messages += _touched(move(pk, on_date + timedelta(days=7), at_time, by="bench"))
        if number % 20 == 0:
            place.deadline.check()
            advance("moving", number, len(chosen))
    seconds = time.perf_counter() - began
    return Work(messages=messages, seconds=seconds, cpu=_since(place, before), acts=len(chosen))


def _move_together(place: Ground, ids: Sequence[UUID], advance: Advance) -> Work:
    """As whatever moves many visits does: `TOGETHER` patients a transaction, their visits and their plan."""
    from django.db import transaction
    from django.db.models import F

    from campaigns.models import Visit
    from campaigns.queries import clock
    from campaigns.services.plan import TOGETHER, replan_many

    before, messages, acts, began = _cpu(place), 0, 0, time.perf_counter()
    for start in range(0, len(ids), TOGETHER):
        batch = ids[start : start + TOGETHER]
        with transaction.atomic():
            theirs = Visit.objects.filter(course__patient__in=batch)
            acts += theirs.update(on_date=F("on_date") + timedelta(days=7), version=F("version") + 1)
            messages += _touched(replan_many(batch, clock.now()))
        place.deadline.check()
        advance("moving together", start + len(batch), len(ids))
    seconds = time.perf_counter() - began
    return Work(messages=messages, seconds=seconds, cpu=_since(place, before), acts=acts)


def _touched(changes: Changes) -> int:
    """Messages planned, re-timed or called off."""
    return changes.planned + changes.retimed + changes.cancelled + changes.skipped


# --- where the time goes

_LAYERS = (
    ("campaigns/domain", "planner (domain)"),
    ("campaigns/", "services and queries"),
    ("django/", "Django's ORM"),
    ("psycopg", "psycopg and PostgreSQL"),
)


def _profile_sheet(profiler: cProfile.Profile) -> Sheet:
    stats: dict[tuple[str, int, str], tuple[Any, ...]] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    total = sum(row[2] for row in stats.values())
    layers: dict[str, float] = {}
    for (path, _, name), row in stats.items():
        layers[_layer(path, name)] = layers.get(_layer(path, name), 0.0) + row[2]
    rows = [[name, f"{spent / total:.0%}"] for name, spent in sorted(layers.items(), key=lambda one: -one[1])]
    top = sorted(stats.items(), key=lambda one: -one[1][2])[:15]
    for (path, line, name), row in top:
        short = "/".join(path.rsplit("/", 3)[-2:])
        rows.append([f"`{short}:{line} {name}`", f"{row[2] / total:.1%}"])
    return Sheet("Where planning's time goes, under the profiler", ["layer, then function", "own time"], rows)


def _layer(path: str, name: str) -> str:
    for part, layer in _LAYERS:
        if part in path or part in name:
            return layer
    return "Python's own (called by all)"


# --- the figures


def summary(found: Outcome, patients: int, seed: int, facts: dict[str, str]) -> Report:
    """The figures, held against the aims."""
    works = {
        "planned": found.planned,
        "moved": found.moved,
        "planned one by one": found.planned_alone,
        "moved one by one": found.moved_alone,
        "limit: COPY": found.copied,
    }
    rows = [_row(name, work) for name, work in works.items() if work]
    cpu = ["CPU us a message: Python", "PostgreSQL"]
    heads = ["", "messages", "seconds", "a second", *cpu, "ms each"]
    sheets = [Sheet("Plans and moves", heads, rows)]
    if found.eta:
        sheets.append(_eta_sheet(found))
    if found.profile:
        sheets.append(found.profile)
    return Report(
        benchmark=NAME,
        seed=seed,
        sizes={"patients": patients},
        machine=facts,
        sheets=sheets,
        figures={name: work.rate for name, work in works.items() if work} | {"eta": found.eta},
        aims=_aims(found),
        complaints=found.complaints,
    )


def _row(name: str, work: Work) -> list[str]:
    cpu = [f"{work.cpu[party] / work.messages * 1e6:,.0f}" for party in ("python", "postgresql")]
    each = f"{work.seconds / work.acts * 1e3:,.1f}" if work.acts else ""
    return [name, f"{work.messages:,}", f"{work.seconds:.2f}", f"{work.rate:,.0f}", *cpu, each]


def _eta_sheet(found: Outcome) -> Sheet:
    eta = found.eta
    rows = [
        ["enrolled a second", f"{eta['a_second']:,.0f}"],
        ["Redis, bytes a message", f"{eta['redis_bytes']:,.0f}"],
        [
            "memory of one worker that waits, over one that does not, bytes a message",
            f"{eta['worker_bytes']:,.0f}",
        ],
    ]
    if eta["messages"]:
        rows.append(["tasks whose wait outlives the visibility time-out", f"{eta['messages']:,.0f}"])
        rows.append(["their executions, when a second worker joins", f"{eta['executions']:,.0f}"])
    if found.planned:
        rows.append(["planned by campaigns / enrolled by eta", f"{found.planned.rate / eta['a_second']:.2f}"])
    return Sheet(f"The ETA design, {eta['enrolled']:,.0f} messages", ["", ""], rows)


def _aims(found: Outcome) -> list[Aim]:
    wanted = (("planned", found.planned, AIM_PLANNED), ("moved", found.moved, AIM_MOVED))
    return [
        Aim(f"messages {name}", f"{aim:,.0f} a second", f"{work.rate:,.0f} a second", work.rate >= aim)
        for name, work, aim in wanted
        if work
    ]
