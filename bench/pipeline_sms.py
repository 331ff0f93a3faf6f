"""`pipeline-sms`: due texts through the real Celery worker, until each is accepted and recorded: every gate,
attempt rows and encryption included."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import Result, as_dict, as_json, show
from bench.ground import Ground
from bench.pipeline import Options, run
from campaigns.domain.recipients import Channel
from campaigns.local.progress import Advance

__all__ = ["as_dict", "as_json", "measure", "show"]

NAME = "pipeline-sms"


def measure(
    place: Ground, *, messages: int, runs: int, seed: int, contenders: Sequence[str], advance: Advance
) -> Result:
    """Run it. Raises BenchFailed."""
    options = Options(
        channel=Channel.SMS, messages=messages, runs=runs, seed=seed, contenders=contenders, advance=advance
    )
    return run(place, NAME, options)
