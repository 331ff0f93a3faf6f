"""Indexes for counting a month and for the page of the audit, built without holding anybody up."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

OWNED = models.Q(("clinic__isnull", False))
LOOSE = models.Q(("clinic", None))
ON_ITS_WAY = ["planned", "waiting", "attempting", "uncertain"]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("campaigns", "0024_reports")]

    operations = [
        AddIndexConcurrently(
            "message",
            models.Index(
                fields=["clinic", "send_at"],
                condition=models.Q(("state__in", ON_ITS_WAY), _negated=True),
                name="message_counted",
            ),
        ),
        AddIndexConcurrently(
            "auditentry",
            models.Index(fields=["clinic", "at", "seq"], condition=OWNED, name="audit_of_clinic"),
        ),
        AddIndexConcurrently(
            "auditentry",
            models.Index(
                fields=["clinic", "action", "at", "seq"], condition=OWNED, name="audit_of_clinic_and_action"
            ),
        ),
        AddIndexConcurrently(
            "auditentry",
            models.Index(
                fields=["clinic", "actor", "at", "seq"], condition=OWNED, name="audit_of_clinic_and_actor"
            ),
        ),
        AddIndexConcurrently(
            "auditentry",
            models.Index(fields=["at", "seq"], condition=LOOSE, name="audit_of_none"),
        ),
        AddIndexConcurrently(
            "auditentry",
            models.Index(fields=["action", "at", "seq"], condition=LOOSE, name="audit_of_none_and_action"),
        ),
        AddIndexConcurrently(
            "auditentry",
            models.Index(fields=["actor", "at", "seq"], condition=LOOSE, name="audit_of_none_and_actor"),
        ),
        AddIndexConcurrently("auditentry", models.Index(fields=["object", "at"], name="audit_of_object")),
        AddIndexConcurrently(
            "auditentry",
            GinIndex(
                fields=["detail"],
                condition=models.Q(
                    ("action", "looked_at"), models.Q(("object__startswith", "patient "), _negated=True)
                ),
                name="audit_looks_at_many",
                opclasses=["jsonb_path_ops"],
            ),
        ),
    ]
