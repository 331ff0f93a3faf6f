"""Seal what releases before 0017 wrote in the open: how a consent was given, and what an interpreter speaks.

An upgrade has both releases at work on one database, so the old columns stay, and what the old release still
writes there is sealed by the next `campaigns migrate`; until then it is read where it stands. The ledger
refuses every change, so only the role that owns it can empty the old column: `migrate` runs as that one.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from campaigns.models import Consent, ConsentWords, Patient


def seal() -> int:
    """Seal it all; how many values. Without FIELD_KEYS nothing is done. Words about somebody who was
    forgotten are not kept."""
    if not settings.FIELD_KEYS:
        return 0
    with transaction.atomic():
        return _seal_words() + _seal_languages()


def open_values() -> int:
    """How many values stand in the open."""
    return _open_words().count() + _open_languages().count()


def _open_words() -> QuerySet[Consent]:
    return Consent.objects.exclude(evidence="")


def _open_languages() -> QuerySet[Patient]:
    return Patient.objects.exclude(interpreter_language="")


def _seal_words() -> int:
    lines = list(_open_words().select_related("patient").order_by("pk"))
    if lines:
        kept = [line for line in lines if line.patient.forgotten_at is None]
        ConsentWords.objects.bulk_create(
            [ConsentWords(consent=line, text=line.evidence) for line in kept], ignore_conflicts=True
        )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE consent DISABLE TRIGGER consent_append_only")
            cursor.execute("UPDATE consent SET evidence = '' WHERE id = ANY(%s)", [[one.pk for one in lines]])
            cursor.execute("ALTER TABLE consent ENABLE TRIGGER consent_append_only")
    return len(lines)


def _seal_languages() -> int:
    patients = list(_open_languages().select_for_update(no_key=True).order_by("pk"))
    for patient in patients:
        patient.interpreter, patient.interpreter_language = patient.speaks, ""
        patient.save(update_fields=["interpreter", "interpreter_language"])
    return len(patients)
