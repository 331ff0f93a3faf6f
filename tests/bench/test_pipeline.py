"""The pipelines, as small as they can be: every count is right, and a wrong one is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from bench import pipeline
from bench.figures import LIMIT, NAIVE, OURS
from bench.ground import BenchFailed, Deadline, Ground
from campaigns.domain.recipients import Channel
from campaigns.local.embedded import Servers
from tests.bench.conftest import bench

pytestmark = pytest.mark.load


def test_e_mails_are_counted_once_at_both_ends_by_every_contender(whole: dict[str, Any]) -> None:
    shown = whole["benchmarks"]["pipeline-email"]
    assert [(run["contender"], run["messages"], run["complaints"]) for run in shown["runs"]] == [
        (OURS, 40, []),
        (NAIVE, 40, []),
        (LIMIT, 40, []),
    ]
    assert [aim["what"] for aim in shown["aims"]] == ["campaigns / naive", "campaigns / limit"]
    assert shown["machine"]["cores"]


def test_it_refuses_what_would_take_more_than_ten_minutes() -> None:
    nowhere = Ground(Path("/nonexistent"), cast(Servers, None), "", Deadline())
    options = pipeline.Options(channel=Channel.SMS, messages=100_000, runs=3)
    with pytest.raises(BenchFailed, match="fewer --messages or --runs"):
        pipeline.run(nowhere, "pipeline-sms", options)


def test_it_gives_up_when_the_time_is_over() -> None:
    with pytest.raises(BenchFailed, match="Not done within 2 minutes"):
        Deadline(seconds=120, began=-1e9).check()


def test_it_needs_the_name_of_a_benchmark() -> None:
    done = bench("pipelines")
    assert done.returncode == 2
    assert "pipeline-email" in done.stderr
