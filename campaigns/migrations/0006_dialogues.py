"""Late answers, corrections of answers, calls, and the indexes of the lists that staff work from."""

import campaigns.models.encryption
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0005_waiting_replies"),
    ]

    operations = [
        migrations.CreateModel(
            name="AnswerCorrection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("was", models.CharField(max_length=12)),
                ("became", models.CharField(blank=True, max_length=12)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "answer_correction",
            },
        ),
        migrations.CreateModel(
            name="Call",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("reached", "Reached"),
                            ("left_message", "Left a message"),
                            ("no_answer", "No answer"),
                            ("gave_up", "Given up"),
                        ],
                        max_length=12,
                    ),
                ),
                ("note", campaigns.models.encryption.EncryptedText(blank=True, default="")),
                ("back_on", models.DateField(null=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "call",
            },
        ),
        migrations.AddField(
            model_name="answer",
            name="late",
            field=models.BooleanField(db_default=False, default=False),
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
                ],
                max_length=32,
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("topic", "check_ins"), models.Q(("asks", ""), _negated=True)),
                fields=["clinic", "sent_at"],
                name="message_asked",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("capped", False),
                    ("state__in", ["skipped", "cancelled", "rejected", "undelivered", "unresolved"]),
                ),
                fields=["clinic", "send_at"],
                name="message_unsaid",
            ),
        ),
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(fields=["on_date"], name="visit_on_date"),
        ),
        migrations.AddField(
            model_name="answercorrection",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="answercorrection",
            name="message",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="campaigns.message"
            ),
        ),
        migrations.AddField(
            model_name="answercorrection",
            name="reply",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="corrections", to="campaigns.reply"
            ),
        ),
        migrations.AddField(
            model_name="call",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="call",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="calls", to="campaigns.patient"
            ),
        ),
    ]
