"""Stop and start all sending at once. The state is in the database, so every worker sees it."""

from __future__ import annotations

from django.db import transaction

from campaigns.domain.errors import NotAllowed
from campaigns.models import Installation
from campaigns.queries import clock
from campaigns.services.record import record

LONGEST_REASON = 200
UNKNOWN = "Run `campaigns reconcile-restore` first: part of what is due may have gone already."


def status() -> Installation:
    """The installation's row; made on first use."""
    return Installation.objects.get_or_create(pk=1)[0]


@transaction.atomic
def pause(reason: str, *, by: str) -> None:
    """Nothing more is sent until `resume`. What expires meanwhile is marked so when sending goes on."""
    status()
    Installation.objects.filter(pk=1).update(paused=True, paused_reason=reason[:LONGEST_REASON])
    record("paused", "installation", actor=by, now=clock.now())


@transaction.atomic
def resume(*, by: str) -> None:
    """Send again. Raises NotAllowed where the database was put back to an earlier state, and nobody has
    looked up yet what was sent in the time that it forgot."""
    if status().lost_since is not None:
        raise NotAllowed(UNKNOWN)
    _go_on("resumed", by)


@transaction.atomic
def resume_anyway(*, by: str) -> None:
    """Send again, whatever may have gone in the time that the database forgot: somebody knows that nothing
    was restored."""
    status()
    Installation.objects.filter(pk=1).update(lost_since=None, lost_until=None)
    _go_on("resumed_unreconciled", by)


def _go_on(action: str, by: str) -> None:
    Installation.objects.filter(pk=1).update(paused=False, paused_reason="")
    record(action, "installation", actor=by, now=clock.now())
