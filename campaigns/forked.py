"""How gunicorn starts the site: everything is loaded once, before the processes that answer are forked.

What they only read then stands in memory once for all of them: the modules, and the reply lexicon.
"""

from __future__ import annotations

import gc
from typing import Any

preload_app = True


def on_starting(server: Any) -> None:
    """After the application was loaded, before the first fork. Django itself would load the pages later, in
    each process."""
    from django.template import engines

    from campaigns import urls  # noqa: F401
    from campaigns.queries import lexicons

    engines.all()
    lexicons.load()
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """In each process, before its first request."""
    from campaigns import wsgi

    wsgi.begin()
