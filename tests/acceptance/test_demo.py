"""The main job from nothing, while its worker is killed twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from campaigns.local.processes import ROOT
from campaigns.local.stage import free_port

pytestmark = pytest.mark.load

LONGEST = 150.0


def _worker(demo: int) -> int | None:
    """The demo's own worker, found among its descendants."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    for pid, parent, *words in rows:
        if parent == str(demo) and " -A worker worker " in " ".join(words):
            return int(pid)
    return None


def _wait_for_texts(log: Path, more_than: int) -> None:
    """Until the rehearsal is under way: killing before the first text proves nothing."""
    deadline = time.monotonic() + 60
    while not log.exists() or len(log.read_bytes().splitlines()) <= more_than:
        assert time.monotonic() < deadline, "the rehearsal does not get on"
        time.sleep(0.05)


def _arrived_twice(log: Path, name: str) -> list[str]:
    """What a loopback server took more than once, from its own log."""
    arrived = Counter(json.loads(line)[name] for line in log.read_text().splitlines())
    assert len(arrived) > 100
    return [key for key, times in arrived.items() if times > 1]


def _kill_worker(demo: int) -> None:
    deadline = time.monotonic() + 30
    while (pid := _worker(demo)) is None:
        assert time.monotonic() < deadline, "there is no worker"
        time.sleep(0.05)
    os.kill(pid, 9)


@pytest.mark.slow
def test_every_message_arrives_once_though_the_worker_is_killed_twice(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    state = tmp_path / "state"
    command = [
        sys.executable,
        "-m",
        "campaigns",
        "demo",
        "--once",
        "--state",
        str(state),
        "--port",
        f"{free_port()}",
    ]
    with (tmp_path / "said").open("w+") as said:
        demo = subprocess.Popen(command, cwd=ROOT, env=env, stdout=said, stderr=subprocess.STDOUT)
        try:
            for texts in (20, 150):
                _wait_for_texts(state / "sms.log", texts)
                time.sleep(random.uniform(0, 1.5))
                _kill_worker(demo.pid)
            code = demo.wait(LONGEST)
        finally:
            demo.terminate()
            demo.wait(30)
        said.seek(0)
        words = said.read()
    assert code == 0, words
    assert words.count("was killed (SIGKILL)") == 2, words
    assert "broken" not in words
    assert len([line for line in words.splitlines() if line.rstrip().endswith(" kept")]) == 9, words
    assert _arrived_twice(state / "sms.log", "status_callback") == []
    assert _arrived_twice(state / "mail.log", "message_id") == []
