"""The limit of the inbound benchmark: a Django view that checks the signature and makes one insert."""

from __future__ import annotations

import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from twilio.request_validator import RequestValidator

from bench.ground import TOKEN
from campaigns.settings import database

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": database(os.environ["DATABASE_URL"])},
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    SECRET_KEY="bench-only",  # noqa: S106
    USE_TZ=True,
)
django.setup()


ANSWER = "<Response/>"
VALIDATOR = RequestValidator(TOKEN)
INSERT = """INSERT INTO bare_reply (provider_id, sender, body) VALUES (%s, %s, %s)
ON CONFLICT (provider_id) DO NOTHING"""


def inbound(request: HttpRequest) -> HttpResponse:
    """Signature, insert, done."""
    post = request.POST
    url = "https://clinic.example" + request.get_full_path()
    if not VALIDATOR.validate(url, post.dict(), request.headers.get("X-Twilio-Signature", "")):
        return HttpResponse(status=403)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [post["MessageSid"], post["From"], post["Body"]])
    return HttpResponse(ANSWER, content_type="text/xml", headers={"Content-Length": str(len(ANSWER))})


urlpatterns = [path("webhooks/twilio/inbound", inbound)]
application = WSGIHandler()
