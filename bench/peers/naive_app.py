"""The Celery app of the naive peer: `celery -A bench.peers.naive_app worker`."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaigns.settings")

from celery import Celery
from django.conf import settings

app = Celery("naive", broker=settings.CELERY_BROKER_URL, include=["bench.peers.naive"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
# Celery closes the database connection around every task unless told otherwise: that alone is most of this
# peer's time, and one line mends it, so the comparison is made without.
app.conf["CELERY_DB_REUSE_MAX"] = 10_000
