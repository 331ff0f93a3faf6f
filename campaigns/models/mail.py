"""Mail that came in, as it came: kept before anything is made of it."""

from __future__ import annotations

from django.db import models

from campaigns.models.encryption import EncryptedBytes, EncryptedText
from campaigns.models.replies import Reply


class InboundMail(models.Model):
    """One mail from outside. `raw` is at most the first 10 MiB of the `size` bytes that came (encrypted).

    `envelope` is who sent it and to whom, as the server that handed it over said (JSON, encrypted). `words`
    is all that could be read in it, where that is more than its reply holds. `trust` says what proves the
    sender.
    """

    class State(models.TextChoices):
        STORED = "stored", "Not read yet"
        READ = "read", "Read"
        FAILED = "failed", "Could not be read"

    class Trust(models.TextChoices):
        NONE = "", "Not proven"
        TOKEN = "token", "It answers to an address that only the patient was given"
        DOMAIN = "domain", "Our server vouches for the address it came from"

    digest = models.CharField(max_length=64, unique=True)
    way = models.CharField(max_length=8)
    raw = EncryptedBytes()
    size = models.PositiveIntegerField()
    envelope = EncryptedText(blank=True, default="")
    received_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.STORED)
    tries = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=12, blank=True)
    trust = models.CharField(max_length=8, choices=Trust.choices, blank=True)
    words = EncryptedText(blank=True, default="")
    files = models.PositiveIntegerField(default=0)
    damaged = models.BooleanField(default=False)
    reply = models.OneToOneField(Reply, on_delete=models.CASCADE, null=True, related_name="mail")

    class Meta:
        db_table = "inbound_mail"
        indexes = [
            # Only reader: services/receive_mail.read_waiting.
            models.Index(fields=["id"], condition=models.Q(state="stored"), name="inbound_mail_unread")
        ]
