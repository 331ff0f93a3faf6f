"""The audit chain: who did what, in an order that cannot be rewritten unseen."""

from __future__ import annotations

from django.db import models


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
        # Only reader: services/looks, whom somebody has looked at lately.
        indexes = [
            models.Index(
                fields=["actor", "-at"], condition=models.Q(action="looked_at"), name="audit_looks_of_actor"
            )
        ]


APPEND_ONLY = ("audit_entry", "consent")
"""Tables of which no row is changed or taken away: triggers refuse it, and so do the grants of
services/grants to the role that the processes run as."""
