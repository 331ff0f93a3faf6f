"""The site as it is, with the number of queries of each page in a header: `gunicorn
bench.counted_site:application`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bench.pages import HEADER
from campaigns.wsgi import application as site


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Count what one request asks the database."""
    from django.db import connection

    count = 0

    def counted(execute: Callable[..., Any], *rest: Any) -> Any:
        nonlocal count
        count += 1
        return execute(*rest)

    def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        return start_response(status, [*headers, (HEADER, str(count))], *more)

    with connection.execute_wrapper(counted):
        answer: Iterable[bytes] = site(environ, started)
    return answer
