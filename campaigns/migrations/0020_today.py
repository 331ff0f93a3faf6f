"""What the front desk reads quickly at size: which questions have an answer, and indexes that tell by themselves
whom to call, what goes out and what changed. Nothing is held up while they are built."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION mark_answered(asked bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given record;
    known boolean;
BEGIN
    SELECT enrollment_id, message_group, visit_id, visit_version, asks INTO given FROM message WHERE id = asked;
    -- What is the same question is what domain/dialogue.about says: one without a group stands for itself.
    IF given.enrollment_id IS NULL OR given.message_group = '' THEN
        known := EXISTS (SELECT FROM answer WHERE message_id = asked);
        UPDATE message SET answered = known WHERE id = asked AND answered <> known;
        RETURN;
    END IF;
    known := EXISTS (
        SELECT FROM message m JOIN answer a ON a.message_id = m.id
        WHERE m.enrollment_id = given.enrollment_id AND m.visit_id IS NOT DISTINCT FROM given.visit_id
            AND m.visit_version = given.visit_version AND m.message_group = given.message_group
            AND m.asks = given.asks);
    -- What has not left yet is left alone: a sender may hold it.
    UPDATE message SET answered = known
    WHERE enrollment_id = given.enrollment_id AND visit_id IS NOT DISTINCT FROM given.visit_id
        AND visit_version = given.visit_version AND message_group = given.message_group
        AND asks = given.asks AND sent_at IS NOT NULL AND answered <> known;
END $$;

CREATE FUNCTION answer_marks_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM mark_answered(OLD.message_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM mark_answered(NEW.message_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER answer_marks_message AFTER INSERT OR DELETE OR UPDATE OF message_id ON answer
    FOR EACH ROW EXECUTE FUNCTION answer_marks_message();
"""

BACKWARD = """
DROP TRIGGER answer_marks_message ON answer;
DROP FUNCTION answer_marks_message();
DROP FUNCTION mark_answered(bigint);
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("campaigns", "0019_api")]

    operations = [
        migrations.CreateModel(
            name="TodaySeen",
            fields=[
                (
                    "staff",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "today_seen"},
        ),
        migrations.AddField(
            model_name="message",
            name="answered",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        AddIndexConcurrently(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["clinic", "-closed_at", "-id"],
                name="alert_closed",
            ),
        ),
        AddIndexConcurrently(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("action__in", ["visit_cancelled", "visit_moved", "visit_no_show"])),
                fields=["at"],
                name="audit_visit_changes",
            ),
        ),
        AddIndexConcurrently(model_name="call", index=models.Index(fields=["at"], name="call_made_at")),
        AddIndexConcurrently(
            model_name="consent",
            index=models.Index(
                condition=models.Q(("action", "withdrawn")), fields=["at"], name="consent_taken_back"
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state__in", ["planned", "waiting"])),
                fields=["due_at"],
                include=("clinic", "channel", "patient"),
                name="message_due_of_clinic",
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("answered", False),
                    ("sent_at__isnull", False),
                    ("topic", "check_ins"),
                    models.Q(("asks", ""), _negated=True),
                ),
                fields=["clinic", "sent_at"],
                include=("id", "patient", "enrollment", "visit", "visit_version", "group", "asks", "state"),
                name="message_unanswered",
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("capped", False),
                    ("state__in", ["skipped", "cancelled", "rejected", "undelivered", "unresolved"]),
                ),
                fields=["clinic", "send_at"],
                include=(
                    "id",
                    "patient",
                    "enrollment",
                    "step",
                    "visit",
                    "visit_version",
                    "group",
                    "asks",
                    "topic",
                    "purpose",
                    "reason",
                    "channel",
                    "created_at",
                    "state",
                ),
                name="message_left_unsaid",
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("state__in", ["skipped", "cancelled", "rejected", "undelivered", "unresolved"])
                ),
                fields=["clinic", "settled_at", "state", "reason"],
                name="message_not_arrived",
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("asks__in", ["confirm", "ready"])),
                fields=["visit"],
                include=("id", "asks", "state", "visit_version", "purpose"),
                name="message_asks_readiness",
            ),
        ),
        AddIndexConcurrently(
            model_name="patient",
            index=models.Index(
                condition=models.Q(("forgotten_at", None)),
                fields=["clinic", "-created_at", "-id"],
                name="patient_newest",
            ),
        ),
        AddIndexConcurrently(
            model_name="patient",
            index=models.Index(
                condition=models.Q(("time_zone", ""), _negated=True),
                fields=["clinic", "time_zone"],
                name="patient_own_zone",
            ),
        ),
        AddIndexConcurrently(
            model_name="reply",
            index=models.Index(fields=["clinic", "received_at", "outcome"], name="reply_came_in"),
        ),
        RemoveIndexConcurrently(model_name="message", name="message_due"),
        RemoveIndexConcurrently(model_name="message", name="message_asked"),
        RemoveIndexConcurrently(model_name="message", name="message_unsaid"),
    ]
