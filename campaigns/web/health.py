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
from campaigns.services.examine import STALE_TICK, ladder_stands_still, settling_stands_still
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
    row, reasons = installation(), []
    if row.paused:
        reasons.append("Sending is paused.")
    if row.last_tick_at is None:
        reasons.append("No worker has reported yet: start `campaigns worker` and `campaigns beat`.")
    elif clock.now() - row.last_tick_at > STALE_TICK:
        reasons.append(f"No worker has reported since {row.last_tick_at.isoformat(timespec='seconds')}.")
    if fault := clock.zone_fault():
        reasons.append(f"{fault}: install the locked requirements again.")
    if settling_stands_still():
        reasons.append("Tries that a worker left are not being settled: start `campaigns worker`.")
    if ladder_stands_still(clock.now()):
        reasons.append("Alerts wait and nobody is told: start `campaigns worker` and `campaigns beat`.")
    return reasons


def _notes() -> list[str]:
    if not settings.REDIS_URL:
        return ["REDIS_URL is not set: only `send-due --watch` sends."]
    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1).ping()
    except (redis.RedisError, OSError):
        return ["Redis does not answer: sending waits for it, nothing is lost."]
    return []
