"""What a clinic changes about steps, changes with their dry run, who is in which step, large acts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0026_imports"),
    ]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="large_act_limit",
            field=models.PositiveIntegerField(
                db_default=200,
                default=200,
                help_text="An act that changes messages of more patients than this is a large one",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("expired", "expired"),
                    ("opted_out", "opted_out"),
                    ("no_consent", "no_consent"),
                    ("no_address", "no_address"),
                    ("bad_address", "bad_address"),
                    ("landline", "landline"),
                    ("visit_cancelled", "visit_cancelled"),
                    ("visit_moved", "visit_moved"),
                    ("visit_done", "visit_done"),
                    ("visit_missed", "visit_missed"),
                    ("course_closed", "course_closed"),
                    ("patient_paused", "patient_paused"),
                    ("patient_left", "patient_left"),
                    ("patient_deceased_or_merged", "patient_deceased_or_merged"),
                    ("enrollment_stopped", "enrollment_stopped"),
                    ("quiet_hours_no_window", "quiet_hours_no_window"),
                    ("cap_reached", "cap_reached"),
                    ("template_missing", "template_missing"),
                    ("translation_missing", "translation_missing"),
                    ("translation_not_approved", "translation_not_approved"),
                    ("render_error", "render_error"),
                    ("too_long", "too_long"),
                    ("channel_paused", "channel_paused"),
                    ("provider_config", "provider_config"),
                    ("provider_refused", "provider_refused"),
                    ("unreachable", "unreachable"),
                    ("filtered", "filtered"),
                    ("retries_used_up", "retries_used_up"),
                    ("uncertain_expired", "uncertain_expired"),
                    ("operator_cancelled", "operator_cancelled"),
                    ("superseded", "superseded"),
                    ("answered", "answered"),
                    ("not_needed", "not_needed"),
                    ("provider_down", "provider_down"),
                    ("question_open", "question_open"),
                    ("sender_busy", "sender_busy"),
                    ("patient_forgotten", "patient_forgotten"),
                    ("not_live", "not_live"),
                    ("step_off", "step_off"),
                ],
                max_length=32,
            ),
        ),
        migrations.CreateModel(
            name="ClinicChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sequence", models.CharField(blank=True, max_length=40)),
                ("step", models.CharField(blank=True, max_length=40)),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
                ("effect", models.JSONField(default=dict)),
                ("proposed_by", models.CharField(max_length=254)),
                ("proposed_at", models.DateTimeField()),
                ("applied_by", models.CharField(blank=True, max_length=254)),
                ("applied_at", models.DateTimeField(null=True)),
                ("followed_at", models.DateTimeField(null=True)),
                ("planned_again", models.PositiveIntegerField(default=0)),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="campaigns.clinic"
                    ),
                ),
            ],
            options={
                "db_table": "clinic_change",
            },
        ),
        migrations.CreateModel(
            name="StepCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sequence", models.CharField(max_length=40)),
                ("step", models.CharField(blank=True, max_length=40)),
                ("ahead", models.PositiveIntegerField()),
                ("next_up", models.PositiveIntegerField(default=0)),
                ("sent", models.PositiveIntegerField(default=0)),
                ("at", models.DateTimeField()),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="campaigns.clinic"
                    ),
                ),
            ],
            options={
                "db_table": "step_count",
            },
        ),
        migrations.CreateModel(
            name="StepSetting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sequence", models.CharField(max_length=40)),
                ("step", models.CharField(max_length=40)),
                (
                    "off_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not_our_care", "not_our_care"),
                            ("said_elsewhere", "said_elsewhere"),
                            ("too_many_messages", "too_many_messages"),
                            ("wording_in_review", "wording_in_review"),
                            ("other", "other"),
                        ],
                        max_length=20,
                    ),
                ),
                ("off_note", models.CharField(blank=True, max_length=200)),
                ("offset_days", models.SmallIntegerField(null=True)),
                ("offset_minutes", models.IntegerField(null=True)),
                ("opens", models.TimeField(null=True)),
                ("closes", models.TimeField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("by", models.CharField(max_length=254)),
                ("at", models.DateTimeField()),
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
                "db_table": "step_setting",
                "constraints": [
                    models.UniqueConstraint(fields=("clinic", "sequence", "step"), name="one_setting_a_step")
                ],
            },
        ),
    ]
