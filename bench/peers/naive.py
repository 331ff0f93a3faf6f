"""What a Celery user writes first: a task finds the due rows, one task a message reads, renders, sends and
saves it.

Written fairly: the product's own renderer, so the words are the same; `acks_late`, no results, one connection
a process kept by Twilio's own client or by Django's e-mail. No gates, no attempt rows, no batches.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone
from twilio.rest import Client

from campaigns.delivery.calendar import VisitEntry, visit_file
from campaigns.delivery.rendering import Rendered, render
from campaigns.delivery.wording import placeholders
from campaigns.domain.lifecycle import State
from campaigns.domain.recipients import Channel
from campaigns.models import ContactPoint, Message
from campaigns.queries import clock
from campaigns.services.compose import facts_of, unsubscribe_url
from campaigns.services.send import mail_domain, message_id_header

logging.getLogger("twilio.http_client").setLevel(logging.WARNING)


@shared_task(name="find_due")  # type: ignore[untyped-decorator]
def find_due() -> None:
    """What the beat would call."""
    due = Message.objects.filter(state=State.PLANNED, due_at__lte=clock.now()).order_by("due_at")
    for pk in due.values_list("pk", flat=True):
        send_one.delay(pk)


@shared_task(name="send_one", acks_late=True)  # type: ignore[untyped-decorator]
def send_one(pk: int) -> None:
    """Read one message, send it, save it."""
    message = Message.objects.select_related("clinic", "patient", "visit").get(pk=pk)
    to = ContactPoint.objects.get(patient=message.patient, channel=message.channel).address
    words, tokens = words_of(message)
    if message.channel == Channel.SMS:
        client().messages.create(**text_of(message, to, words))
    else:
        mail_of(message, to, words, tokens, connection=mail_connection()).send()
    _save(message, words)


def _save(message: Message, words: Rendered) -> None:
    message.state = State.ACCEPTED
    message.tries += 1
    message.language = words.language
    message.wording_digest = words.wording_digest
    message.subject, message.body, message.html = words.subject, words.text, words.html
    message.sent_at = message.settled_at = timezone.now()
    message.save()


@dataclass(frozen=True, slots=True)
class _Subject:
    template: str
    channel: str
    purpose: str
    fixed_language: str
    language: str
    given_name: str
    visit_number: int | None
    on_date: date | None
    at_time: time | None
    stated: dict[str, str] | None
    words: str = ""


def words_of(message: Message) -> tuple[Rendered, dict[str, str]]:
    """The same words as the product's, and the tokens of their links."""
    visit, patient, channel = message.visit, message.patient, Channel(message.channel)
    subject = _Subject(
        template=message.template,
        channel=message.channel,
        purpose=message.purpose,
        fixed_language=message.language,
        language=patient.language,
        given_name=patient.given_name,
        visit_number=visit.number if visit else None,
        on_date=visit.on_date if visit else None,
        at_time=visit.at_time if visit else None,
        stated=message.stated,
    )
    tokens = _tokens(message.template, channel)
    facts = facts_of(subject, message.clinic, tokens, timezone.now())
    return render(message.template, channel, patient.language, facts), tokens


def _tokens(template: str, channel: Channel) -> dict[str, str]:
    wanted = ["information"] if "link" in placeholders(template, channel) else []
    wanted += ["unsubscribe"] if channel is Channel.EMAIL else []
    return {purpose: secrets.token_urlsafe(16) for purpose in wanted}


@cache
def client() -> Client:
    """Twilio's own client on its own transport, which keeps its connections."""
    made = Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN)
    made.api.base_url = settings.TWILIO_API_BASE_URL
    return made


def text_of(message: Message, to: str, words: Rendered) -> dict[str, Any]:
    """The request for a text."""
    return {
        "to": to,
        "from_": settings.TWILIO_FROM,
        "body": words.text,
        "validity_period": 36_000,
        "smart_encoded": False,
        "status_callback": status_address(message.pk),
    }


def status_address(pk: int) -> str:
    """Where Twilio would say what became of a text."""
    return f"{settings.PUBLIC_BASE_URL}/webhooks/twilio/status/{pk}"


@cache
def mail_connection() -> BaseEmailBackend:
    """One connection, opened once: Django closes only what it has opened itself."""
    address = settings.EMAIL_URL.partition("//")[2].partition("?")[0]
    host, _, port = address.partition(":")
    connection: BaseEmailBackend = get_connection(
        "django.core.mail.backends.smtp.EmailBackend", host=host, port=int(port)
    )
    connection.open()
    return connection


def mail_of(
    message: Message,
    to: str,
    words: Rendered,
    tokens: dict[str, str],
    connection: BaseEmailBackend | None = None,
) -> EmailMultiAlternatives:
    """The e-mail, with the same parts and headers as the product's."""
    headers = {
        "Message-ID": message_id_header(message.clinic, message.pk),
        "Content-Language": words.language,
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{unsubscribe_url(tokens)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    sender = f"{message.clinic.name} <{settings.EMAIL_FROM}>"
    mail = EmailMultiAlternatives(
        words.subject, words.text, sender, [to], headers=headers, connection=connection
    )
    mail.attach_alternative(words.html, "text/html")
    calendar = _calendar(message)
    if calendar:
        mail.attach("visit.ics", calendar.decode(), "text/calendar")
    return mail


def _calendar(message: Message) -> bytes | None:
    visit = message.visit
    if visit is None or not {"date", "time"} & set(placeholders(message.template, Channel.EMAIL)):
        return None
    entry = VisitEntry(
        uid=f"{visit.pk}@{mail_domain()}",
        sequence=2 * visit.version,
        starts_at=datetime.combine(visit.on_date, visit.at_time, ZoneInfo(message.clinic.time_zone)),
        lasts=timedelta(minutes=visit.minutes),
        summary=message.clinic.display_name,
        location=message.clinic.address,
        now=timezone.now(),
    )
    return visit_file(entry)
