"""What Twilio tells us: a text came in, a text went on its way. Believed only with Twilio's signature."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from campaigns.delivery.events import from_twilio
from campaigns.delivery.sms_twilio import validate
from campaigns.services.take_in import Inbound, receive_sms
from campaigns.services.track import track
from campaigns.webhooks.body import read_body

log = logging.getLogger(__name__)

P = ParamSpec("P")
Hook = Callable[Concatenate[HttpRequest, P], HttpResponse]

EMPTY_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML that sends nothing: replies of ours go out as messages of their own, with all their gates."""

LONGEST_FORM = 32 * 1024 * 1024
"""Bytes of a form that are read: ten million letters, each of them written as three."""

_SID = re.compile(r"[A-Za-z0-9]{1,64}")


def plain(words: str, status: int) -> HttpResponse:
    """One line that an operator reads in Twilio's debugger."""
    return HttpResponse(words + "\n", status=status, content_type="text/plain; charset=utf-8")


def refusal(request: HttpRequest) -> str:
    """Why this request is not from our Twilio account, or nothing. Says no value of the request."""
    if not settings.TWILIO_AUTH_TOKEN:
        return "TWILIO_AUTH_TOKEN is not set, so no signature can be checked."
    # The address that Twilio called, not the one this process sees behind a proxy.
    url = settings.PUBLIC_BASE_URL + request.get_full_path()
    signature = request.headers.get("X-Twilio-Signature", "")
    tokens = [settings.TWILIO_AUTH_TOKEN]
    shared = request.headers.get("X-Twilio-Webhooks-Signature-Settings", "")
    if not signature:
        return "The signature is missing."
    if not validate(url, request.POST, signature, tokens, shared):
        return "The signature is wrong. PUBLIC_BASE_URL must be the address that Twilio calls."
    if not hmac.compare_digest(
        request.POST.get("AccountSid", "").encode(), settings.TWILIO_ACCOUNT_SID.encode()
    ):
        return "The account is not ours."
    return ""


def read_form(request: HttpRequest) -> None:
    """Read a form of any size and charset: a text that Django would refuse is still a patient's text.

    The signature is made of the letters, so the charset is the one in which it holds.
    """
    signed = bool(request.headers.get("X-Twilio-Signature"))
    if not signed or request.content_type != "application/x-www-form-urlencoded":
        return
    body = read_body(request, LONGEST_FORM).kept
    for charset in dict.fromkeys((request.encoding or "utf-8", "utf-8", "cp1252")):
        try:
            request.POST = QueryDict(body, encoding=charset)
        except LookupError:  # no such charset
            continue
        if not refusal(request):
            return


def from_twilio_only(hook: Hook[P]) -> Hook[P]:
    """No sign-in and no CSRF token here: the signature is the authority."""

    @wraps(hook)
    def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        read_form(request)
        why = refusal(request)
        if why:
            log.warning("twilio webhook refused", extra={"why": why})
            return plain(why, 403)
        return hook(request, *args, **kwargs)

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
