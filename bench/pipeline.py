"""What the pipeline benchmarks share: seed once, then let each contender send a fresh copy of the same rows.

A run: the other end and the workers start, a small warm-up goes out, the clock of the installation jumps
to the moment at which everything is due, and one hint is given, repeated at the beat's interval. It ends when
the database holds an outcome for every message.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from bench import ground, judge, machine, seed
from bench.figures import LIMIT, NAIVE, OURS, Result, Run
from bench.ground import BenchFailed, Ground, Sink
from campaigns.domain.recipients import Channel
from campaigns.local.processes import Processes, Program, worker
from campaigns.local.progress import Advance

CONCURRENCY = 2
"""Worker processes of every contender that has workers."""
SLOWEST = 150.0
"""Messages a second that the slowest contender should manage: a longer job than this allows is refused."""
_STALLED_SECONDS = 30.0
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for."""

    channel: Channel
    messages: int
    latency: float = 0.0
    """Seconds that the other end takes for a text."""
    processes: int = CONCURRENCY
    threads: int = 0
    """Sends at once in a process; 0 leaves it as the product does."""
    runs: int = 3
    seed: int = 1
    contenders: Sequence[str] = (OURS, NAIVE, LIMIT)
    advance: Advance = lambda what, done, of: None

    @property
    def warm(self) -> int:
        """Messages that go out before the clock of the benchmark starts."""
        return min(400, max(20, self.messages // 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One that has workers. `interval` (seconds) repeats the hint; the queries name what was tried."""

    program: Program
    hint: str
    interval: float
    texts_tried: str
    mails_tried: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One run under way."""

    place: Ground
    options: Options
    contender: Contender
    sink: Sink
    database: psycopg.Connection[Any]
    children: Processes

    @property
    def name(self) -> str:
        """Whose run it is."""
        return self.contender.program.name


def run(place: Ground, benchmark: str, options: Options) -> Result:
    """Prepare, and let every contender run as often as was asked, in turns. Raises BenchFailed."""
    if options.messages * options.runs / SLOWEST > place.deadline.seconds:
        minutes = f"{place.deadline.seconds / 60:.0f} minutes"
        raise BenchFailed(f"That would take more than {minutes}. Ask for fewer --messages or --runs.")
    facts = machine.facts()
    ready = prepare(place, options)
    facts |= server_versions(place)
    known = contenders(options)
    runs = [
        _limit(place, options, ready) if name == LIMIT else race(place, options, known[name])
        for _ in range(options.runs)
        for name in options.contenders
        if name in {*known, LIMIT}
    ]
    return Result(
        benchmark=benchmark,
        messages=options.messages,
        warm=options.warm,
        seed=options.seed,
        machine=facts,
        runs=runs,
    )


def prepare(place: Ground, options: Options) -> list[tuple[str, bytes]]:
    """Fill the database that is copied; make ready what the limit pushes."""
    seed.make_clinic()
    total, planted = options.messages + options.warm, 0

    def advance(count: int) -> None:
        nonlocal planted
        planted += count
        place.deadline.check()
        options.advance("seeding", planted, total)

    with psycopg.connect(place.seeded) as connection:
        kinds = seed.prototypes(connection, options.channel)
        seed.plant(
            connection, kinds, number=options.messages, warm=options.warm, seed=options.seed, advance=advance
        )
    from bench.peers import limit

    ready = limit.prepare(options.channel) if LIMIT in options.contenders else []
    ground.leave_database()
    return ready


def server_versions(place: Ground) -> dict[str, str]:
    """For the head of a table."""
    with psycopg.connect(place.seeded) as connection:
        return {"postgresql": str(connection.info.parameter_status("server_version"))}


def contenders(options: Options) -> dict[str, Contender]:
    """Those that have workers, by name."""
    from worker import app

    beat = {entry["task"]: float(entry["schedule"]) for entry in app.conf.beat_schedule.values()}
    naive = [sys.executable, "-m", "celery", "-A", "bench.peers.naive_app", "worker"]
    naive += ["-c", str(options.processes)]
    return {
        OURS: Contender(
            program=worker(name=OURS, concurrency=options.processes),
            hint="send_due",
            interval=beat["send_due"],
            texts_tried="SELECT id FROM attempt",
            mails_tried="SELECT message_id FROM attempt",
        ),
        NAIVE: Contender(
            program=Program(name=NAIVE, command=[*naive, "--without-gossip", "--without-mingle"]),
            hint="find_due",
            interval=ground.LIMIT_SECONDS,  # a second hint would send everything twice
            texts_tried="SELECT id FROM message WHERE tries > 0",
            mails_tried="SELECT id FROM message WHERE tries > 0",
        ),
    }


def in_turns(place: Ground, kinds: Mapping[int, Options], runs: int) -> dict[int, list[Run]]:
    """So many runs of each kind of ours, in turns, so that other work on the machine strikes all alike."""
    found: dict[int, list[Run]] = {number: [] for number in kinds}
    for number, options in [kind for _ in range(runs) for kind in kinds.items()]:
        found[number].append(race(place, options, contenders(options)[OURS]))
    return found


def race(place: Ground, options: Options, contender: Contender) -> Run:
    """One run of a contender with workers."""
    with started(place, options, contender) as race:
        send(race, seed.HOLD, options.warm)
        used, ticks = cpu_seconds_of(race), machine.ticks()
        seconds = send(race, seed.DUE, options.warm + options.messages)
        cpu = {party: seconds_used - used[party] for party, seconds_used in cpu_seconds_of(race).items()}
        busy = machine.busy(ticks)
        wrong = judge.complaints(evidence(race))
    return Run(
        contender=race.name,
        messages=options.messages,
        seconds=seconds,
        cpu=cpu,
        complaints=wrong,
        busy=busy,
    )


@contextmanager
def started(place: Ground, options: Options, contender: Contender) -> Iterator[Race]:
    """The other end and the workers of one run, on a fresh copy of the rows."""
    from worker import app

    with (
        place.copy("run") as database,
        place.sink(options.latency) as sink,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        app.control.purge()
        env = ground.addresses(sink, database)
        if options.threads:
            env["SENDER_THREADS"] = str(options.threads)
        with Processes(place.state, [contender.program], env, restart=False) as children:
            race = Race(
                place=place,
                options=options,
                contender=contender,
                sink=sink,
                database=connection,
                children=children,
            )
            _wait_for_workers(race)
            yield race


def _wait_for_workers(race: Race) -> None:
    from worker import app

    until = time.monotonic() + _START_SECONDS
    while not app.control.broadcast("ping", reply=True, timeout=0.5, limit=1):
        if time.monotonic() > until or not race.children.pids():
            said = race.children.log(race.name).read_text(errors="replace")[-500:]
            raise BenchFailed(f"The worker of {race.name} does not start: {said}")


def send(race: Race, at: datetime, goal: int) -> float:
    """Let the installation's clock say `at`, hint, and wait until all that is due has an outcome; seconds."""
    race.database.execute("UPDATE installation SET rehearsal_now = %s", [at])
    began = moved = time.perf_counter()
    hints, count = 0, -1
    while True:
        now = time.perf_counter()
        if now - began >= hints * race.contender.interval:
            hint(race.contender.hint)
            hints += 1
        arrived = race.sink.count(race.options.channel)
        moved, count = (now, arrived) if arrived != count else (moved, count)
        race.options.advance(race.name, arrived, race.options.warm + race.options.messages)
        if (arrived >= goal or now - moved > 1) and settled(race, at):
            return time.perf_counter() - began
        if now - moved > _STALLED_SECONDS:
            return now - began
        race.place.deadline.check()
        time.sleep(0.005 if arrived >= goal else 0.1)


def hint(task: str) -> None:
    """Say that there may be work, as the beat does."""
    from worker import app

    app.send_task(task, expires=10)


def settled(race: Race, at: datetime) -> bool:
    """Whether nothing that was due at `at` waits for its outcome."""
    waiting = (
        "SELECT 1 FROM message WHERE state IN ('planned', 'waiting', 'attempting', 'uncertain') "
        "AND due_at <= %s LIMIT 1"
    )
    return race.database.execute(waiting, [at]).fetchone() is None


def cpu_seconds_of(race: Race) -> dict[str, float]:
    """CPU seconds so far, by who used them."""
    return {
        "sender": machine.cpu_seconds(race.children.pids().get(race.name, 0)),
        "postgresql": machine.cpu_seconds(race.place.servers.postgres.pid),
        "other end": machine.cpu_seconds(race.sink.child.pid),
    }


def evidence(race: Race) -> judge.Evidence:
    """What the database and the other end say."""
    states = race.database.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall()
    arrived, recorded = _texts(race) if race.options.channel is Channel.SMS else _mails(race)
    return judge.Evidence(
        expected=race.options.warm + race.options.messages,
        counted=race.sink.count(race.options.channel),
        arrived=arrived,
        states={str(state): int(count) for state, count in states},
        recorded=recorded,
    )


def _texts(race: Race) -> tuple[list[str], list[str]]:
    """A text carries the id of its try at the end of the address for its status."""
    entries = judge.log_entries(race.sink.sms_log)
    return (
        [entry["status_callback"].rpartition("/")[2] for entry in entries],
        [str(row[0]) for row in race.database.execute(race.contender.texts_tried)],
    )


def _mails(race: Race) -> tuple[list[str], list[str]]:
    """An e-mail carries an id made from its message's."""
    from campaigns.models import Clinic
    from campaigns.services.send import message_id_header

    row = race.database.execute("SELECT id FROM clinic").fetchone()
    clinic = Clinic(pk=row[0] if row else None)
    tried = race.database.execute(race.contender.mails_tried)
    return (
        [entry["message_id"] for entry in judge.log_entries(race.sink.email_log)],
        [message_id_header(clinic, row[0]).strip("<>") for row in tried],
    )


def _limit(place: Ground, options: Options, ready: Sequence[tuple[str, bytes]]) -> Run:
    """One run of the barest loop, in this process."""
    from bench.peers import limit

    with place.sink() as sink:
        limit.push(options.channel, ready, options.warm, sink, place.deadline)
        before, used = machine.cpu_seconds(sink.child.pid), time.process_time()
        seconds = limit.push(options.channel, ready, options.messages, sink, place.deadline)
        cpu: Mapping[str, float] = {
            "sender": time.process_time() - used,
            "postgresql": 0.0,
            "other end": machine.cpu_seconds(sink.child.pid) - before,
        }
        seen = judge.Evidence(
            expected=options.warm + options.messages,
            counted=sink.count(options.channel),
            arrived=(),
            states={},
            recorded=(),
        )
    options.advance(LIMIT, options.messages, options.messages)
    wrong = judge.count_only(seen)
    return Run(contender=LIMIT, messages=options.messages, seconds=seconds, cpu=cpu, complaints=wrong)
