"""Pages for what went wrong. None of them asks the database or shows a traceback."""

from __future__ import annotations

import logging
import sys

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from campaigns.web.middleware import down, is_away

log = logging.getLogger(__name__)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, also for what belongs to somebody else."""
    return render(request, "web/error.html", {"kind": "not_found"}, status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return render(request, "web/error.html", {"kind": "bad_request"}, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return render(request, "web/error.html", {"kind": "forbidden"}, status=403)


@login_not_required
def no_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that did not come from our page, or was open too long."""
    route = request.resolver_match.view_name if request.resolver_match else ""
    log.warning("a form was refused", extra={"route": route, "why": reason})
    return render(request, "web/error.html", {"kind": "csrf"}, status=403)


def failed(request: HttpRequest) -> HttpResponse:
    """500, or 503 where the database went away outside a view."""
    error = sys.exc_info()[1]
    if error is not None and is_away(error):
        return down(request, error)
    return render(request, "web/error.html", {"kind": "failed"}, status=500)
