"""Finds what was changed about a patient by its object, without holding up the audit while it is built. Whoever
only looked fills most of the chain and is left out."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("campaigns", "0021_find")]

    operations = [
        AddIndexConcurrently(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("action", "looked_at"), _negated=True),
                fields=["object", "-seq"],
                name="audit_changes_of_object",
            ),
        ),
    ]
