"""The ETA design: one `apply_async(eta=...)` a message at enrollment, and the broker holds what waits.

A task counts that it ran, in Redis: what is wrong with this design is seen without sending anything. Used
with `celery -A bench.peers.eta worker`; REDIS_URL says where, ETA_VISIBILITY (seconds) when the broker hands
out again what nobody has acknowledged.
"""

from __future__ import annotations

import os

import redis
from celery import Celery

from campaigns.settings import celery_broker

RUNS = "eta:runs"
"""A hash: message -> how often its task ran."""

app = Celery("eta", broker=celery_broker(os.environ.get("REDIS_URL", "")) or "memory://")
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": int(os.environ.get("ETA_VISIBILITY", "3600"))},
    task_default_queue="eta",
    worker_prefetch_multiplier=1,
)


def counts() -> redis.Redis:
    """Where runs are counted."""
    return redis.Redis.from_url(os.environ["REDIS_URL"])


@app.task(name="eta_send")  # type: ignore[untyped-decorator]
def send(pk: int) -> None:
    """What would send one message."""
    counts().hincrby(RUNS, str(pk), 1)
