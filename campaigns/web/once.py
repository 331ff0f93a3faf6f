"""A form that is sent twice counts once."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

KEPT = 50
"""Forms remembered in one session."""


def already(request: HttpRequest, key: str) -> str | None:
    """What `once` gave for this key in this session; None where that was not done yet."""
    found: str | None = request.session.get("done", {}).get(key)
    return found


@transaction.atomic
def once(request: HttpRequest, key: str, act: Callable[[], str]) -> str:
    """Run `act` for this key unless that was done in this session, and return what it gave the first time.

    The session's row is locked, so that the second of two quick clicks waits and then sees the first.
    """
    row = Session.objects.select_for_update().get(pk=request.session.session_key)
    done: dict[str, str] = row.get_decoded().get("done", {})
    if key not in done:
        done[key] = act()
        request.session["done"] = dict(list(done.items())[-KEPT:])
        request.session.save()
    return done[key]
