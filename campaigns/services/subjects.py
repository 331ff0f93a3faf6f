"""What composing needs to know of a message that is stored, or of one that is only thought of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time

from campaigns.domain.lifecycle import Purpose
from campaigns.domain.recipients import Channel
from campaigns.models import Message, Patient, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A message as `compose` wants it."""

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


def subject_of(message: Message, *, channel: Channel | None = None) -> Subject:
    """What composing needs of a stored message, optionally as if it went by another channel."""
    stated = subject_for(message.patient, message.template, channel or message.channel, message.visit)
    return replace(stated, purpose=message.purpose, stated=message.stated)


def subject_for(patient: Patient, template: str, channel: str, visit: Visit | None) -> Subject:
    """What composing needs of a step of a sequence, whether it is stored or not."""
    return Subject(
        template=template,
        channel=channel,
        purpose=Purpose.STEP,
        fixed_language="",
        language=patient.language,
        given_name=patient.given_name,
        visit_number=visit.number if visit else None,
        on_date=visit.on_date if visit else None,
        at_time=visit.at_time if visit else None,
        stated=None,
    )
