"""Headers that every answer carries, and plain words when the database is away."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import Error, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render

from campaigns.domain.proxies import client_of, is_trusted, networks

GetResponse = Callable[[HttpRequest], HttpResponseBase]

log = logging.getLogger(__name__)

POLICY = "default-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'; form-action 'self'"
"""No inline script and no inline style anywhere; a page that needs another policy sets its own."""


READ_ONLY = "25006"
"""PostgreSQL's code where a database takes no change: a standby, or one that was made so."""

LARGEST_FORM = 8 * 1024 * 1024
"""Bytes of a form of ours; the longest is a translator's file."""
OWN_LIMITS = ("/webhooks/", "/p/", "/api/")
"""Where providers and patients write to us: that is kept whatever its size, cut to what a person can read.
The API takes less, and refuses it in words of its own."""

_SAID_BY_PROXIES = (
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
)


class TrustedProxies:
    """Believes what proxies say of a client from those that TRUSTED_PROXIES names, and from nobody else.

    Behind them `REMOTE_ADDR` is the client's address. First of all, so that nothing reads a header before.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        proxies = networks(tuple(settings.TRUSTED_PROXIES))
        peer = meta.get("REMOTE_ADDR", "")
        if proxies and is_trusted(peer, proxies):
            meta["REMOTE_ADDR"] = client_of(peer, meta.get("HTTP_X_FORWARDED_FOR", ""), proxies)
        else:
            for name in _SAID_BY_PROXIES:
                meta.pop(name, None)
        return self.get_response(request)


class NothingEndless:
    """Refuses a form that is larger than any of ours before a byte of it is read or put on a disk."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not request.path.startswith(OWN_LIMITS) and length.isdecimal() and int(length) > LARGEST_FORM:
            return render(request, "web/error.html", {"kind": "bad_request"}, status=413)
        return self.get_response(request)


class SecurityHeaders:
    """Adds what Django's own middleware does not: content policy, no caching, no indexing."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response


class SayWhatIsDown:
    """Answers 503 in plain words when the database does not answer. Other errors stay what they are."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Who is signed in is read here, because an error in a later middleware's process_view would pass by
        # process_exception. Without a session cookie this asks the database nothing.
        try:
            _ = request.user.is_authenticated
        except Error as error:
            if not is_away(error):
                raise
            return down(request, error)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django calls this for an error in a view."""
        return down(request, error) if is_away(error) else None


def is_away(error: BaseException | None) -> bool:
    """Whether the database takes nothing just now: gone, full, or read only."""
    if isinstance(error, InternalError):
        return getattr(error.__cause__, "sqlstate", "") == READ_ONLY
    return isinstance(error, (OperationalError, InterfaceError))


def down(request: HttpRequest, error: BaseException) -> HttpResponse:
    """A 503 in the form that the caller reads: a page, JSON, or one line for a provider that tries again."""
    route = request.resolver_match.view_name if request.resolver_match else ""
    log.error("the database does not answer", extra={"route": route, "kind": type(error).__name__})
    response = _down(request)
    response.headers["Retry-After"] = "30"
    # Django would log the path, and a patient's path holds a token.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _down(request: HttpRequest) -> HttpResponse:
    words = "The database does not answer. Nothing was lost; please try again in a minute."
    if request.path.startswith("/webhooks/"):
        return HttpResponse(words, status=503, content_type="text/plain; charset=utf-8")
    if request.path in {"/healthz", "/readyz"}:
        return JsonResponse({"ready": False, "reasons": [words], "notes": []}, status=503)
    return render(request, "web/down.html", status=503)
