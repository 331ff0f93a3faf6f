"""`footprint`: memory of every process of the whole embedded stack, at rest and under load; and the cold
start.

The stack is what `campaigns up` runs: PostgreSQL, Valkey, the site, a worker, the worker of the alerts, the
beat. Memory is PSS where the system tells it: pages that several processes share count once in all. Under
load texts leave by the thousand while pages are read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

import psycopg

from bench import ground, machine, pipeline, seed
from bench.ground import BenchFailed, Ground, Sink
from bench.pipeline import Options
from bench.report import Aim, Report, Sheet, middle
from campaigns.domain.recipients import Channel
from campaigns.local import children, postgres, valkey
from campaigns.local.postgres import free_port
from campaigns.local.processes import Processes, Program, alerts, beat, web, worker
from campaigns.local.progress import Advance

NAME = "footprint"
AIM_WORKER, AIM_STACK, AIM_START = 160.0, 500.0, 5.0
_MIB = 2**20
_PATIENCE = 60.0


@dataclass(slots=True)
class Seen:
    """Bytes by process, at rest and the most under load; seconds of each start."""

    rest: dict[str, float] = field(default_factory=dict)
    load: dict[str, float] = field(default_factory=dict)
    starts: list[float] = field(default_factory=list)
    servers: float = 0.0
    complaints: list[str] = field(default_factory=list)


def measure(
    place: Ground,
    *,
    messages: int,
    starts: int,
    seconds: int,
    seed: int,
    contenders: Sequence[str],
    advance: Advance,
) -> Report:
    """Run it. Raises BenchFailed."""
    facts = machine.facts()
    options = Options(channel=Channel.SMS, messages=messages, seed=seed, contenders=[], advance=advance)
    pipeline.prepare(place, options)
    found = Seen()
    found.servers = _restart_servers(place)
    for number in range(1, starts + 1):
        _start(place, options, found, seconds if number == starts else 0)
        advance("starts", number, starts)
    return summary(found, options, seconds, facts)


def _restart_servers(place: Ground) -> float:
    """Seconds for both servers to answer again, on data that is there."""
    from worker import app

    ground.leave_database()
    servers = place.servers
    children.stop(servers.valkey, valkey.FAREWELL, valkey.PATIENCE)
    children.stop(servers.postgres, postgres.FAREWELL, postgres.PATIENCE)
    began = time.monotonic()
    servers.revive()
    took = time.monotonic() - began
    # What this process had open to the broker went with it.
    app.pool.force_close_all(close_pool=False)
    app.amqp.producer_pool.force_close_all(close_pool=False)
    return took


def _programs(place: Ground, port: int) -> list[Program]:
    return [web(port), worker(concurrency=pipeline.CONCURRENCY), alerts(), beat(place.state)]


def _start(place: Ground, options: Options, found: Seen, seconds: int) -> None:
    """One cold start, to the first text at the other end; with `seconds` of rest, memory under load too."""
    port = free_port()
    with (
        place.copy("run") as database,
        place.sink() as sink,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        connection.execute("UPDATE installation SET rehearsal_now = %s", [seed.HOLD])
        env = {**ground.addresses(sink, database), "ALLOWED_HOSTS": "127.0.0.1"}
        began = time.monotonic()
        with Processes(place.state, _programs(place, port), env, restart=False) as running:
            found.starts.append(_first_send(sink, began))
            found.rest = _memory(place, running)
            if seconds:
                _until_sent(sink, options.warm, place)
                time.sleep(min(3.0, seconds))
                found.rest = _memory(place, running)
                with _reading(port):
                    connection.execute("UPDATE installation SET rehearsal_now = %s", [seed.DUE])
                    _watch(place, running, sink, found, options.warm + options.messages)
        if len(running.pids()):
            found.complaints.append("a process outlived the stack")


def _first_send(sink: Sink, began: float) -> float:
    while not sink.count(Channel.SMS):
        if time.monotonic() - began > _PATIENCE:
            raise BenchFailed("Nothing was sent within a minute of the start.")
        time.sleep(0.02)
    return time.monotonic() - began


def _until_sent(sink: Sink, goal: int, place: Ground) -> None:
    ends = time.monotonic() + _PATIENCE
    while sink.count(Channel.SMS) < goal and time.monotonic() < ends:
        place.deadline.check()
        time.sleep(0.1)


def _memory(place: Ground, running: Processes) -> dict[str, float]:
    used = {name: machine.memory(pid) for name, pid in running.pids().items()}
    return {
        **used,
        "postgresql": machine.memory(place.servers.postgres.pid),
        "valkey": machine.memory(place.servers.valkey.pid),
    }


def _watch(place: Ground, running: Processes, sink: Sink, found: Seen, goal: int) -> None:
    """The most that each process takes until everything is sent."""
    found.load = _memory(place, running)
    moved, before = time.monotonic(), 0
    while (arrived := sink.count(Channel.SMS)) < goal:
        for name, used in _memory(place, running).items():
            found.load[name] = max(found.load.get(name, 0.0), used)
        moved, before = (time.monotonic(), arrived) if arrived != before else (moved, before)
        if time.monotonic() - moved > _PATIENCE:
            found.complaints.append(f"{arrived} texts were sent, not {goal}")
            return
        place.deadline.check()
        time.sleep(0.1)
    if arrived > goal:
        found.complaints.append(f"{arrived} texts were sent, not {goal}")


@contextmanager
def _reading(port: int) -> Iterator[None]:
    """Somebody reads a page again and again."""
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.02):
            try:
                connection = HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request("GET", "/sign-in", headers={"X-Forwarded-Proto": "https"})
                connection.getresponse().read()
                connection.close()
            except (OSError, HTTPException):
                continue

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def summary(found: Seen, options: Options, seconds: int, facts: dict[str, str]) -> Report:
    """The figures, held against the aims."""
    rows = [
        [name, *(f"{where.get(name, 0.0) / _MIB:.0f}" for where in (found.rest, found.load))]
        for name in found.rest
    ]
    stack = {"rest": sum(found.rest.values()) / _MIB, "load": sum(found.load.values()) / _MIB}
    rows.append(["the whole stack", f"{stack['rest']:.0f}", f"{stack['load']:.0f}"])
    begins = [
        ["PostgreSQL and Valkey, on data that is there", f"{found.servers:.2f}"],
        ["the stack, to the first text", f"{middle(found.starts):.2f}"],
    ]
    start = middle(found.starts)
    aims = [Aim("start to first send", f"under {AIM_START:g} s", f"{start:.2f} s", start < AIM_START)]
    if found.load:
        most = found.load["worker"] / _MIB
        aims += [
            Aim("the worker under load", f"under {AIM_WORKER:g} MB", f"{most:.0f} MiB", most < AIM_WORKER),
            Aim(
                "the whole stack under load",
                f"under {AIM_STACK:g} MB",
                f"{stack['load']:.0f} MiB",
                stack["load"] < AIM_STACK,
            ),
        ]
    return Report(
        benchmark=NAME,
        seed=options.seed,
        sizes={"messages": options.messages, "starts": len(found.starts), "seconds": seconds},
        machine=facts,
        sheets=[
            Sheet("Resident memory (PSS), MiB", ["process", "at rest", "the most under load"], rows),
            Sheet("Cold start, seconds", ["", "median"], begins),
        ],
        figures={"rest": found.rest, "load": found.load, "starts": found.starts, "servers": found.servers},
        aims=aims,
        complaints=found.complaints,
    )
