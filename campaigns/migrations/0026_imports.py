"""Files of patients and visits, row by row, and how other programs call what came of them."""

import django.db.models.deletion
import uuid
from django.db import migrations, models

from campaigns.models.encryption import EncryptedText


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0025_report_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("table", "A table"), ("calendar", "A calendar")], max_length=8
                    ),
                ),
                ("source", models.CharField(max_length=40)),
                ("file_name", EncryptedText(blank=True, default="")),
                ("encoding", models.CharField(max_length=16)),
                ("header", EncryptedText()),
                ("columns", models.JSONField(default=list)),
                ("date_order", models.CharField(blank=True, max_length=12)),
                ("language", models.CharField(blank=True, max_length=16)),
                ("sequences", models.JSONField(default=list)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("uploaded", "Columns to be named"),
                            ("checking", "Being checked"),
                            ("checked", "Checked"),
                            ("applying", "Under way"),
                            ("done", "Done"),
                            ("undoing", "Being undone"),
                            ("undone", "Undone"),
                            ("discarded", "Thrown away"),
                        ],
                        default="uploaded",
                        max_length=10,
                    ),
                ),
                ("rows", models.PositiveIntegerField()),
                ("counts", models.JSONField(default=dict)),
                ("version", models.PositiveIntegerField(default=1)),
                ("uploaded_at", models.DateTimeField()),
                ("uploaded_by", models.CharField(max_length=120)),
                ("checked_at", models.DateTimeField(null=True)),
                ("applied_at", models.DateTimeField(null=True)),
                ("applied_by", models.CharField(blank=True, max_length=120)),
                ("done_at", models.DateTimeField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
                ("undone_by", models.CharField(blank=True, max_length=120)),
                ("erased_at", models.DateTimeField(null=True)),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="campaigns.clinic",
                    ),
                ),
            ],
            options={
                "db_table": "import_file",
            },
        ),
        migrations.CreateModel(
            name="ImportedKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=40)),
                (
                    "kind",
                    models.CharField(choices=[("patient", "Patient"), ("visit", "Visit")], max_length=7),
                ),
                ("key", models.CharField(max_length=64)),
                ("sequence", models.PositiveIntegerField(default=0)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="keys",
                        to="campaigns.import",
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
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="import_keys",
                        to="campaigns.patient",
                    ),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="import_keys",
                        to="campaigns.visit",
                    ),
                ),
            ],
            options={
                "db_table": "imported_key",
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("cells", EncryptedText(blank=True, default="")),
                ("problems", EncryptedText(blank=True, default="")),
                ("before", EncryptedText(blank=True, default="")),
                ("person", models.CharField(blank=True, max_length=64)),
                ("visit_key", models.CharField(blank=True, max_length=64)),
                ("sequence", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "Not looked at"),
                            ("wrong", "Cannot be taken"),
                            ("asked", "Waits for somebody's answer"),
                            ("ready", "Ready"),
                            ("nothing", "Changes nothing"),
                            ("left_out", "Left out"),
                            ("done", "Done"),
                            ("taken_back", "Taken back"),
                            ("kept", "Cannot be taken back"),
                        ],
                        default="new",
                        max_length=10,
                    ),
                ),
                ("doing", models.CharField(blank=True, max_length=12)),
                (
                    "choice",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("same", "The patient we have"),
                            ("new", "Somebody else"),
                            ("leave_out", "Leave it out"),
                        ],
                        max_length=9,
                    ),
                ),
                ("effects", models.JSONField(null=True)),
                (
                    "of",
                    models.ForeignKey(
                        db_column="import_id",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="campaigns.import",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="import_rows",
                        to="campaigns.patient",
                    ),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="campaigns.visit",
                    ),
                ),
            ],
            options={
                "db_table": "import_row",
            },
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["clinic", "-uploaded_at"], name="import_of_clinic"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(
                condition=models.Q(("state__in", ["checking", "applying", "undoing"])),
                fields=["uploaded_at"],
                name="import_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="importedkey",
            constraint=models.UniqueConstraint(
                fields=("clinic", "source", "kind", "key"), name="one_meaning_a_key_of_a_source"
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(fields=["of", "state", "number"], name="import_row_by_state"),
        ),
        migrations.AddConstraint(
            model_name="importrow",
            constraint=models.UniqueConstraint(fields=("of", "number"), name="one_row_a_number"),
        ),
    ]
