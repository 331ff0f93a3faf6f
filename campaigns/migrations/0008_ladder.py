"""The alert ladder: its timers, who is on call, every notice to staff."""

import campaigns.models.encryption
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0007_preferences"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlertNotice",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("step", models.PositiveSmallIntegerField(default=0)),
                (
                    "rung",
                    models.CharField(
                        choices=[
                            ("on_duty", "on_duty"),
                            ("next", "next"),
                            ("everybody", "everybody"),
                            ("incident", "incident"),
                        ],
                        max_length=10,
                    ),
                ),
                ("channel", models.CharField(choices=[("sms", "sms"), ("email", "email")], max_length=5)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "To be sent"),
                            ("sending", "Being sent"),
                            ("sent", "Sent"),
                            ("failed", "Not sent"),
                            ("not_needed", "Not needed any more"),
                        ],
                        default="planned",
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("detail", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "db_table": "alert_notice",
            },
        ),
        migrations.CreateModel(
            name="OnCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveSmallIntegerField(default=1)),
                ("email", campaigns.models.encryption.EncryptedText(blank=True)),
                ("phone", campaigns.models.encryption.EncryptedText(blank=True)),
                ("language", models.CharField(default="en-CA", max_length=16)),
                (
                    "when",
                    models.CharField(
                        choices=[
                            ("always", "always"),
                            ("clinic", "clinic"),
                            ("outside", "outside"),
                            ("between", "between"),
                        ],
                        default="always",
                        max_length=8,
                    ),
                ),
                ("starts", models.TimeField(null=True)),
                ("ends", models.TimeField(null=True)),
                ("is_lead", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "on_call",
            },
        ),
        migrations.AddField(
            model_name="alert",
            name="climbed",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="alert",
            name="climbs_from",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="incident_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="next_step_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="note",
            field=campaigns.models.encryption.EncryptedText(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="alert",
            name="part_of",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="parts",
                to="campaigns.alert",
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="tried_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="tried_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="tries",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="clinic",
            name="alert_ladder",
            field=models.JSONField(
                db_default={},
                default=dict,
                help_text="Minutes of the alert ladder where they are shorter than the default",
            ),
        ),
        migrations.AddField(
            model_name="installation",
            name="last_climb_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="alert",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("reached", "Reached by phone"),
                    ("emergency", "Sent to emergency"),
                    ("no_answer", "No answer, will try again"),
                    ("not_urgent", "Read, not urgent"),
                    ("false_alarm", "False alarm"),
                    ("handed_on", "Not reached, handed on"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("acknowledged_at", None), ("closed_at", None), ("part_of", None)),
                fields=["next_step_at"],
                name="alert_climbing",
            ),
        ),
        migrations.AddField(
            model_name="alertnotice",
            name="alert",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notices",
                to="campaigns.alert",
            ),
        ),
        migrations.AddField(
            model_name="alertnotice",
            name="staff",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="oncall",
            name="clinic",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="on_call", to="campaigns.clinic"
            ),
        ),
        migrations.AddField(
            model_name="oncall",
            name="staff",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="on_call",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="alertnotice",
            index=models.Index(
                condition=models.Q(("state__in", ["planned", "sending"])),
                fields=["due_at"],
                name="alert_notice_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertnotice",
            constraint=models.UniqueConstraint(
                fields=("alert", "step", "staff", "channel"), name="one_notice_a_step_person_and_channel"
            ),
        ),
    ]
