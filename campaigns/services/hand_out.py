"""Hand data out, each time with an entry of who took what."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from campaigns.models import Patient
from campaigns.queries import chart_file, clock, one_patient
from campaigns.services.record import record


@transaction.atomic
def one(patient_id: UUID, *, by: str) -> one_patient.Tables:
    """Everything about one patient. Raises Patient.DoesNotExist."""
    Patient.objects.only("pk").get(pk=patient_id)
    found = one_patient.everything(patient_id)
    record("patient_exported", f"patient {patient_id}", actor=by, now=clock.now())
    return found


@transaction.atomic
def chart(patient_id: UUID, *, by: str) -> chart_file.Document:
    """What of one patient belongs in the clinic's own chart. Raises Patient.DoesNotExist."""
    patient = Patient.objects.select_related("clinic").get(pk=patient_id)
    now = clock.now()
    found = chart_file.read(patient, now)
    record("chart_exported", f"patient {patient_id}", actor=by, now=now)
    return found


@transaction.atomic
def note(kind: str, *, by: str, with_addresses: bool) -> None:
    """Say that somebody took one kind of rows of everybody away. Before the first row leaves."""
    detail = {"kind": kind, "addresses": "in full" if with_addresses else "masked"}
    record("exported", "installation", actor=by, now=clock.now(), detail=detail)


@transaction.atomic
def note_audit(clinic_id: UUID, *, by: str, form: str) -> None:
    """Say that somebody takes entries of the audit away. Before the first one leaves."""
    record("audit_exported", f"clinic {clinic_id}", actor=by, now=clock.now(), detail={"form": form})
