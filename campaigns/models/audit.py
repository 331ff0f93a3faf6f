"""The audit chain: who did what, in an order that cannot be rewritten unseen."""

from __future__ import annotations

from django.db import models

VISIT_CHANGES = ["visit_cancelled", "visit_moved", "visit_no_show"]
"""Acts on a visit that others at the clinic want to hear of."""


class AuditEntry(models.Model):
    """One entry. `digest` covers the entry and the digest before it; a trigger refuses update and delete."""

    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=120)
    action = models.CharField(max_length=60)
    detail: models.Field[dict[str, object], dict[str, object]] = models.JSONField(default=dict)
    object = models.CharField(max_length=120)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_entry"
        indexes = [
            # Only reader: services/looks, whom somebody has looked at lately.
            models.Index(
                fields=["actor", "-at"], condition=models.Q(action="looked_at"), name="audit_looks_of_actor"
            ),
            # Only reader: which visits changed since staff last looked (queries/desk.sql).
            models.Index(
                fields=["at"], condition=models.Q(action__in=VISIT_CHANGES), name="audit_visit_changes"
            ),
            # Only reader: queries/patient_head, what was changed about a patient.
            models.Index(
                fields=["object", "-seq"],
                condition=~models.Q(action="looked_at"),
                name="audit_changes_of_object",
            ),
        ]


APPEND_ONLY = ("audit_entry", "consent")
"""Tables of which no row is changed or taken away: triggers refuse it, and so do the grants of
services/grants to the role that the processes run as."""
