"""Drops two indexes of messages whose first column begins another: each state cost an entry in both."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0015_looks")]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="enrollment",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=models.CASCADE,
                related_name="messages",
                to="campaigns.enrollment",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="patient",
            field=models.ForeignKey(
                db_index=False, on_delete=models.CASCADE, related_name="messages", to="campaigns.patient"
            ),
        ),
    ]
