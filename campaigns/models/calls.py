"""Calls that staff make to patients whom the messages did not reach, or who did not answer."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from campaigns.models.encryption import EncryptedText
from campaigns.models.patients import Patient


class Call(models.Model):
    """One call to one patient from the call list, and how it ended.

    `back_on` is the date at the clinic on which the patient comes back on the list; empty where the matter is
    closed.
    """

    class Outcome(models.TextChoices):
        REACHED = "reached", "Reached"
        LEFT_MESSAGE = "left_message", "Left a message"
        NO_ANSWER = "no_answer", "No answer"
        GAVE_UP = "gave_up", "Given up"

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="calls")
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    note = EncryptedText(blank=True, default="")
    back_on = models.DateField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "call"
        # Only reader: the call list (queries/desk.sql).
        indexes = [models.Index(fields=["at"], name="call_made_at")]
