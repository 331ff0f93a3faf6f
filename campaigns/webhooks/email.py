"""Mail that a mail server or provider hands over by HTTP: the raw MIME, with a shared secret."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from campaigns.services.receive_mail import LARGEST_TAKEN, Delivered, receive_mail
from campaigns.webhooks.body import read_body
from campaigns.webhooks.door import plain, refuse

FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}


def refusal(request: HttpRequest) -> str:
    """Why this request is not from our mail server, or nothing. Says no value of the request."""
    if not settings.MAIL_WEBHOOK_SECRET:
        return "MAIL_WEBHOOK_SECRET is not set, so nobody can be let in."
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(secret.strip().encode(), settings.MAIL_WEBHOOK_SECRET.encode())
    return "" if kind.lower() == "bearer" and same else "The secret is missing or wrong."


@login_not_required
@csrf_exempt
@require_POST
def inbound(request: HttpRequest) -> HttpResponse:
    """One mail. Stored before we say yes; a failure is a 5xx, and whoever sent it tries again."""
    why = refusal(request)
    if why:
        return refuse(request, "mail", why)
    if request.content_type in FORMS:
        return plain("The body must be the mail itself: Content-Type message/rfc822.", 415)
    body = read_body(request, LARGEST_TAKEN)
    if not body.kept.strip():
        return plain("There is no mail in the body.", 400)
    receive_mail(Delivered(raw=body.kept, way="webhook", size=body.size))
    return plain("stored", 200)
