"""What each duty says when it has run, and what outlives a database that is put back to an earlier state.

Adds only, so that the release before runs on these tables.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0012_channel_state"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tick",
            fields=[
                ("duty", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("first_at", models.DateTimeField()),
            ],
            options={"db_table": "tick"},
        ),
        migrations.CreateModel(
            name="Witness",
            fields=[
                ("place", models.UUIDField(primary_key=True, serialize=False)),
                ("count", models.PositiveBigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "witness"},
        ),
        migrations.AddField("installation", "incarnation", models.UUIDField(null=True)),
        migrations.AddField("installation", "lost_since", models.DateTimeField(null=True)),
        migrations.AddField("installation", "lost_until", models.DateTimeField(null=True)),
    ]
