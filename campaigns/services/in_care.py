"""Whether a patient is in care. Who has left or died is written to no more, whatever was planned."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from campaigns.domain.errors import NotAllowed
from campaigns.models import Course, Enrollment, Patient
from campaigns.queries import clock
from campaigns.services import stale
from campaigns.services.plan import Changes, replan
from campaigns.services.record import record

ENDED = (Patient.Status.LEFT, Patient.Status.DECEASED)


@transaction.atomic
def set_status(patient_id: UUID, status: str, *, by: str, shown: str | None = None) -> Changes:
    """Say that the patient left or has died, or is in care again; what that changes, planned at once.

    The gates refuse each message by the status too, so that nothing goes even if it was planned meanwhile.
    Raises NotAllowed for another status, for one that it has already, for who was forgotten, and where
    `shown` (stale.status_mark) is not what is written down by now.
    """
    now = clock.now()
    list(Course.objects.select_for_update(no_key=True).filter(patient=patient_id).values_list("pk"))
    patient = Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
    if status not in (Patient.Status.ACTIVE, *ENDED):
        raise NotAllowed("Say whether the patient is in care, has left or has died.")
    if patient.forgotten_at:
        raise NotAllowed("This patient was forgotten already.")
    if patient.status == status:
        raise NotAllowed("The patient's record says so already.")
    stale.check_status(patient, shown)
    patient.status, patient.status_reason, patient.paused_until = status, "", None
    patient.save(update_fields=["status", "status_reason", "paused_until"])
    _follow(patient)
    changes = replan(patient.pk, now)
    record("patient_status", f"patient {patient.pk}", actor=by, now=now, detail={"status": str(status)})
    return changes


def _follow(patient: Patient) -> None:
    """Stop what runs, under a reason by which it is found again if it was a mistake."""
    mark = "the patient is not in care"
    theirs = Enrollment.objects.filter(course__patient=patient)
    if patient.status in ENDED:
        running = theirs.filter(state=Enrollment.State.ACTIVE)
        running.update(state=Enrollment.State.STOPPED, reason=mark)
    else:
        stopped = theirs.filter(state=Enrollment.State.STOPPED, reason=mark)
        stopped.update(state=Enrollment.State.ACTIVE, reason="")
