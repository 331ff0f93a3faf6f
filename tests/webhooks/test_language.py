"""A patient who texts the name of a language."""

from __future__ import annotations

import pytest

from campaigns.models import Alert, AuditEntry, Clinic, Message, Patient, Reply
from campaigns.services.send import drain
from tests.webhooks.conftest import Say


def last_text(patient: Patient) -> Message:
    """The newest text to this patient."""
    return Message.objects.filter(patient=patient, channel="sms").latest("id")


@pytest.mark.parametrize(
    ("words", "tag"),
    [("Arabic", "ar"), ("العربية", "ar"), ("français", "fr-CA"), ("繁體中文", "zh-Hant"), ("tagalog", "fil")],
)
def test_it_writes_that_language_from_now_on(
    clinic: Clinic, patient: Patient, say: Say, words: str, tag: str
) -> None:
    say(words)
    patient.refresh_from_db()
    reply = Reply.objects.get()
    assert (patient.language, reply.outcome, reply.keyword) == (tag, "language", "language")
    assert AuditEntry.objects.get(action="language_changed").detail["source"] == "reply"
    confirmation = last_text(patient)
    assert (confirmation.template, confirmation.language) == ("auto/language", tag)


def test_it_confirms_in_the_new_language(patient: Patient, say: Say) -> None:
    say("french")
    drain()
    assert "langue" in last_text(patient).body


def test_the_word_language_alone_gets_the_names(patient: Patient, say: Say) -> None:
    say("Language")
    drain()
    text = last_text(patient).body
    assert "ਪੰਜਾਬੀ" in text
    assert "繁體中文" in text
    patient.refresh_from_db()
    assert patient.language == "en-CA"


def test_a_language_that_the_clinic_does_not_write_goes_to_a_person(
    clinic: Clinic, patient: Patient, say: Say
) -> None:
    clinic.languages = ["en-CA", "fr-CA"]
    clinic.save()
    say("arabic")
    patient.refresh_from_db()
    assert patient.language == "en-CA"
    assert Alert.objects.get().rule == "asks for a language that we do not have"
