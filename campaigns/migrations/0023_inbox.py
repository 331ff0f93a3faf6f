"""Who deals with a conversation, who looks at it, and what staff wrote by hand."""

import campaigns.models.encryption
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0022_changes_of_patient"),
    ]

    operations = [
        migrations.CreateModel(
            name="Conversation",
            fields=[
                (
                    "patient",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="conversation",
                        serialize=False,
                        to="campaigns.patient",
                    ),
                ),
                ("assigned_at", models.DateTimeField(null=True)),
                ("handled_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "conversation",
            },
        ),
        migrations.CreateModel(
            name="HandWritten",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="by_hand",
                        serialize=False,
                        to="campaigns.message",
                    ),
                ),
                ("key", models.UUIDField(unique=True)),
                ("words", campaigns.models.encryption.EncryptedText(blank=True, default="")),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "hand_written",
            },
        ),
        migrations.CreateModel(
            name="Presence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "db_table": "presence",
            },
        ),
        migrations.AddField(
            model_name="conversation",
            name="assigned_to",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="handled_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="handwritten",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="handwritten",
            name="clinic",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="campaigns.clinic",
            ),
        ),
        migrations.AddField(
            model_name="handwritten",
            name="patient",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="campaigns.patient",
            ),
        ),
        migrations.AddField(
            model_name="presence",
            name="alert",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="campaigns.alert"
            ),
        ),
        migrations.AddField(
            model_name="presence",
            name="patient",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="campaigns.patient",
            ),
        ),
        migrations.AddField(
            model_name="presence",
            name="staff",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="handwritten",
            index=models.Index(fields=["patient", "-at"], name="hand_written_of_patient"),
        ),
        migrations.AddIndex(
            model_name="handwritten",
            index=models.Index(fields=["clinic", "at"], name="hand_written_lately"),
        ),
        migrations.AddConstraint(
            model_name="presence",
            constraint=models.UniqueConstraint(fields=("staff", "patient"), name="one_presence_a_patient"),
        ),
        migrations.AddConstraint(
            model_name="presence",
            constraint=models.UniqueConstraint(fields=("staff", "alert"), name="one_presence_an_alert"),
        ),
    ]
