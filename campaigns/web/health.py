"""Is the process alive, and is the installation fit to send? Plain reasons, no patient data."""

from __future__ import annotations

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from campaigns.queries import clock
from campaigns.services import circuits, duties, memory
from campaigns.services.examine import settling_stands_still
from campaigns.web.access import installation


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"alive": True})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when messages can go out, else 503; `notes` do not stop sending."""
    reasons = _reasons()
    answer = {"ready": not reasons, "reasons": reasons, "notes": _notes()}
    return JsonResponse(answer, status=503 if reasons else 200)


def _reasons() -> list[str]:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return ["The database needs `campaigns migrate`."]
    memory.remember()
    row, reasons = installation(), []
    if row.lost_since:
        reasons.append("Sending has stopped by itself: run `campaigns reconcile-restore`.")
    elif row.paused:
        reasons.append("Sending is paused.")
    if not duties.has_begun():
        reasons.append("No worker has reported yet: start `campaigns worker` and `campaigns beat`.")
    reasons += [f"Nobody is {duties.NAMES[duty]} any more." for duty in duties.silent()]
    if settling_stands_still():
        reasons.append("Tries that a worker left are not being settled: start `campaigns worker`.")
    return reasons + _outside()


def _outside() -> list[str]:
    """What is wrong around us: zone data, clocks, providers."""
    reasons = []
    if fault := clock.zone_fault():
        reasons.append(f"{fault}: install the locked requirements again.")
    if fault := clock.clock_fault():
        reasons.append(f"{fault}: set both by NTP.")
    shut = set(circuits.shut_for_long(clock.now()).values_list("channel", flat=True))
    return reasons + [f"The provider takes no {TAKEN[channel]} any more." for channel in sorted(shut)]


TAKEN = {"sms": "texts", "email": "e-mails"}


def _notes() -> list[str]:
    if not settings.REDIS_URL:
        return ["REDIS_URL is not set: only `send-due --watch` sends."]
    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1).ping()
    except (redis.RedisError, OSError):
        return ["Redis does not answer: sending waits for it, nothing is lost."]
    return []
