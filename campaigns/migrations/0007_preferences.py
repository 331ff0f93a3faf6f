"""What one opt-out ends, and addresses that may be the wrong person's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0006_dialogues"),
    ]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="opt_out_scope",
            field=models.CharField(
                choices=[("channel", "The channel that it was said on"), ("all", "Every channel")],
                default="channel",
                max_length=7,
            ),
        ),
        migrations.AlterField(
            model_name="contactpoint",
            name="state",
            field=models.CharField(
                choices=[
                    ("good", "Good"),
                    ("paused", "May be the wrong person"),
                    ("bad", "Does not work"),
                    ("landline", "Landline"),
                    ("shared", "Shared"),
                ],
                default="good",
                max_length=8,
            ),
        ),
    ]
