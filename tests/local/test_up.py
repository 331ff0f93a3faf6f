"""`campaigns up` for daily use: other commands find its database, and nothing is left when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from campaigns.local.processes import ROOT
from campaigns.local.stage import free_port

HAND_SET = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_KEYS", "PUBLIC_BASE_URL", "ALLOWED_HOSTS")


def environment(state: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in HAND_SET}
    return kept | {"CAMPAIGNS_STATE": str(state)}


def run(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "campaigns", *words],
        env=environment(state),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def until_running(up: subprocess.Popen[bytes], state: Path) -> None:
    deadline = time.monotonic() + 40
    while not (state / "running.json").exists():
        assert up.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.load
def test_other_commands_find_a_running_up_and_not_a_stopped_one(tmp_path: Path) -> None:
    state = tmp_path / "state"
    command = [sys.executable, "-m", "campaigns", "up", "--port", str(free_port())]
    up = subprocess.Popen(command, env=environment(state), cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        until_running(up, state)
        assert (state / "running.json").stat().st_mode & 0o777 == 0o600
        made = run(
            state, "create-clinic", "--name", "Elm", "--phone", "604-555-0134", "--address", "1 Example St"
        )
        assert made.returncode == 0, made.stderr
        link = run(state, "create-staff", "--email", "a@elm.example", "--name", "A")
        assert "/sign-in/" in link.stdout, link.stderr
        assert "Fit to send." in run(state, "doctor").stdout
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0
    assert not (state / "running.json").exists()
    late = run(state, "pause")
    assert late.returncode == 1
    assert late.stderr.startswith("There is no database")
