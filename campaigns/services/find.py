"""Keep what patients are found by equal to what they are called and reached at."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from campaigns.domain.name_terms import terms_of
from campaigns.models import Patient, PatientSearch
from campaigns.models.encryption import Undecipherable, search_key_id, search_keys
from campaigns.queries.search import person_of

log = logging.getLogger(__name__)

TOGETHER = 500
"""Patients that one transaction writes anew."""


def remember(patient_id: UUID) -> None:
    """Let a patient be found by what is on record now. Call it in the transaction that wrote a name, a number
    or an address, with the patient locked or new."""
    _write(Patient.objects.filter(pk=patient_id))


def remember_each(patient_ids: Iterable[UUID]) -> None:
    """The same for many, as an import brings them."""
    _write(Patient.objects.filter(pk__in=list(patient_ids)))


def forget(patient_id: UUID) -> None:
    """Nobody finds this patient any more."""
    PatientSearch.objects.filter(patient=patient_id).delete()


def renew() -> int:
    """Write down what is missing, or was made with a key that is not in use any more; for how many patients.

    Other releases write patients without it while an upgrade lasts, so each `campaigns migrate` asks again.
    What another release left of somebody forgotten goes. Without FIELD_KEYS nothing is written. One that
    cannot be read is named in the log and stops no other.
    """
    PatientSearch.objects.exclude(patient__forgotten_at=None).delete()
    done, after = 0, UUID(int=0)
    while settings.FIELD_KEYS:
        batch = list(_stale().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:TOGETHER])
        if not batch:
            break
        done, after = done + _renewed(batch), batch[-1]
    return done


def _stale() -> QuerySet[Patient]:
    return Patient.objects.filter(forgotten_at=None).exclude(search_keys__key=search_key_id())


def _renewed(batch: Sequence[UUID]) -> int:
    """How many of these were written: all, or where one cannot be read, each of the others alone."""
    try:
        return _locked_and_written(batch)
    except Undecipherable:
        if len(batch) > 1:
            return sum(_renewed([one]) for one in batch)
        log.error("a patient cannot be read, so nobody will find them", extra={"patient": str(batch[0])})
        return 0


@transaction.atomic
def _locked_and_written(batch: Sequence[UUID]) -> int:
    patients = Patient.objects.filter(pk__in=batch, forgotten_at=None)
    return _write(patients.select_for_update(of=("self",), no_key=True).order_by("pk"))


def _write(patients: QuerySet[Patient]) -> int:
    rows = [
        PatientSearch(
            patient=patient,
            keys=search_keys(patient.clinic_id, terms_of(person_of(patient))),
            key=search_key_id(),
        )
        for patient in patients.prefetch_related("contact_points")
    ]
    PatientSearch.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["patient"], update_fields=["keys", "key"]
    )
    return len(rows)
