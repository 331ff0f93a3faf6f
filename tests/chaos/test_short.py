"""The short form of `campaigns chaos`: each process dies, each hold point and each fault is met, and no
promise breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import schedule
from tests.chaos.schedule import Blow, Turn
from tests.local.places import ROOT, processes_of

pytestmark = pytest.mark.load


def chaos(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    command = [sys.executable, "-W", "ignore", "-m", "campaigns", "chaos", *words]
    return subprocess.run(
        command, cwd=ROOT, env=plain | env, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.mark.slow
def test_whatever_dies_no_message_is_lost_doubled_stale_or_unwanted(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    done = chaos("--short", "--json", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["breaches"] == []
    killed = {words.removeprefix("kill ") for words in report["by_target"] if words.startswith("kill ")}
    assert killed == set(schedule.TARGETS)
    asleep = {words.removeprefix("stop ") for words in report["by_target"] if words.startswith("stop ")}
    assert asleep == set(schedule.WORKERS)
    met = {f"{channel} {point}" for channel in ("sms", "email") for point in schedule.POINTS}
    assert set(report["by_point"]) == met
    assert {f"sms {fault}" for fault in schedule.SMS_FAULTS} <= set(report["faults"])
    assert set(schedule.WORLD) <= set(report["faults"])
    assert report["taken"] > 100
    assert report["moves"] > 5
    assert report["posts"] > 3
    assert processes_of(tmp_path) == []


def test_the_same_seed_tells_the_same_story() -> None:
    first, second, other = (list(schedule.first(200, schedule.turns(seed))) for seed in (1, 1, 2))
    assert first == second != other
    assert 200 <= schedule.count(first) < 205
    struck = {blow.target for turn in schedule.first(1000, schedule.turns(3)) for blow in turn.blows}
    assert struck == set(schedule.TARGETS)


def test_a_turn_is_told_in_words() -> None:
    turn = Turn(blows=[Blow(target="pool child")], faults=[schedule.SMS_FAULTS[0]], desk=["move"])
    assert turn.words() == "kill pool child, sms drop, desk: move"


def test_it_refuses_a_broken_sender_that_it_does_not_have(tmp_path: Path) -> None:
    done = chaos("--mutant", "nobody", TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "send-then-record" in done.stderr
    assert list(tmp_path.iterdir()) == []
