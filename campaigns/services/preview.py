"""Show every message before anything is saved: the real planner and the real words, rolled back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal

from django.db import transaction

from campaigns.domain.lifecycle import State
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, Message
from campaigns.queries import clock
from campaigns.services.compose import SOURCE_LANGUAGE, Approvals, Composed, approvals, compose
from campaigns.services.enroll import Application, enroll


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedMessage:
    """One message as it would go: when (UTC), in which words, and what it costs. `reason` says why it would
    not; `english_text` stands beside a translation and is empty for English."""

    sequence: str
    step: str
    channel: str
    visit_number: int | None
    send_at: datetime
    state: str
    reason: str
    language: str
    subject: str
    text: str
    html: str
    english_text: str
    segments: int
    encoding: str
    price: Decimal


def subject_of(message: Message, *, channel: Channel | None = None) -> Subject:
    """What composing needs of a stored message, optionally as if it went by another channel."""
    visit, patient = message.visit, message.patient
    return Subject(
        template=message.template,
        channel=channel or message.channel,
        purpose=message.purpose,
        fixed_language="",
        language=patient.language,
        given_name=patient.given_name,
        visit_number=visit.number if visit else None,
        on_date=visit.on_date if visit else None,
        at_time=visit.at_time if visit else None,
        stated=message.stated,
    )


def preview_enrollment(clinic: Clinic, application: Application) -> list[PreviewedMessage]:
    """Every message that enrolling would plan, in order of time. Raises what `enroll` raises."""
    with transaction.atomic():
        enrolled = enroll(clinic, application, by="preview")
        messages = enrolled.patient.messages.select_related("visit", "patient").order_by("send_at", "id")
        approved, now = approvals(clinic), clock.now()
        previews = [_preview(message, clinic, approved, now) for message in messages]
        transaction.set_rollback(True)
    return previews


def _preview(message: Message, clinic: Clinic, approved: Approvals, now: datetime) -> PreviewedMessage:
    subject = subject_of(message)
    words = compose(subject, clinic, approved, now)
    if not isinstance(words, Composed):
        return _unsendable(message, words.reason)
    english = "" if words.rendered.language == SOURCE_LANGUAGE else _english(subject, clinic, approved, now)
    segments = words.segmented.segments if words.segmented else 0
    return PreviewedMessage(
        sequence=message.sequence,
        step=message.step,
        channel=message.channel,
        visit_number=subject.visit_number,
        send_at=message.send_at,
        state=message.state,
        reason=message.reason,
        language=words.rendered.language,
        subject=words.rendered.subject,
        text=words.rendered.text,
        html=words.rendered.html,
        english_text=english,
        segments=segments,
        encoding=words.segmented.encoding if words.segmented else "",
        price=Decimal(clinic.price_per_segment) * segments,
    )


def _english(subject: Subject, clinic: Clinic, approved: Approvals, now: datetime) -> str:
    words = compose(replace(subject, fixed_language=SOURCE_LANGUAGE), clinic, approved, now)
    return words.rendered.text if isinstance(words, Composed) else ""


def _unsendable(message: Message, reason: str) -> PreviewedMessage:
    return PreviewedMessage(
        sequence=message.sequence,
        step=message.step,
        channel=message.channel,
        visit_number=message.visit.number if message.visit else None,
        send_at=message.send_at,
        state=State.SKIPPED,
        reason=message.reason or reason,
        language="",
        subject="",
        text="",
        html="",
        english_text="",
        segments=0,
        encoding="",
        price=Decimal(0),
    )
