"""How a consent was given goes out of the ledger and is sealed, and so is what an interpreter speaks.

The old columns stay for a release: older code writes there, newer code reads both, and services/sealing moves
what is left after each `migrate`.
"""

import django.db.models.deletion
from django.db import migrations, models

import campaigns.models.encryption

FORWARD = """
CREATE TRIGGER consent_words_never_change BEFORE UPDATE ON consent_words
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
BACKWARD = "DROP TRIGGER consent_words_never_change ON consent_words"


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0016_fewer_indexes")]

    operations = [
        migrations.AddField(
            model_name="patient",
            name="interpreter",
            field=campaigns.models.encryption.EncryptedText(blank=True, db_default="", default=""),
        ),
        migrations.CreateModel(
            name="ConsentWords",
            fields=[
                (
                    "consent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="campaigns.consent",
                    ),
                ),
                ("text", campaigns.models.encryption.EncryptedText()),
            ],
            options={"db_table": "consent_words"},
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
