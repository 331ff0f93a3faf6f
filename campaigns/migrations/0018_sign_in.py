"""Where staff are signed in, and how often somebody guessed at the door."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0017_sealed_words")]

    operations = [
        migrations.CreateModel(
            name="Guess",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("wrong", models.PositiveIntegerField()),
                ("since", models.DateTimeField()),
                ("shut_until", models.DateTimeField()),
            ],
            options={"db_table": "sign_in_guess"},
        ),
        migrations.CreateModel(
            name="StaffSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("session_key", models.CharField(max_length=40, unique=True)),
                ("began_at", models.DateTimeField()),
                ("browser", models.CharField(max_length=200)),
                ("address", models.CharField(max_length=64)),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "staff_session"},
        ),
    ]
