"""Texts are stored before they are read, with whom they came from."""

import campaigns.models.encryption
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0004_check_in"),
    ]

    operations = [
        migrations.AddField(
            model_name="reply",
            name="opt_out_type",
            field=models.CharField(
                blank=True, db_default="", help_text="What the provider has answered", max_length=12
            ),
        ),
        migrations.AddField(
            model_name="reply",
            name="sender",
            field=campaigns.models.encryption.EncryptedText(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="reply",
            name="sent_to",
            field=models.CharField(
                blank=True, db_default="", help_text="The clinic's own number", max_length=20
            ),
        ),
        migrations.AddField(
            model_name="reply",
            name="tries",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name="reply",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("waiting", "Not read yet"),
                    ("answer", "Answer"),
                    ("opt_out", "Opted out"),
                    ("opt_in", "Opted in"),
                    ("help", "Asked for help"),
                    ("language", "Changed language"),
                    ("alert", "Needs a person"),
                    ("unmatched", "Unknown sender"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="reply",
            index=models.Index(
                condition=models.Q(("outcome", "waiting")), fields=["id"], name="reply_waiting"
            ),
        ),
    ]
