"""The one door of the API. Keys open it and nothing else: no session, no cookie, no form token."""

from __future__ import annotations

import logging
from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern
from django.views.decorators.csrf import csrf_exempt

from campaigns.api.problems import problem
from campaigns.tasks import AWAY

log = logging.getLogger(__name__)

LARGEST = 256 * 1024
"""Bytes of a body; the largest sensible one, a course with sixty visits, has six thousand."""


@cache
def _routes() -> URLResolver:
    from campaigns.api.app import patterns  # only here: see `described`

    return URLResolver(RegexPattern(r"^"), patterns())


def described() -> str:
    """The description of the API. What it stands on is loaded by the first request: half a second and 14 MiB,
    which a clinic without other programs need not pay."""
    from campaigns.api.app import description

    return description()


@csrf_exempt
@login_not_required
def enter(request: HttpRequest, rest: str) -> HttpResponseBase:
    """Lead to the view; whatever happens there is answered as a problem document."""
    if rest == "openapi.json" and request.method in {"GET", "HEAD"}:
        return HttpResponse(described(), content_type="application/json")
    if too_large(request):
        return problem(413, f"A request has {LARGEST // 1024} KiB at most.")
    try:
        return _led(request, rest)
    except (RequestDataTooBig, UnreadablePostError):
        return problem(400, "The body could not be read to its end.")
    except AWAY as error:
        log.error("the database does not answer", extra={"route": "api", "kind": type(error).__name__})
        response = problem(503, "The database does not answer. Try again in a minute.")
        response.headers["Retry-After"] = "30"
        return response
    except Exception as error:
        # Django would log the path and the values; the kind of the error is what a person needs here.
        log.exception("a request of the API failed", extra={"kind": type(error).__name__})
        return problem(500)


def too_large(request: HttpRequest) -> bool:
    """Judged by what it says of itself: without a length there is no body for Django."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return not length.isdecimal() or int(length) > LARGEST


def _led(request: HttpRequest, rest: str) -> HttpResponseBase:
    try:
        match = _routes().resolve(rest)
    except Resolver404:
        return problem(404)
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    if response.status_code == 405:
        return problem(405, headers={"Allow": response.headers.get("Allow", "")})
    return response
