"""What a patient opens from a link: the page behind a text, and the way out of a channel."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from django.db import transaction

from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, ContactPoint, Message, PatientLink
from campaigns.queries import clock
from campaigns.services.compose import (
    Approvals,
    Composed,
    approvals,
    compose,
    page_url,
    token_hash,
    unsubscribe_url,
)
from campaigns.services.consent import opt_out
from campaigns.services.subjects import Subject, subject_of


@dataclass(frozen=True, slots=True)
class LinkedPage:
    """What the page shows. `html` is the information sheet, empty on the unsubscribe page.

    `language` is what the patient reads; `words` knows which pages are approved in it.
    """

    clinic: Clinic
    language: str
    channel: Channel
    words: Approvals
    html: str = ""


def look_up(token: str, purpose: str) -> LinkedPage | None:
    """The page behind a link, or None for an unknown, expired or other-purpose token. Changes nothing."""
    link = find_link(token, purpose)
    if link is None:
        return None
    message = link.message
    language = message.language or link.patient.language
    words = approvals(message.clinic)
    sheet = _sheet(message, words) if purpose == PatientLink.Purpose.INFORMATION else ""
    return LinkedPage(message.clinic, language, Channel(message.channel), words, sheet)


def purpose_of(token: str) -> str:
    """What a link is or was for; nothing for an unknown one. Whether it is too old, its page asks."""
    links = PatientLink.objects.filter(token_hash=token_hash(token))
    return links.values_list("purpose", flat=True).first() or ""


def find_link(token: str, purpose: str) -> PatientLink | None:
    """The link of a token, good for this purpose now; None for any other."""
    links = PatientLink.objects.select_related("patient__clinic", "message__clinic", "message__visit")
    return links.filter(token_hash=token_hash(token), purpose=purpose, expires_at__gt=clock.now()).first()


def _sheet(message: Message, approved: Approvals) -> str:
    """The e-mail of the same step, as approved: a patient with a phone only reads the same words."""
    return sheet_of(subject_of(message, channel=Channel.EMAIL), message.clinic, approved)


def sheet_of(subject: Subject, clinic: Clinic, approved: Approvals) -> str:
    """An e-mail as a page (HTML), empty where it cannot be shown.

    Without the name, since whoever was forwarded the link may read it, and without the links of the footer.
    """
    words = compose(replace(subject, given_name=""), clinic, approved, clock.now())
    if not isinstance(words, Composed):
        return ""
    pages = (PatientLink.Purpose.PREFERENCES, PatientLink.Purpose.CHECK_IN)
    own = (unsubscribe_url(words.tokens), *(page_url(words.tokens, page) for page in pages))
    addresses = "|".join(map(re.escape, filter(None, own)))
    link = rf'<a\b[^>]*href="(?:{addresses})"[^>]*>.*?</a>(?:<br>)?'
    return re.sub(link, "", words.rendered.html, flags=re.DOTALL)


@transaction.atomic
def unsubscribe(token: str) -> bool:
    """Stop the channel of the message that held the link; True while the link is good."""
    link = find_link(token, PatientLink.Purpose.UNSUBSCRIBE)
    if link is None:
        return False
    channel = Channel(link.message.channel)
    for point in ContactPoint.objects.filter(patient_id=link.patient_id, channel=channel):
        opt_out(point.address_index, channel, source="link", now=clock.now())
    return True
