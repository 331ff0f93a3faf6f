"""What a patient opens from a link: the page behind a text, and the way out of a channel."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from django.db import transaction

from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, ContactPoint, Message, PatientLink
from campaigns.queries import clock
from campaigns.services.compose import Composed, approvals, compose, token_hash, unsubscribe_url
from campaigns.services.consent import opt_out
from campaigns.services.preview import subject_of


@dataclass(frozen=True, slots=True)
class LinkedPage:
    """What the page shows. `html` is the information sheet, empty on the unsubscribe page."""

    clinic: Clinic
    language: str
    channel: Channel
    html: str = ""


def look_up(token: str, purpose: str) -> LinkedPage | None:
    """The page behind a link, or None for an unknown, expired or other-purpose token. Changes nothing."""
    link = _find(token, purpose)
    if link is None:
        return None
    message = link.message
    page = LinkedPage(message.clinic, message.language or link.patient.language, Channel(message.channel))
    if purpose != PatientLink.Purpose.INFORMATION:
        return page
    return LinkedPage(page.clinic, page.language, page.channel, _sheet(message))


def _find(token: str, purpose: str) -> PatientLink | None:
    links = PatientLink.objects.select_related("patient", "message__clinic", "message__visit")
    return links.filter(token_hash=token_hash(token), purpose=purpose, expires_at__gt=clock.now()).first()


def _sheet(message: Message) -> str:
    """The e-mail of the same step, as approved: a patient with a phone only reads the same words.

    Without the name, since whoever was forwarded the link may read it, and without the way out of e-mail.
    """
    subject = replace(subject_of(message, channel=Channel.EMAIL), given_name="")
    words = compose(subject, message.clinic, approvals(message.clinic), clock.now())
    if not isinstance(words, Composed):
        return ""
    way_out = re.escape(unsubscribe_url(words.tokens))
    return re.sub(rf'<a\b[^>]*href="{way_out}"[^>]*>.*?</a>', "", words.rendered.html, flags=re.DOTALL)


@transaction.atomic
def unsubscribe(token: str) -> bool:
    """Stop the channel of the message that held the link; True while the link is good."""
    link = _find(token, PatientLink.Purpose.UNSUBSCRIBE)
    if link is None:
        return False
    channel = Channel(link.message.channel)
    for point in ContactPoint.objects.filter(patient_id=link.patient_id, channel=channel):
        opt_out(point.address_index, channel, source="link", now=clock.now())
    return True
