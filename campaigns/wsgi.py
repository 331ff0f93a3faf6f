"""The web process."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib import import_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaigns.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, InterfaceError

import worker  # noqa: F401  tasks that pages ask for go to this Celery app

application = get_wsgi_application()


def begin() -> None:
    """In each process that answers, once it is there: a fork has neither threads nor connections."""
    # Seconds of work: begun before the first text comes, while pages are answered already.
    threading.Thread(target=import_module("campaigns.queries.lexicons").load, daemon=True).start()
    threading.Thread(target=_remember, daemon=True).start()


def _remember() -> None:
    """The site says so too when the database is not the one that this machine knows."""
    from django.db import connections

    from campaigns.services import memory

    memory.begin(settings.STATE)
    try:
        with suppress(DatabaseError, InterfaceError):  # one that is away is asked by the next `/readyz`
            memory.remember()
    finally:
        connections.close_all()


if "campaigns.forked" not in sys.modules:  # which begins in each of its processes
    begin()
