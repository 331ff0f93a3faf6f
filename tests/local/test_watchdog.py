"""A worker that is connected and takes no work ends itself; one that has nothing to do is let be."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

import worker
from campaigns.local import children
from campaigns.local.processes import ROOT
from campaigns.local.watchdog import BUSY, DEAF, LOOK, Watchdog

NOTHING: frozenset[str] = frozenset()


@dataclass
class Clock:
    """Seconds that a test lets pass."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def ends_after(
    seconds: float,
    *,
    waiting: int | None = 0,
    at_work: tuple[str, ...] = (),
    hears_every: float = 0,
    changes_every: float = 0,
    step: float = LOOK,
) -> float:
    """After how many seconds it ends a worker of which this is always true; nought when it does not."""
    clock = Clock()
    dog = Watchdog(clock=clock)
    began = clock.now
    while clock.now < began + seconds:
        passed = clock.now - began
        if hears_every and passed % hears_every < step:
            dog.hear()
        tasks = {f"{name}-{passed // changes_every if changes_every else 0}" for name in at_work}
        if dog.look(frozenset(tasks), waiting):
            return passed
        clock.now += step
    return 0


@pytest.mark.parametrize(
    ("facts", "ends"),
    [
        ({}, False),  # idle: nothing waits, whether the beat is gone or others take it all
        ({"waiting": None}, False),  # a broker that is away
        ({"waiting": 3}, True),
        ({"waiting": 3, "hears_every": 30}, False),
        ({"waiting": 3, "at_work": ("a",), "changes_every": 100}, False),  # long batches that end
        ({"waiting": 0, "at_work": ("a",)}, True),  # a task that hangs
        ({"waiting": 3, "at_work": ("a", "b"), "changes_every": 400}, False),
    ],
)
def test_it_ends_only_a_worker_for_which_work_waits_in_vain(facts: dict[str, int], ends: bool) -> None:
    assert bool(ends_after(2000, **facts)) is ends  # type: ignore[arg-type]


def test_it_ends_it_within_a_known_time() -> None:
    assert DEAF < ends_after(2000, waiting=1) <= DEAF + 2 * LOOK
    assert BUSY < ends_after(2000, at_work=("a",)) <= BUSY + 2 * LOOK


def test_a_process_that_was_stopped_is_not_deaf() -> None:
    clock = Clock()
    dog = Watchdog(clock=clock)
    for _ in range(3):
        assert not dog.look(NOTHING, 5)
        clock.now += 600  # SIGSTOP, and SIGCONT ten minutes later


# Its clock says the time of another zone, as far ahead as zones go.
SCRIPT = """
import datetime, sys, time
real, tell, ahead = datetime.datetime, time.time, 14 * 3600
class Kind(type):
    def __instancecheck__(cls, value): return isinstance(value, real)
class Ahead(real, metaclass=Kind):
    @classmethod
    def now(cls, tz=None): return real.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls): return real.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)
datetime.datetime = Ahead
time.time = lambda: tell() + ahead
from campaigns.local import watchdog
watchdog.DEAF, watchdog.LOOK = 1.5, 0.3
from worker import app
options = ["-P", "solo", "-n", "deaf@%h", "-Q", sys.argv[1], "--without-gossip", "--without-mingle"]
app.worker_main(["worker", *options])
"""


@pytest.mark.slow
def test_a_real_worker_that_hears_nothing_ends_and_an_idle_one_does_not(tmp_path: Path) -> None:
    """A queue of its own, so that no other worker of the tests takes the work."""
    queue = f"deaf-{os.getpid()}"
    log = tmp_path / "worker.log"
    for _ in range(20):  # what piled up before it was there
        worker.app.send_task("heartbeat", queue=queue, **worker.HINT)
    env = {**os.environ, "LOG_LEVEL": "INFO"}
    child = children.spawn([sys.executable, "-c", SCRIPT, queue], log=log, env=env, cwd=ROOT)
    broker = redis.Redis.from_url(os.environ["REDIS_URL"])
    try:
        assert children.wait_until(lambda: "ready." in log.read_text(), 30), log.read_text()
        for _ in range(8):  # work that comes and is taken, and then none: the beat is gone
            worker.app.send_task("heartbeat", queue=queue, **worker.HINT)
            time.sleep(0.2)
        time.sleep(2.5)
        assert child.poll() is None, log.read_text()
        # A clock that is so far ahead drops none of it, and what is older than the worker is thrown away.
        assert log.read_text().count("succeeded in") == 8, log.read_text()
        # What a broken connection does to it: it is there, answers, and takes nothing.
        worker.app.control.cancel_consumer(queue, destination=[f"deaf@{os.uname().nodename}"], reply=True)
        for _ in range(2):
            worker.app.send_task("heartbeat", queue=queue, **worker.HINT)
        children.wait_until(lambda: child.poll() is not None, 10)
        assert child.poll() == 1, log.read_text()[-1000:]
        assert "none of it reaches this worker" in log.read_text()
    finally:
        children.stop(child, signal.SIGTERM, 5)
        broker.delete(queue)
        broker.close()
