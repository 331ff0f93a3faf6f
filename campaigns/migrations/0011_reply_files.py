"""How many pictures came with a text."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0010_inbound_mail"),
    ]

    operations = [
        migrations.AddField(
            model_name="reply",
            name="files",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="Pictures that came with a text; the provider has them",
            ),
        ),
    ]
