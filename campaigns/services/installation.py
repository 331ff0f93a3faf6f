"""Stop and start all sending at once. The state is in the database, so every worker sees it."""

from __future__ import annotations

from django.db import transaction

from campaigns.models import Installation
from campaigns.queries import clock
from campaigns.services.record import record


def status() -> Installation:
    """The installation's row; made on first use."""
    return Installation.objects.get_or_create(pk=1)[0]


@transaction.atomic
def pause(reason: str, *, by: str) -> None:
    """Nothing more is sent until `resume`. What expires meanwhile is marked so when sending goes on."""
    status()
    Installation.objects.filter(pk=1).update(paused=True, paused_reason=reason[:200])
    record("paused", "installation", actor=by, now=clock.now())


@transaction.atomic
def resume(*, by: str) -> None:
    """Send again."""
    status()
    Installation.objects.filter(pk=1).update(paused=False, paused_reason="")
    record("resumed", "installation", actor=by, now=clock.now())
