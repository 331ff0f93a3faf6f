"""A whole benchmark, as small as it can be: every count is right, and a wrong one is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bench import pipeline
from bench.figures import LIMIT, NAIVE, OURS
from bench.ground import BenchFailed
from campaigns.domain.recipients import Channel
from tests.local.places import ROOT


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    command = [sys.executable, "-W", "ignore", "-m", "campaigns", "bench", *words]
    return subprocess.run(
        command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False, timeout=120
    )


def test_e_mails_are_counted_once_at_both_ends_by_every_contender() -> None:
    done = bench("pipeline-email", "--messages", "60", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [(run["contender"], run["messages"], run["complaints"]) for run in shown["runs"]] == [
        (OURS, 60, []),
        (NAIVE, 60, []),
        (LIMIT, 60, []),
    ]
    assert shown["machine"]["cores"]


def test_it_refuses_what_would_take_more_than_ten_minutes() -> None:
    with pytest.raises(BenchFailed, match="fewer --messages or --runs"):
        pipeline.run("pipeline-sms", pipeline.Options(channel=Channel.SMS, messages=100_000, runs=3))


def test_it_needs_the_name_of_a_benchmark() -> None:
    done = bench("pipelines")
    assert done.returncode == 2
    assert "pipeline-email" in done.stderr
