"""The Celery app and its beat schedule. Messages are hints, PostgreSQL is the record.

A task that is lost, doubled or late changes latency and nothing else, so there are no retries, no results and
no ETA. What piled up while no worker was there a worker throws away as it starts. Hints expire after hours
only: a worker judges that by its own clock, and one that is ahead would drop every hint.
"""

from __future__ import annotations

import gc
import logging.config
import os
from contextlib import suppress

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaigns.settings")

from celery import Celery
from celery.signals import beat_init, celeryd_after_setup, setup_logging, worker_init, worker_ready
from django.conf import settings
from kombu.exceptions import OperationalError

import campaigns  # noqa: F401  pins the zone data before anything builds a zone

ALERTS = "alerts"
"""A queue of its own for the alert ladder: batches to patients that hang must not keep staff waiting. Every
worker takes from both queues unless it is told to take from one."""

HINT = {"expires": settings.HINT_SECONDS}

app = Celery("campaigns")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A lost connection fails at once instead of hanging a page: the beat asks again anyway.
    broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2, "max_retries": 1},
    task_ignore_result=True,
    task_store_eager_result=False,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    # Concerns late acknowledgements only, which we do not use; unset, Celery warns at every lost connection.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    task_default_queue="celery",
    task_queues={name: {"exchange": name, "routing_key": name} for name in ("celery", ALERTS)},
    task_routes={"climb": {"queue": ALERTS}},
    timezone="UTC",
    enable_utc=True,
    beat_schedule={
        "send what is due": {
            "task": "send_due",
            "schedule": 1.0,
            "options": HINT,
        },
        "read what waits": {
            "task": "take_up_waiting",
            "schedule": 2.0,
            "options": HINT,
        },
        "settle tries in doubt": {
            "task": "reconcile",
            "schedule": 10.0,
            "options": HINT,
        },
        "climb the alert ladder": {
            "task": "climb",
            "schedule": 15.0,
            "options": HINT,
        },
        "read stored mail": {
            "task": "read_mail",
            "schedule": 10.0,
            "options": HINT,
        },
        "fetch mail": {"task": "fetch_mail", "schedule": 60.0, "options": HINT},
        "tell other programs": {"task": "tell_endpoints", "schedule": 5.0, "options": HINT},
        "count for the reports": {"task": "count_up", "schedule": 300.0, "options": HINT},
        "check the audit chain": {"task": "check_chain", "schedule": 5.0, "options": HINT},
        "do what was held": {"task": "run_held_acts", "schedule": 5.0, "options": HINT},
        "carry on with imports": {"task": "run_imports", "schedule": 5.0, "options": HINT},
        "heartbeat": {"task": "heartbeat", "schedule": 60.0, "options": HINT},
        "follow a clinic's changes": {"task": "follow_changes", "schedule": 5.0, "options": HINT},
        "count who is where": {"task": "count_steps", "schedule": 600.0, "options": HINT},
        "follow changed sequences": {
            "task": "replan_changed",
            "schedule": 600.0,
            "options": HINT,
        },
    },
)
app.autodiscover_tasks(["campaigns"])


@beat_init.connect
def all_at_once(**_: object) -> None:
    """Ask for everything once at a start: what is due each ten minutes must not be silent for so long."""
    with suppress(OperationalError):
        for entry in app.conf.beat_schedule.values():
            app.send_task(entry["task"], **entry["options"])


@celeryd_after_setup.connect
def begin_afresh(**_: object) -> None:
    """Throw away the hints that lie in this worker's queues, and ask for everything once instead."""
    queues = list(app.amqp.queues.consume_from)
    with suppress(OperationalError), app.connection_for_write() as connection:
        for name in queues:
            connection.default_channel.queue_purge(name)
        if app.conf.task_default_queue in queues:
            all_at_once()


@worker_init.connect
def remember(**_: object) -> None:
    """Before anything is claimed: processes that send hold the database against what this machine knows."""
    from campaigns.services import memory

    memory.begin(settings.STATE)


@worker_init.connect
def share_with_children(sender: object, **_: object) -> None:
    """Before the fork: no child looks through what it has from its parent for garbage, which would make it a
    copy of its own. The lexicon is not among it: to load it here would double the time to the first send."""
    if "prefork" in str(getattr(sender, "pool_cls", "")):
        gc.collect()
        gc.freeze()


@worker_ready.connect
def watch_myself(**_: object) -> None:
    """End a worker that is connected and takes no work."""
    from campaigns.local import watchdog

    watchdog.start(app)


class OneLine(logging.Filter):
    """Beat says twice how it came to ask whenever it cannot reach the broker: why is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Message Error"):
            record.msg, record.args = record.getMessage().partition("\n")[0], ()
            record.exc_info = None
        return True


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Django's logging, which masks what must not be logged, instead of Celery's."""
    logging.config.dictConfig(settings.LOGGING)
    logging.getLogger("celery.beat").addFilter(OneLine())
