"""What releases before 0017 wrote in the open is read where it stands, and sealed by the next `migrate`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from campaigns.domain.recipients import Channel
from campaigns.models import AuditEntry, Clinic, Consent, ConsentWords, Patient
from campaigns.models.encryption import blind_index
from campaigns.queries import clock, contactability
from campaigns.services import consent
from campaigns.services.examine import examine
from campaigns.services.forget import forget
from campaigns.services.record import broken_link
from tests.factories import make_patient

OLDER = """INSERT INTO consent (patient_id, channel, topic, action, at, source, by, evidence, language_shown,
wording_shown) VALUES (%s, 'sms', 'reminders', 'granted', now(), 'desk', 'robin', %s, 'en-CA', '')"""
"""What the release before wrote, column by column."""


def _stored(table: str) -> str:
    """A whole table as the database has it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")  # noqa: S608  a name of ours
        return str(cursor.fetchone()[0])


def _by_older_release(patient: Patient, words: str, speaks: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(OLDER, [patient.pk, words])
        cursor.execute("UPDATE patient SET interpreter_language = %s WHERE id = %s", [speaks, patient.pk])


def _exported() -> list[str]:
    out = StringIO()
    call_command("export", "consents", "--by", "robin", stdout=out)
    return [json.loads(line)["evidence"] for line in out.getvalue().splitlines()]


def _refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return "append-only" in str(error)
    return False


def test_an_earlier_release_s_words_are_read_in_the_open_and_then_sealed(clinic: Clinic) -> None:
    patient = make_patient(clinic).patient
    gone = make_patient(clinic, phone="+16045550102", email="gone@patients.example").patient
    forget(gone.pk, by="robin")
    for one in (patient, gone):
        _by_older_release(one, "her daughter Mira rang", "Cantonese")
    Patient.objects.filter(pk=gone.pk).update(interpreter_language="")

    def read() -> tuple[str, str, str]:
        line = Consent.objects.filter(patient=patient).latest("pk")
        [sms, _] = contactability.reaches(Patient.objects.get(pk=patient.pk))
        return line.proof, sms.history[0].line.proof, Patient.objects.get(pk=patient.pk).speaks

    seen = ("her daughter Mira rang", "her daughter Mira rang", "Cantonese")
    assert read() == seen
    assert _exported().count("her daughter Mira rang") == 2
    [found] = [one for one in examine() if "in the open" in one.what]
    assert (found.level, "3 words" in found.what) == ("warning", True)
    before = Consent.objects.count()

    call_command("migrate", verbosity=0)

    assert read() == seen
    # Words about somebody who was forgotten are not kept; the line of the ledger is.
    assert _exported().count("her daughter Mira rang") == 1
    assert (Consent.objects.count(), broken_link()) == (before, None)
    assert not ConsentWords.objects.filter(consent__patient=gone).exists()
    everything = _stored("consent") + _stored("consent_words") + _stored("patient")
    assert [word for word in ("Mira", "Cantonese", "desk at") if word in everything] == []
    assert not [one for one in examine() if "in the open" in one.what]
    assert _refused("UPDATE consent SET by = 'x'")
    assert _refused("UPDATE consent_words SET text = 'x'")


@pytest.mark.parametrize("words", ["said yes at the desk", "  a:b, and 100 % sure  "])
def test_a_copy_of_the_words_can_be_held_against_the_chain(clinic: Clinic, words: str) -> None:
    patient = make_patient(clinic).patient
    told = consent.Told(source="phone", by="robin", evidence=words)
    consent.grant_as_told(patient, Channel.SMS, ["reminders"], told, clock.now())
    assert Consent.objects.latest("pk").proof == words
    entry = AuditEntry.objects.filter(action="consent_granted").latest("seq")
    assert entry.detail["evidence"] == blind_index(words) != blind_index(words + "!")
    assert words not in json.dumps(entry.detail)
