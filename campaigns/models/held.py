"""Acts that reach many patients: they wait for a second person, and then for five minutes."""

from __future__ import annotations

from django.db import models

from campaigns.models.clinic import Clinic
from campaigns.models.staff import Staff


class HeldAct(models.Model):
    """One such act. `object_id` names what is done (an import, a change of the clinic), `version` what of it
    was shown; `recipients` counts patients. Instants are UTC.

    It waits until `approved_at`, goes at `goes_at`, and is over at `ended_at`: `ending` says how, `why` in
    which words of a closed list it was refused.
    """

    class Kind(models.TextChoices):
        IMPORT = "import", "An import"
        CLINIC_CHANGE = "clinic_change", "A change of the clinic"

    class Ending(models.TextChoices):
        DONE = "done", "Done"
        RECALLED = "recalled", "Recalled"
        REFUSED = "refused", "Not done"

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    object_id = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=0)
    recipients = models.PositiveIntegerField()
    asked_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    approved_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    goes_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    ending = models.CharField(max_length=10, choices=Ending.choices, blank=True)
    why = models.CharField(max_length=20, blank=True)

    class Meta:
        db_table = "held_act"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_id"],
                condition=models.Q(ended_at=None),
                name="held_once",
            )
        ]
        indexes = [
            # Only reader: services/held_acts, the page of a clinic.
            models.Index(fields=["clinic", "-asked_at"], name="held_of_clinic"),
            # Only reader: services/held_acts, what goes now.
            models.Index(fields=["goes_at"], condition=models.Q(ended_at=None), name="held_due"),
        ]
