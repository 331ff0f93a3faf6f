"""What a patient is found by. `campaigns migrate` fills it afterwards: the names are encrypted."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0020_today")]

    operations = [
        migrations.CreateModel(
            name="PatientSearch",
            fields=[
                (
                    "patient",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search_keys",
                        serialize=False,
                        to="campaigns.patient",
                    ),
                ),
                (
                    "keys",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("key", models.CharField(max_length=8)),
            ],
            options={
                "db_table": "patient_search",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fastupdate=False, fields=["keys"], name="patient_search_keys"
                    )
                ],
            },
        ),
    ]
