"""Who was forgotten, whether messages go to everybody yet, two reasons, and whom somebody has looked at."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0013_ticks")]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="is_trial",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Not live yet: only TRIAL_RECIPIENTS are written to",
            ),
        ),
        migrations.AddField(
            model_name="patient",
            name="forgotten_at",
            field=models.DateTimeField(help_text="Since then the row holds nothing of the person", null=True),
        ),
        migrations.AlterField(
            model_name="message",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("expired", "expired"),
                    ("opted_out", "opted_out"),
                    ("no_consent", "no_consent"),
                    ("no_address", "no_address"),
                    ("bad_address", "bad_address"),
                    ("landline", "landline"),
                    ("visit_cancelled", "visit_cancelled"),
                    ("visit_moved", "visit_moved"),
                    ("visit_done", "visit_done"),
                    ("visit_missed", "visit_missed"),
                    ("course_closed", "course_closed"),
                    ("patient_paused", "patient_paused"),
                    ("patient_left", "patient_left"),
                    ("patient_deceased_or_merged", "patient_deceased_or_merged"),
                    ("enrollment_stopped", "enrollment_stopped"),
                    ("quiet_hours_no_window", "quiet_hours_no_window"),
                    ("cap_reached", "cap_reached"),
                    ("template_missing", "template_missing"),
                    ("translation_missing", "translation_missing"),
                    ("translation_not_approved", "translation_not_approved"),
                    ("render_error", "render_error"),
                    ("too_long", "too_long"),
                    ("channel_paused", "channel_paused"),
                    ("provider_config", "provider_config"),
                    ("provider_refused", "provider_refused"),
                    ("unreachable", "unreachable"),
                    ("filtered", "filtered"),
                    ("retries_used_up", "retries_used_up"),
                    ("uncertain_expired", "uncertain_expired"),
                    ("operator_cancelled", "operator_cancelled"),
                    ("superseded", "superseded"),
                    ("answered", "answered"),
                    ("not_needed", "not_needed"),
                    ("provider_down", "provider_down"),
                    ("question_open", "question_open"),
                    ("sender_busy", "sender_busy"),
                    ("patient_forgotten", "patient_forgotten"),
                    ("not_live", "not_live"),
                ],
                max_length=32,
            ),
        ),
    ]
