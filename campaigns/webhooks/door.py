"""How a webhook says no: nothing is read any further, one line without a value, and slower each time.

Whoever is let in never passes here, so that no forger can keep a provider out by using up its share: the
signature is asked for first, and only what fails it is counted. Each process counts for itself.
"""

from __future__ import annotations

import logging
import threading
import time

from django.http import HttpRequest, HttpResponse

from campaigns.domain.refusals import SECONDS_EACH, Refusals

log = logging.getLogger(__name__)

_refusals = Refusals()
_turn = threading.Lock()


def plain(words: str, status: int) -> HttpResponse:
    """One line for whoever set this up; an operator reads Twilio's in its debugger."""
    return HttpResponse(words + "\n", status=status, content_type="text/plain; charset=utf-8")


def refuse(request: HttpRequest, hook: str, why: str) -> HttpResponse:
    """403 with the reason, or 429 without a line in the log for an address that keeps trying."""
    with _turn:
        verdict = _refusals.note(_address(request), time.monotonic())
    if verdict.say:
        log.warning("%s webhook refused", hook, extra={"why": why, "unsaid": verdict.unsaid})
    if not verdict.slow_down:
        return plain(why, 403)
    answer = plain("Too many requests that were refused.", 429)
    answer.headers["Retry-After"] = f"{SECONDS_EACH * 10:.0f}"
    return answer


def is_slowed(request: HttpRequest) -> bool:
    """Whether this address was refused so often that nothing long is read from it."""
    with _turn:
        return _refusals.is_slowed(_address(request), time.monotonic())


def forget() -> None:
    """Begin anew, as a process does that was just started."""
    global _refusals
    with _turn:
        _refusals = Refusals()


def _address(request: HttpRequest) -> str:
    """The client's, as `web.middleware.TrustedProxies` left it."""
    return str(request.META.get("REMOTE_ADDR", ""))
