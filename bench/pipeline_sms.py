"""`pipeline-sms`: due texts through the real Celery worker, until each is accepted and recorded: every gate,
attempt rows and encryption included."""

from __future__ import annotations

from bench.figures import Result, as_json, show
from bench.pipeline import Advance, Options, run
from campaigns.domain.recipients import Channel

__all__ = ["MESSAGES", "as_json", "measure", "show"]

NAME = "pipeline-sms"
MESSAGES = 20_000


def measure(*, messages: int, runs: int, seed: int, contenders: list[str], advance: Advance) -> Result:
    """Run it. Raises BenchFailed."""
    options = Options(
        channel=Channel.SMS, messages=messages, runs=runs, seed=seed, contenders=contenders, advance=advance
    )
    return run(NAME, options)
