"""The audit chain: who did what, in an order that cannot be rewritten unseen."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models

VISIT_CHANGES = ["visit_cancelled", "visit_moved", "visit_no_show"]
"""Acts on a visit that others at the clinic want to hear of."""
LOOKED_AT = "looked_at"
OWNED = models.Q(clinic__isnull=False)
LOOSE = models.Q(clinic=None)


class AuditEntry(models.Model):
    """One entry. `digest` covers the entry and the digest before it; a trigger refuses update and delete.

    `clinic` is whose entry it is: the digest covers it where there is one. Entries about the installation
    have none, nor have those of releases before 0026 (queries/audit_log finds out whose they are). It is no
    foreign key: the lock on the clinic's row that one takes would be held together with that on the chain.
    """

    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=120)
    action = models.CharField(max_length=60)
    detail: models.Field[dict[str, object], dict[str, object]] = models.JSONField(default=dict)
    object = models.CharField(max_length=120)
    clinic = models.UUIDField(null=True)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_entry"
        indexes = [
            # Only reader: services/looks, whom somebody has looked at lately.
            models.Index(
                fields=["actor", "-at"], condition=models.Q(action=LOOKED_AT), name="audit_looks_of_actor"
            ),
            # Only reader: which visits changed since staff last looked (queries/desk.sql).
            models.Index(
                fields=["at"], condition=models.Q(action__in=VISIT_CHANGES), name="audit_visit_changes"
            ),
            # Only reader: queries/patient_head, what was changed about a patient.
            models.Index(
                fields=["object", "-seq"],
                condition=~models.Q(action=LOOKED_AT),
                name="audit_changes_of_object",
            ),
            # Only reader of these: queries/audit_log, by clinic, by what was done, by whom, about whom. Those
            # without a clinic have their own: PostgreSQL does not see that `clinic IS NULL` is one value.
            models.Index(fields=["clinic", "at", "seq"], condition=OWNED, name="audit_of_clinic"),
            models.Index(
                fields=["clinic", "action", "at", "seq"], condition=OWNED, name="audit_of_clinic_and_action"
            ),
            models.Index(
                fields=["clinic", "actor", "at", "seq"], condition=OWNED, name="audit_of_clinic_and_actor"
            ),
            models.Index(fields=["at", "seq"], condition=LOOSE, name="audit_of_none"),
            models.Index(fields=["action", "at", "seq"], condition=LOOSE, name="audit_of_none_and_action"),
            models.Index(fields=["actor", "at", "seq"], condition=LOOSE, name="audit_of_none_and_actor"),
            models.Index(fields=["object", "at"], name="audit_of_object"),
            GinIndex(
                fields=["detail"],
                name="audit_looks_at_many",
                condition=models.Q(action=LOOKED_AT) & ~models.Q(object__startswith="patient "),
                opclasses=["jsonb_path_ops"],
            ),
        ]


class AuditCheck(models.Model):
    """One check of the whole chain, done in pieces: everything up to the entry `upto` fits, `checked` of
    about `total`. `seal` is a keyed hash of that, so that nobody spares part of the chain the next look.

    `broken` is the first entry that does not fit.
    """

    asked_by = models.CharField(max_length=120)
    asked_at = models.DateTimeField()
    total = models.PositiveBigIntegerField(default=0)
    checked = models.PositiveBigIntegerField(default=0)
    upto = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)
    broken = models.PositiveBigIntegerField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "audit_check"
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(ended_at=None),
                name="one_check_at_a_time",
            )
        ]


APPEND_ONLY = ("audit_entry", "consent")
"""Tables of which no row is changed or taken away: triggers refuse it, and so do the grants of
services/grants to the role that the processes run as."""
