"""Counts for the reports, whose an entry of the audit is, and checks of the audit chain done in pieces."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0023_inbox")]

    operations = [
        migrations.CreateModel(
            name="AuditCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_by", models.CharField(max_length=120)),
                ("asked_at", models.DateTimeField()),
                ("total", models.PositiveBigIntegerField(default=0)),
                ("checked", models.PositiveBigIntegerField(default=0)),
                ("upto", models.PositiveBigIntegerField(default=0)),
                ("digest", models.CharField(max_length=64)),
                ("seal", models.CharField(max_length=64)),
                ("broken", models.PositiveBigIntegerField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "audit_check",
                "constraints": [
                    models.UniqueConstraint(
                        models.Value(1), condition=models.Q(("ended_at", None)), name="one_check_at_a_time"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReportCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField(help_text="The first day of the month, at the clinic")),
                ("kind", models.CharField(max_length=12)),
                ("subject", models.CharField(blank=True, max_length=80)),
                ("detail", models.CharField(blank=True, max_length=24)),
                ("channel", models.CharField(blank=True, max_length=5)),
                ("language", models.CharField(blank=True, max_length=16)),
                ("n", models.PositiveIntegerField(default=0)),
                ("hits", models.PositiveIntegerField(default=0)),
                ("amount", models.PositiveBigIntegerField(default=0)),
                (
                    "few",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "seconds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="campaigns.clinic",
                    ),
                ),
            ],
            options={
                "db_table": "report_count",
                "indexes": [models.Index(fields=["clinic", "month", "kind"], name="report_count_of_month")],
            },
        ),
        migrations.CreateModel(
            name="ReportMonth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField()),
                ("counted_at", models.DateTimeField()),
                (
                    "clinic",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="campaigns.clinic",
                    ),
                ),
            ],
            options={
                "db_table": "report_month",
                "constraints": [
                    models.UniqueConstraint(fields=("clinic", "month"), name="one_count_a_month")
                ],
            },
        ),
        migrations.AddField("auditentry", "clinic", models.UUIDField(null=True)),
    ]
