"""Keys of other programs and what they are told: triggers write each word where what it tells of happens."""

import campaigns.models.encryption
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.db import migrations, models


FORWARD = """
CREATE FUNCTION tell_endpoints(kind text, of_clinic uuid, about jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO webhook_event (endpoint_id, type, data, at)
    SELECT endpoint.id, kind, about,
        coalesce((SELECT rehearsal_now FROM installation WHERE id = 1), clock_timestamp())
    FROM webhook_endpoint endpoint
    WHERE (endpoint.clinic_id = of_clinic OR of_clinic IS NULL)
        AND endpoint.removed_at IS NULL AND endpoint.disabled_at IS NULL
        AND endpoint.events ? split_part(kind, '.', 1)
$$;

CREATE FUNCTION tell_of_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Messages move in crowds, and most clinics have nobody to tell.
    IF NOT EXISTS (SELECT FROM webhook_endpoint WHERE removed_at IS NULL AND disabled_at IS NULL) THEN
        RETURN NULL;
    END IF;
    PERFORM tell_endpoints('message.' || NEW.state, NEW.clinic_id, jsonb_build_object(
        'message', NEW.id, 'patient', NEW.patient_id, 'state', NEW.state, 'reason', NEW.reason));
    RETURN NULL;
END $$;
CREATE TRIGGER message_told_of AFTER UPDATE OF state ON message FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state IN ({ENDS}))
    EXECUTE FUNCTION tell_of_message();
CREATE TRIGGER message_told_of_at_once AFTER INSERT ON message FOR EACH ROW
    WHEN (NEW.state IN ({ENDS})) EXECUTE FUNCTION tell_of_message();

CREATE FUNCTION tell_of_answer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one answer := coalesce(NEW, OLD);
BEGIN
    PERFORM tell_endpoints(TG_ARGV[0], patient.clinic_id, jsonb_build_object(
        'answer', one.id, 'patient', one.patient_id, 'message', one.message_id, 'question', one.question))
    FROM patient WHERE patient.id = one.patient_id;
    RETURN NULL;
END $$;
CREATE TRIGGER answer_told_of AFTER INSERT ON answer FOR EACH ROW
    EXECUTE FUNCTION tell_of_answer('answer.recorded');
CREATE TRIGGER answer_told_of_again AFTER UPDATE OF value ON answer FOR EACH ROW
    WHEN (OLD.value IS DISTINCT FROM NEW.value) EXECUTE FUNCTION tell_of_answer('answer.corrected');
CREATE TRIGGER answer_withdrawn_told_of AFTER DELETE ON answer FOR EACH ROW
    EXECUTE FUNCTION tell_of_answer('answer.withdrawn');

CREATE FUNCTION tell_of_alert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell_endpoints(TG_ARGV[0], NEW.clinic_id, jsonb_build_object(
        'alert', NEW.id, 'patient', NEW.patient_id, 'urgency', NEW.urgency, 'part_of', NEW.part_of_id));
    RETURN NULL;
END $$;
CREATE TRIGGER alert_told_of AFTER INSERT ON alert FOR EACH ROW
    EXECUTE FUNCTION tell_of_alert('alert.opened');
CREATE TRIGGER alert_taken_told_of AFTER UPDATE OF acknowledged_at ON alert FOR EACH ROW
    WHEN (OLD.acknowledged_at IS NULL AND NEW.acknowledged_at IS NOT NULL AND NEW.closed_at IS NULL)
    EXECUTE FUNCTION tell_of_alert('alert.acknowledged');
CREATE TRIGGER alert_put_back_told_of AFTER UPDATE OF acknowledged_at ON alert FOR EACH ROW
    WHEN (OLD.acknowledged_at IS NOT NULL AND NEW.acknowledged_at IS NULL)
    EXECUTE FUNCTION tell_of_alert('alert.put_back');
CREATE TRIGGER alert_closed_told_of AFTER UPDATE OF closed_at ON alert FOR EACH ROW
    WHEN (OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL)
    EXECUTE FUNCTION tell_of_alert('alert.closed');
""".replace(
    "{ENDS}",
    "'accepted', 'delivered', 'undelivered', 'unknown', 'rejected', 'unresolved', 'skipped', 'cancelled'",
)

BACKWARD = """
DROP FUNCTION tell_of_message() CASCADE;
DROP FUNCTION tell_of_answer() CASCADE;
DROP FUNCTION tell_of_alert() CASCADE;
DROP FUNCTION tell_endpoints(text, uuid, jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0018_sign_in"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=80)),
                ("prefix", models.CharField(max_length=16)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("scopes", models.JSONField(default=list)),
                ("per_minute", models.PositiveIntegerField(default=600)),
                ("left", models.FloatField(default=0)),
                ("left_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=120)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to="campaigns.clinic",
                    ),
                ),
            ],
            options={
                "db_table": "api_key",
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("url", campaigns.models.encryption.EncryptedText()),
                ("secret", campaigns.models.encryption.EncryptedText()),
                ("events", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=120)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(null=True)),
                ("retry_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhook_endpoints",
                        to="campaigns.clinic",
                    ),
                ),
            ],
            options={
                "db_table": "webhook_endpoint",
            },
        ),
        migrations.CreateModel(
            name="ApiAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("asked", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(default=0)),
                ("body", campaigns.models.encryption.EncryptedText(blank=True, default="")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answers",
                        to="campaigns.apikey",
                    ),
                ),
            ],
            options={
                "db_table": "api_answer",
                "indexes": [models.Index(fields=["created_at"], name="api_answer_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("key", "name"), name="one_answer_a_key_and_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="PatientReference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", campaigns.models.encryption.EncryptedText()),
                ("name_index", models.CharField(max_length=64)),
                (
                    "clinic",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="campaigns.clinic",
                    ),
                ),
                (
                    "patient",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reference",
                        to="campaigns.patient",
                    ),
                ),
            ],
            options={
                "db_table": "patient_reference",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("clinic", "name_index"), name="one_patient_a_clinic_and_reference"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("type", models.CharField(max_length=40)),
                ("data", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "To be sent"),
                            ("sent", "Taken by the other side"),
                            ("dead", "Given up"),
                        ],
                        db_default="waiting",
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("fault", models.CharField(blank=True, db_default="", default="", max_length=80)),
                ("settled_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="told",
                        to="campaigns.webhookendpoint",
                    ),
                ),
            ],
            options={
                "db_table": "webhook_event",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["endpoint", "tries", "due_at"],
                        name="webhook_event_waiting",
                    ),
                    models.Index(fields=["created_at"], name="webhook_event_age"),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
