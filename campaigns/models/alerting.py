"""Who is told of alerts, and every word that went to them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from campaigns.domain.ladder import Rung, When
from campaigns.models.clinic import Clinic
from campaigns.models.encryption import EncryptedText
from campaigns.models.patients import CHANNELS
from campaigns.models.replies import Alert


class OnCall(models.Model):
    """One person on the alert list of a clinic, told in the order of `place`, in `language`.

    An empty e-mail or phone is a channel that does not reach them. `starts` and `ends` are wall times at the
    clinic and count only for the hours `between`.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="on_call")
    staff = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="on_call")
    place = models.PositiveSmallIntegerField(default=1)
    email = EncryptedText(blank=True)
    phone = EncryptedText(blank=True)
    language = models.CharField(max_length=16, default="en-CA")
    when = models.CharField(
        max_length=8, choices=[(when.value, when.value) for when in When], default=When.ALWAYS.value
    )
    starts = models.TimeField(null=True)
    ends = models.TimeField(null=True)
    is_lead = models.BooleanField(default=False)

    class Meta:
        db_table = "on_call"


class AlertNotice(models.Model):
    """One word to one person about one step of an alert, by one channel; no alert: a test.

    Committed before a byte leaves. `due_at` is when it may be tried: later while a try is under way, so that
    what a dead process held is tried again. Staff may get a word twice; never is worse.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "To be sent"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"
        NOT_NEEDED = "not_needed", "Not needed any more"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, null=True, related_name="notices")
    step = models.PositiveSmallIntegerField(default=0)
    rung = models.CharField(max_length=10, choices=[(rung.value, rung.value) for rung in Rung])
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=5, choices=CHANNELS)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    at = models.DateTimeField()
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "alert_notice"
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "step", "staff", "channel"], name="one_notice_a_step_person_and_channel"
            )
        ]
        indexes = [
            # Only reader: services/climb, what is to be sent or in doubt.
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=["planned", "sending"]),
                name="alert_notice_due",
            )
        ]
