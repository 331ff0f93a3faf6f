"""What somebody should know before a course is saved, the gravest first, with the messages it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import phonenumbers

from campaigns.domain.course_ahead import Timing
from campaigns.domain.lifecycle import UNSENT, Reason
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, ContactPoint
from campaigns.models.encryption import blind_index
from campaigns.services import go_live
from campaigns.services.consent import in_force
from campaigns.services.enroll import Application
from campaigns.services.preview import PreviewedMessage


class About(StrEnum):
    """The kinds of warning, in the order in which they stand."""

    NOTHING = "nothing"
    TRIAL = "trial"
    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    LANDLINE = "landline"
    SHARED = "shared"
    HELD = "held"
    ENGLISH = "english"
    LATE_LEFT_OUT = "late_left_out"
    LATE = "late"
    NOT_SENT = "not_sent"
    CLOSED = "closed"
    QUIET = "quiet"
    OTHER_DAY = "other_day"
    CAPPED = "capped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """One warning. `messages` are the places, in the preview, of what it is about; `patients` how many others
    share the address; `since` (UTC) an opt-out; `days` visits on which the clinic is closed."""

    about: About
    channel: str = ""
    reason: str = ""
    messages: tuple[int, ...] = ()
    patients: int = 0
    since: datetime | None = None
    days: tuple[date, ...] = ()


_TIMINGS = {
    Timing.AT_ONCE: About.LATE,
    Timing.LATE_WORDS: About.LATE,
    Timing.OTHER_HOUR: About.QUIET,
    Timing.OTHER_DAY: About.OTHER_DAY,
    Timing.CAPPED: About.CAPPED,
}
_REASONS = {
    Reason.OPTED_OUT: About.OPTED_OUT,
    Reason.NO_CONSENT: About.NO_CONSENT,
    Reason.LANDLINE: About.LANDLINE,
    Reason.TRANSLATION_NOT_APPROVED: About.HELD,
    Reason.EXPIRED: About.LATE_LEFT_OUT,
    Reason.SUPERSEDED: About.LATE_LEFT_OUT,
}
_OF_ADDRESSES = frozenset({About.OPTED_OUT, About.NO_CONSENT, About.LANDLINE})
_NO_TEXTS = frozenset(
    {
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.VOICEMAIL,
    }
)
"""Kinds of number that cannot take a text. In North America the numbering plan does not tell a landline from
a mobile phone; there only what the carrier told us before does."""

_ORDER = list(About)


def warn(
    clinic: Clinic, wanted: Application, preview: Sequence[PreviewedMessage], patient_id: UUID | None = None
) -> list[Warned]:
    """Everything there is to warn of, grouped. `patient_id` where the patient is here already: they do not
    share an address with themselves. Addresses are normal."""
    found = [*_of_messages(wanted, preview), *_of_days(clinic, wanted)]
    said = {(one.about, one.channel) for one in found}
    found += [one for one in _of_addresses(wanted, patient_id) if (one.about, one.channel) not in said]
    if not any(message.state in UNSENT for message in preview):
        found.append(Warned(about=About.NOTHING))
    only_to = go_live.only_to()
    if only_to is not None and not {wanted.phone, wanted.email} <= {*only_to, ""}:
        found.append(Warned(about=About.TRIAL))
    return sorted(found, key=lambda one: (_ORDER.index(one.about), one.channel, one.reason))


def _of_messages(wanted: Application, preview: Sequence[PreviewedMessage]) -> Iterator[Warned]:
    places: dict[tuple[About, str, str], list[int]] = {}
    for place, message in enumerate(preview):
        for about in _about(message, wanted.language):
            channel = message.channel if about in _OF_ADDRESSES else ""
            reason = message.reason if about is About.NOT_SENT else ""
            places.setdefault((about, channel, reason), []).append(place)
    for (about, channel, reason), of in places.items():
        since = _stopped(wanted, channel) if about is About.OPTED_OUT else None
        yield Warned(about=about, channel=channel, reason=reason, messages=tuple(of), since=since)


def _about(message: PreviewedMessage, language: str) -> Iterator[About]:
    if message.state not in UNSENT:
        yield _REASONS.get(Reason(message.reason), About.NOT_SENT)
        return
    if message.language != language:
        yield About.ENGLISH
    if message.timing in _TIMINGS:
        yield _TIMINGS[message.timing]


def _stopped(wanted: Application, channel: str) -> datetime | None:
    address = wanted.phone if channel == Channel.SMS else wanted.email
    stop = in_force(blind_index(address), Channel(channel))
    return stop.created_at if stop else None


def _of_addresses(wanted: Application, patient_id: UUID | None) -> Iterator[Warned]:
    for channel, address in ((Channel.SMS, wanted.phone), (Channel.EMAIL, wanted.email)):
        points = ContactPoint.objects.filter(address_index=blind_index(address), channel=channel)
        known = list(points.values_list("patient_id", "state")) if address else []
        others = {owner for owner, _ in known} - {patient_id}
        if others:
            yield Warned(about=About.SHARED, channel=channel, patients=len(others))
        if channel is Channel.SMS and address and _takes_no_texts(address, [state for _, state in known]):
            yield Warned(about=About.LANDLINE, channel=channel)


def _takes_no_texts(phone: str, states: Iterable[str]) -> bool:
    """Whether a carrier told us so of this number, or the numbering plan of its country does."""
    if ContactPoint.State.LANDLINE in states:
        return True
    return phonenumbers.number_type(phonenumbers.parse(phone)) in _NO_TEXTS


def _of_days(clinic: Clinic, wanted: Application) -> Iterator[Warned]:
    closed = sorted({visit.on_date for visit in wanted.visits if is_closed(clinic, visit.on_date)})
    if closed:
        yield Warned(about=About.CLOSED, days=tuple(closed))


def is_closed(clinic: Clinic, day: date) -> bool:
    """Whether nobody is usually at the clinic on a day, or it is a holiday."""
    return not clinic.staffed_hours.get(str(day.weekday())) or day.isoformat() in clinic.holidays
