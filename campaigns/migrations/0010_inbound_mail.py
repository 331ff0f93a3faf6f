"""Mail that came in, as it came; and a kind of token for the address that a mail is answered to."""

import campaigns.models.encryption
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0009_lexicons"),
    ]

    operations = [
        migrations.AlterField(
            model_name="patientlink",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("information", "The page behind a text"),
                    ("unsubscribe", "Unsubscribe"),
                    ("preferences", "Language of the messages"),
                    ("check_in", "The form of a question"),
                    ("reply", "The address that an e-mail is answered to"),
                ],
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="InboundMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("way", models.CharField(max_length=8)),
                ("raw", campaigns.models.encryption.EncryptedBytes()),
                ("size", models.PositiveIntegerField()),
                ("envelope", campaigns.models.encryption.EncryptedText(blank=True, default="")),
                ("received_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("stored", "Not read yet"),
                            ("read", "Read"),
                            ("failed", "Could not be read"),
                        ],
                        default="stored",
                        max_length=8,
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("kind", models.CharField(blank=True, max_length=12)),
                (
                    "trust",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not proven"),
                            ("token", "It answers to an address that only the patient was given"),
                            ("domain", "Our server vouches for the address it came from"),
                        ],
                        max_length=8,
                    ),
                ),
                ("words", campaigns.models.encryption.EncryptedText(blank=True, default="")),
                ("files", models.PositiveIntegerField(default=0)),
                ("damaged", models.BooleanField(default=False)),
                (
                    "reply",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mail",
                        to="campaigns.reply",
                    ),
                ),
            ],
            options={
                "db_table": "inbound_mail",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "stored")), fields=["id"], name="inbound_mail_unread"
                    )
                ],
            },
        ),
    ]
