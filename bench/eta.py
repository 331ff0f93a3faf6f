"""What the ETA design costs (bench/peers/eta.py): time, Redis, memory of a worker, tasks that run twice."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import repeat

from bench import machine
from bench.ground import BenchFailed, Ground
from campaigns.local.processes import Processes, Program
from campaigns.local.progress import Advance

VISIBILITY = 5
"""Seconds. Scaled down with the wait: an hour is the default, and reminders wait for days."""
WAIT = 30
"""Seconds until the doubled tasks are due: a second worker joins meanwhile, and takes over what it may."""


def measure(
    place: Ground, messages: int, doubled: int, advance: Advance, complaints: list[str]
) -> dict[str, float]:
    """Enroll `messages`, let a worker take them, then count every execution of `doubled` that come due."""
    from bench.peers import eta
    from campaigns.settings import celery_broker

    eta.app.conf.broker_url = celery_broker(place.servers.redis_url)
    server = eta.counts()
    server.flushdb()
    bare = _bare(place)
    server.flushdb()
    before = _memory(server)
    began = time.perf_counter()
    due = datetime.now(UTC) + timedelta(days=7)
    for pk in range(messages):
        eta.send.apply_async(args=[pk], eta=due)
        if pk % 1_000 == 0:
            place.deadline.check()
            advance("eta: enrolling", pk, messages)
    seconds = time.perf_counter() - began
    held = _memory(server) - before
    with Processes(place.state, [_worker("eta1")], {"ETA_VISIBILITY": "3600"}, restart=False) as running:
        _until(lambda: _taken(server) >= messages, 120, "The worker does not take what waits.")
        grown = machine.memory(running.pids()["eta1"]) - bare
        server.flushdb()  # else it puts them back one by one before it ends
    executions = _executions(place, doubled, complaints, advance) if doubled else 0.0
    return {
        "enrolled": messages,
        "a_second": messages / seconds,
        "redis_bytes": held / messages,
        "worker_bytes": max(0.0, grown) / messages,
        "messages": doubled,
        "executions": executions,
    }


def _worker(name: str) -> Program:
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "bench.peers.eta",
        "worker",
        "-P",
        "solo",
        "-n",
        f"{name}@%h",
    ]
    return Program(name=name, command=[*command, "--without-gossip", "--without-mingle"])


def _memory(server: object) -> float:
    info = server.info("memory")  # type: ignore[attr-defined]
    return float(info["used_memory"])


def _taken(server: object) -> int:
    """What a worker holds unacknowledged."""
    return int(server.hlen("unacked"))  # type: ignore[attr-defined]


def _bare(place: Ground) -> float:
    """Memory of the same worker with nothing to wait for."""
    from bench.peers import eta

    with Processes(place.state, [_worker("bare")], {}, restart=False) as running:
        _until(
            lambda: bool(eta.app.control.broadcast("ping", reply=True, timeout=0.5, limit=1)),
            60,
            "No worker.",
        )
        return machine.memory(running.pids()["bare"])


def _executions(place: Ground, tasks: int, complaints: list[str], advance: Advance) -> float:
    """Runs of tasks that wait longer than the visibility time-out, with a second worker joining."""
    from bench.peers import eta

    server = eta.counts()
    due = datetime.now(UTC) + timedelta(seconds=WAIT)
    for pk in range(tasks):
        eta.send.apply_async(args=[pk], eta=due)
    env = {"ETA_VISIBILITY": str(VISIBILITY)}
    with Processes(place.state, [_worker("first")], env, restart=False):
        _until(lambda: _taken(server) >= tasks, 60, "The first worker does not take what waits.")
        time.sleep(VISIBILITY)
        with Processes(place.state, [_worker("second")], env, restart=False):
            _watch(due, tasks, place, advance)
            counted = {int(pk): int(runs) for pk, runs in server.hgetall(eta.RUNS).items()}
    if len(counted) != tasks:
        complaints.append(f"eta: {len(counted)} tasks ran, not {tasks}")
    server.flushdb()
    return float(sum(counted.values()))


def _watch(due: datetime, tasks: int, place: Ground, advance: Advance) -> None:
    """Until the tasks are due, and as long again for them to run."""
    from bench.peers import eta

    server, last, still = eta.counts(), -1, 0
    while datetime.now(UTC) < due or still < 4:
        time.sleep(0.5)
        runs = sum(int(count) for count in server.hvals(eta.RUNS))
        still = still + 1 if runs == last and datetime.now(UTC) > due else 0
        last = runs
        place.deadline.check()
        advance("eta: runs", runs, tasks)


def _until(true: Callable[[], bool], seconds: float, otherwise: str) -> None:
    ends = time.monotonic() + seconds
    for _ in repeat(None):
        if true():
            return
        if time.monotonic() > ends:
            raise BenchFailed(otherwise)
        time.sleep(0.1)
