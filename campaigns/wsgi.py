"""The web process."""

from __future__ import annotations

import os
import threading
from importlib import import_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaigns.settings")

from django.core.wsgi import get_wsgi_application

import worker  # noqa: F401  tasks that pages ask for go to this Celery app

application = get_wsgi_application()

# Seconds of work: begun before the first text comes, while pages are answered already.
threading.Thread(target=import_module("campaigns.queries.lexicons").load, daemon=True).start()
