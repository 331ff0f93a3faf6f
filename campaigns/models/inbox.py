"""Who deals with which conversation, who looks at it just now, and what staff wrote by hand."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from campaigns.models.clinic import Clinic
from campaigns.models.encryption import EncryptedText
from campaigns.models.messages import Message
from campaigns.models.patients import Patient
from campaigns.models.replies import Alert


class Conversation(models.Model):
    """What staff have said about the conversation with one patient; no row where nobody has said anything.

    Who it is assigned to, and when somebody last said that nothing of it is left to do. Neither touches an
    alert: that ends only when a person closes it.
    """

    patient = models.OneToOneField(
        Patient, on_delete=models.CASCADE, primary_key=True, related_name="conversation"
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    assigned_at = models.DateTimeField(null=True)
    handled_at = models.DateTimeField(null=True)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        db_table = "conversation"


class HandWritten(models.Model):
    """A message that a person sent by hand. `key` names the form it came from: one form, one message.

    `words` are what staff typed themselves; empty where a text of the clinic was chosen.
    """

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, related_name="by_hand"
    )
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.UUIDField(unique=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    words = EncryptedText(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        db_table = "hand_written"
        indexes = [
            # Only readers: the conversation of one patient, and what was said to them last.
            models.Index(fields=["patient", "-at"], name="hand_written_of_patient"),
            # Only reader: queries/inbox, what was answered lately.
            models.Index(fields=["clinic", "at"], name="hand_written_lately"),
        ]


class Presence(models.Model):
    """Somebody has an item of the inbox before them; `seen_at` is by the database's real clock."""

    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, null=True, related_name="+")
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, null=True, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "presence"
        constraints = [
            models.UniqueConstraint(fields=["staff", "patient"], name="one_presence_a_patient"),
            models.UniqueConstraint(fields=["staff", "alert"], name="one_presence_an_alert"),
        ]
