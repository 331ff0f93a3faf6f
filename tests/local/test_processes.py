"""Children are logged, started again when they die, and never outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.local import children, processes
from campaigns.local.processes import Processes, Program
from tests.local.places import ROOT, close, first_line, processes_of

SLEEPER = "import os, sys, time; print('started', os.environ.get('MARK'), flush=True); time.sleep(600)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
WITH_CHILD = """
import subprocess, sys, time
subprocess.Popen(["sleep", sys.argv[1]])
print("up", flush=True)
time.sleep(600)
"""


def program(name: str, code: str, *arguments: str) -> Program:
    return Program(name=name, command=[sys.executable, "-c", code, *arguments])


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def sleeper(tmp_path: Path, said: list[str]) -> Iterator[Processes]:
    with Processes(tmp_path, [program("worker", SLEEPER)], {"MARK": "x"}, announce=said.append) as running:
        wait_for(running, "worker", "started x")
        yield running


def wait_for(running: Processes, name: str, words: str, times: int = 1) -> None:
    assert children.wait_until(lambda: children.tail(running.log(name)).count(words) >= times, 10)


def test_output_goes_to_a_private_log_in_the_state_folder(sleeper: Processes, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "worker.log"
    assert log.read_text() == "started x\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_killed_worker_comes_back_and_one_line_says_so(sleeper: Processes, said: list[str]) -> None:
    first = sleeper.pids()["worker"]
    os.kill(first, signal.SIGKILL)
    wait_for(sleeper, "worker", "started x", times=2)
    assert sleeper.pids()["worker"] != first
    assert said == ["The worker process was killed (SIGKILL); starting it again in 0.5 s."]


def test_one_that_keeps_dying_waits_longer_and_its_last_words_are_shown(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_FIRST_PAUSE_SECONDS", 0.01)
    broken = program("web", "import sys; sys.exit('no such address')")
    with Processes(tmp_path, [broken], announce=said.append):
        assert children.wait_until(lambda: len(said) >= 3, 10)
    assert said[0] == "The web process stopped (exit 1); starting it again in 0.01 s."
    assert said[2] == (
        "The web process stopped (exit 1); starting it again in 0.04 s. "
        f"Last line of {tmp_path}/logs/web.log: no such address"
    )


def test_without_restart_a_death_is_only_announced(tmp_path: Path, said: list[str]) -> None:
    with Processes(tmp_path, [program("once", "")], restart=False, announce=said.append) as running:
        assert children.wait_until(lambda: bool(said), 10)
        assert running.pids() == {}
    assert said == ["The once process stopped (exit 0); it is not started again."]


def test_stop_leaves_nobody_not_even_the_deaf_and_their_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_PATIENCE_SECONDS", 0.3)
    programs = [
        program("deaf", STUBBORN, str(tmp_path)),
        program("parent", WITH_CHILD, "599.25", str(tmp_path)),
    ]
    with Processes(tmp_path, programs) as running:
        wait_for(running, "deaf", "deaf")
        wait_for(running, "parent", "up")
        assert len(processes_of(tmp_path)) == 2
        assert len(processes_of(Path("599.25"))) == 2
    assert not processes_of(tmp_path)
    assert children.wait_until(lambda: not processes_of(Path("599.25")), 5)


def test_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from campaigns.local.processes import Processes, Program\n"
        "state = Path(sys.argv[1])\n"
        "command = [sys.executable, '-c', 'import time; time.sleep(600)', str(state)]\n"
        "with Processes(state, [Program(name='worker', command=command)]) as running:\n"
        "    print(running.pids()['worker'], flush=True); sys.stdin.read()\n"
    )
    pipe = subprocess.PIPE
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT
    )
    child = int(first_line(parent))
    assert children.command_line(child)
    parent.kill()
    close(parent)
    assert children.wait_until(lambda: not children.command_line(child), 10)


def test_nothing_is_written_outside_the_state_folder(tmp_path: Path) -> None:
    assert str(tmp_path / "beat-schedule") in processes.beat(tmp_path).command
    assert "--no-control-socket" in processes.web(8000).command


def test_several_workers_have_names_of_their_own() -> None:
    names = [processes.worker(name=name) for name in ("worker-1", "worker-2")]
    assert [worker.name for worker in names] == ["worker-1", "worker-2"]
    assert "worker-2@%h" in names[1].command
