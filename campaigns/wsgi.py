"""The web process."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaigns.settings")

from django.core.wsgi import get_wsgi_application

import worker  # noqa: F401  tasks that pages ask for go to this Celery app
from campaigns.queries import lexicons

application = get_wsgi_application()

# A second of work: done before the first text comes, and not while its sender waits.
lexicons.load()
