"""Headers that every answer carries, and plain words when the database is away."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render

GetResponse = Callable[[HttpRequest], HttpResponseBase]

log = logging.getLogger(__name__)

POLICY = "default-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'; form-action 'self'"
"""No inline script and no inline style anywhere; a page that needs another policy sets its own."""


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
        except (OperationalError, InterfaceError) as error:
            return down(request, error)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django calls this for an error in a view."""
        if isinstance(error, (OperationalError, InterfaceError)):
            return down(request, error)
        return None


def down(request: HttpRequest, error: Exception) -> HttpResponse:
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
