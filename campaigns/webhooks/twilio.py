"""What Twilio tells us: a text came in, a text went on its way. Believed only with Twilio's signature."""

from __future__ import annotations

import hmac
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from campaigns.delivery.events import from_twilio
from campaigns.delivery.sms_twilio import auth_tokens, validate
from campaigns.services.take_in import Inbound, receive_sms
from campaigns.services.track import track
from campaigns.webhooks.body import form_fields, read_body
from campaigns.webhooks.door import is_slowed, plain, refuse

log = logging.getLogger(__name__)

P = ParamSpec("P")
Hook = Callable[Concatenate[HttpRequest, P], HttpResponse]

EMPTY_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML that sends nothing: replies of ours go out as messages of their own, with all their gates."""

FORM = "application/x-www-form-urlencoded"

LONGEST_FORM = 32 * 1024 * 1024
"""Bytes of a form that are read: ten million letters, each of them written as three."""
LONG_FORM = 256 * 1024
"""Bytes beyond which a form is no text of a phone: one at a time, and none from who was refused too often."""
_WAIT_SECONDS = 5.0

_SID = re.compile(r"[A-Za-z0-9]{1,64}")

_long_form = threading.BoundedSemaphore(1)


def refusal(request: HttpRequest) -> str:
    """Why this request is not from our Twilio account, or nothing. Says no value of the request."""
    tokens = auth_tokens(settings.TWILIO_AUTH_TOKEN)
    if not tokens:
        return "TWILIO_AUTH_TOKEN is not set, so no signature can be checked."
    # The address that Twilio called, not the one this process sees behind a proxy.
    url = settings.PUBLIC_BASE_URL + request.get_full_path()
    signature = request.headers.get("X-Twilio-Signature", "")
    shared = request.headers.get("X-Twilio-Webhooks-Signature-Settings", "")
    if not signature:
        return "The signature is missing."
    if request.content_type != FORM:
        return f"The body must be a form: Content-Type {FORM}."
    if not validate(url, request.POST, signature, tokens, shared):
        return "The signature is wrong. PUBLIC_BASE_URL must be the address that Twilio calls."
    if not hmac.compare_digest(
        request.POST.get("AccountSid", "").encode("utf-8", "replace"), settings.TWILIO_ACCOUNT_SID.encode()
    ):
        return "The account is not ours."
    return ""


def read_form(request: HttpRequest) -> str:
    """Read a form of any size and charset: a text that Django would refuse is still a patient's text.

    The signature is made of the letters, so the charset is the one in which it holds. Gives back why the
    request is refused, or nothing.
    """
    signed = bool(request.headers.get("X-Twilio-Signature"))
    if not signed or request.content_type != FORM:
        return refusal(request)
    body = read_body(request, LONG_FORM if is_slowed(request) else LONGEST_FORM).kept
    why = ""
    for charset in dict.fromkeys((request.encoding or "utf-8", "utf-8", "cp1252")):
        try:
            request.POST = form_fields(body, charset)  # type: ignore[assignment]
        except LookupError:  # no such charset
            continue
        except TooManyFieldsSent:
            return "There are more fields than Twilio sends."
        why = refusal(request)
        if not why:
            return ""
    return why


@contextmanager
def one_at_a_time(request: HttpRequest) -> Iterator[bool]:
    """Long forms come one after the other, so that memory for one is enough; False where it took too long."""
    length = request.META.get("CONTENT_LENGTH", "")
    if (length.isdecimal() and int(length) <= LONG_FORM) or not length:
        yield True
        return
    mine = _long_form.acquire(timeout=_WAIT_SECONDS)
    try:
        yield mine
    finally:
        if mine:
            _long_form.release()


def from_twilio_only(hook: Hook[P]) -> Hook[P]:
    """No sign-in and no CSRF token here: the signature is the authority."""

    @wraps(hook)
    def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        with one_at_a_time(request) as mine:
            if not mine:
                return plain("Another long form is being read; try again.", 503)
            why = read_form(request)
            return refuse(request, "twilio", why) if why else hook(request, *args, **kwargs)

    return login_not_required(csrf_exempt(require_POST(checked)))


@from_twilio_only
def inbound(request: HttpRequest) -> HttpResponse:
    """A text from a patient. Stored before we say yes; a failure is a 5xx: Twilio then tries its fallback."""
    post = request.POST
    provider_id = post.get("MessageSid") or post.get("SmsSid") or ""
    if not _SID.fullmatch(provider_id) or not post.get("From"):
        return plain("MessageSid or From is missing.", 400)
    receive_sms(
        Inbound(
            provider_id=provider_id,
            sender=post["From"],
            recipient=post.get("To", ""),
            body=post.get("Body", ""),
            opt_out_type=post.get("OptOutType", ""),
            files=_count(post.get("NumMedia", "")),
        )
    )
    return HttpResponse(EMPTY_ANSWER, content_type="text/xml; charset=utf-8")


@from_twilio_only
def status(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """News about one of our tries."""
    news = from_twilio(request.POST)
    if not (news.provider_id and news.word):
        return plain("MessageSid or MessageStatus is missing.", 400)
    if not track(attempt_id, news):
        log.warning("news about an attempt that is not ours", extra={"attempt": str(attempt_id)})
        return plain("This attempt is not ours.", 404)
    return HttpResponse(status=204)


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
