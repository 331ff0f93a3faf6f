"""What a patient prefers: the language of the messages, chosen by text, from a link or at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from campaigns.delivery.wording import templates
from campaigns.domain.languages import Language, among, resolve
from campaigns.models import Clinic, Patient, PatientLink
from campaigns.queries import clock
from campaigns.services.compose import Approvals, approvals
from campaigns.services.record import record
from campaigns.services.unsubscribe import find_link


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What the page behind the link shows. `partly` says that some texts would still come in English."""

    clinic: Clinic
    language: Language
    choices: tuple[Language, ...]
    words: Approvals
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


def _preferences(patient: Patient) -> Preferences:
    words = approvals(patient.clinic)
    return Preferences(
        clinic=patient.clinic,
        language=resolve(patient.language),
        choices=offered(patient.clinic),
        words=words,
        partly=not all(words.covers(name, channel, patient.language) for name, channel in templates()),
    )
