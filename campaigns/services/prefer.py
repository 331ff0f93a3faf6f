"""What a patient prefers: the language of the messages, and what may come by which channel.

Chosen by text, from a link or at the desk. Each choice is one line of the consent ledger, and counts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.delivery.wording import templates
from campaigns.domain.languages import Language, among, resolve
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, ContactPoint, Patient, PatientLink
from campaigns.queries import clock
from campaigns.services import consent, pausing, stale
from campaigns.services.compose import Approvals, approvals
from campaigns.services.plan import Changes
from campaigns.services.record import record
from campaigns.services.unsubscribe import find_link

PAGE = "patient/preferences"
ON, OFF, BACK = "on", "off", "back"
PRESSED = "pressed the button on the preferences page"
"""The evidence of whatever a patient chooses there."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One topic on one channel. `name` is what pressing it asks for: `sms.reminders.off`."""

    channel: Channel
    topic: str
    is_on: bool

    @property
    def name(self) -> str:
        """What the button sends: it says which state it asks for, so that a second press changes nothing."""
        return f"{self.channel}.{self.topic}.{OFF if self.is_on else ON}"


@dataclass(frozen=True, slots=True)
class Way:
    """One channel that the patient has an address for. `stopped`: the address has opted out, and no switch
    counts until it is brought back."""

    channel: Channel
    stopped: bool
    switches: tuple[Switch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What the page behind the link shows. `partly` says that some texts would still come in English."""

    clinic: Clinic
    language: Language
    choices: tuple[Language, ...]
    words: Approvals
    ways: tuple[Way, ...] = ()
    partly: bool = False


def offered(clinic: Clinic) -> tuple[Language, ...]:
    """The languages this clinic writes, in the order in which people choose."""
    return among(clinic.languages)


def change_language(patient: Patient, tag: str, *, by: str, source: str, now: datetime) -> Language:
    """Write to the patient in that language from now on. Raises UnknownLanguage.

    What is planned stays planned: a text gets its words when it leaves. Call inside a transaction.
    """
    language = resolve(tag)
    before = patient.language
    if language.tag != before:
        patient.language = language.tag
        patient.save(update_fields=["language"])
        detail = {"from": before, "to": language.tag, "source": source}
        record("language_changed", f"patient {patient.pk}", actor=by, now=now, detail=detail)
    return language


@transaction.atomic
def at_desk(patient_id: UUID, tag: str, zone: str, *, by: str, shown: str | None = None) -> Changes:
    """Write in that language and by the clock of that zone (empty: the clinic's) from now on, and plan what
    the zone changes. Raises UnknownLanguage, InvalidEnrollment for a zone that does not exist, and NotAllowed
    for who was forgotten, or where `shown` (stale.preferences_mark) is not what is written down by now."""
    now = clock.now()
    rows = Patient.objects.select_for_update(of=("self",), no_key=True).select_related("clinic")
    patient = rows.get(pk=patient_id)
    if (patient.language, patient.time_zone) == (tag, zone):
        return Changes()
    stale.check_preferences(patient, shown)
    changes = Changes() if patient.time_zone == zone else pausing.set_zone(patient.pk, zone, by=by)
    change_language(patient, tag, by=by, source="staff", now=now)
    return changes


def look_up_preferences(token: str) -> Preferences | None:
    """The page behind a link, or None for an unknown, expired or other-purpose token. Changes nothing."""
    link = find_link(token, PatientLink.Purpose.PREFERENCES)
    return _preferences(link.patient) if link else None


@transaction.atomic
def choose_language(token: str, tag: str) -> Preferences | None:
    """Save the choice that was made on the page; the page to show next. A tag that is not offered is left."""
    link = find_link(token, PatientLink.Purpose.PREFERENCES)
    if link is None:
        return None
    if tag in {language.tag for language in offered(link.patient.clinic)}:
        change_language(link.patient, tag, by="patient", source="link", now=clock.now())
    return _preferences(link.patient)


@transaction.atomic
def choose_topic(token: str, switch: str) -> Preferences | None:
    """Do what the button of a switch asks for; the page to show next. What no button of ours asks is left."""
    link = find_link(token, PatientLink.Purpose.PREFERENCES)
    if link is None:
        return None
    channel, _, asked = switch.partition(".")
    if channel in tuple(Channel):
        _press(link.patient, Channel(channel), asked)
    return _preferences(link.patient)


def _press(patient: Patient, channel: Channel, asked: str) -> None:
    point = patient.contact_points.filter(channel=channel).first()
    topic, _, turn = asked.partition(".")
    if point is None:
        return
    if asked == BACK:
        _bring_back(point)
    elif topic in consent.EVERY_TOPIC:
        is_out = consent.in_force(point.address_index, channel) is not None
        told = consent.shown(patient, PAGE, source="preferences", evidence=PRESSED)
        if turn == OFF:
            consent.withdraw_topics(patient, channel, [topic], told, clock.now())
        elif turn == ON and not is_out and topic not in consent.granted(patient, channel):
            consent.grant_topics(patient, channel, [topic], told, clock.now())


def _bring_back(point: ContactPoint) -> None:
    """E-mail starts again here. Texts do by text only: carrier or provider may hold a block that we cannot
    lift."""
    if point.channel == Channel.EMAIL:
        consent.opt_in(
            point.address_index,
            Channel.EMAIL,
            source="preferences",
            now=clock.now(),
            page=PAGE,
            evidence=PRESSED,
        )


def _ways(patient: Patient) -> tuple[Way, ...]:
    """The channels that the patient has an address for, each with its switches."""
    points = {point.channel: point for point in patient.contact_points.all()}
    return tuple(
        _way(patient, channel, points[channel].address_index) for channel in Channel if channel in points
    )


def _way(patient: Patient, channel: Channel, address_index: str) -> Way:
    granted = consent.granted(patient, channel)
    switches = tuple(Switch(channel, topic, topic in granted) for topic in consent.EVERY_TOPIC)
    return Way(channel, consent.in_force(address_index, channel) is not None, switches)


def _preferences(patient: Patient) -> Preferences:
    words = approvals(patient.clinic)
    return Preferences(
        clinic=patient.clinic,
        language=resolve(patient.language),
        choices=offered(patient.clinic),
        words=words,
        ways=_ways(patient),
        partly=not all(words.covers(name, channel, patient.language) for name, channel in templates()),
    )
