"""A kind of link of its own for the form of a question."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0003_languages"),
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
                ],
                max_length=12,
            ),
        ),
    ]
