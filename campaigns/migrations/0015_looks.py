"""Finds the looks of one person quickly, without holding up the audit while it is built."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("campaigns", "0014_people")]

    operations = [
        AddIndexConcurrently(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("action", "looked_at")),
                fields=["actor", "-at"],
                name="audit_looks_of_actor",
            ),
        ),
    ]
