"""Where other programs want to be told of what happens, and every word that goes to them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now

from campaigns.models.clinic import Clinic
from campaigns.models.encryption import EncryptedText


class WebhookEndpoint(models.Model):
    """One address of one clinic's. Address and secret are encrypted: either may open something.

    `failures` in a row since `failing_since`; nothing is tried before `retry_at`. Who failed for days is
    `disabled_at`, until somebody resumes it. A removed one stays as a row that nothing refers a word to.
    Times are the real clock's: the other side knows no rehearsal.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="webhook_endpoints")
    url = EncryptedText()
    secret = EncryptedText()
    events: models.Field[list[str], list[str]] = models.JSONField(default=list)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=120)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_endpoint"


class WebhookEvent(models.Model):
    """One word to one endpoint: ids and states, nothing of a person. Triggers write it in the transaction of
    what it tells of. `due_at` is later while a try is under way, so that a dead worker's are tried again."""

    class State(models.TextChoices):
        WAITING = "waiting", "To be sent"
        SENT = "sent", "Taken by the other side"
        DEAD = "dead", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="told")
    type = models.CharField(max_length=40)
    data: models.Field[dict[str, object], dict[str, object]] = models.JSONField(default=dict)
    at = models.DateTimeField()
    state = models.CharField(
        max_length=8, choices=State.choices, default=State.WAITING, db_default=State.WAITING.value
    )
    due_at = models.DateTimeField(db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    fault = models.CharField(max_length=80, blank=True, default="", db_default="")
    settled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "webhook_event"
        indexes = [
            # Only reader: services/outbox, what is to be sent.
            models.Index(
                fields=["endpoint", "tries", "due_at"],
                condition=models.Q(state="waiting"),
                name="webhook_event_waiting",
            ),
            # Only reader: services/outbox, which throws old ones away.
            models.Index(fields=["created_at"], name="webhook_event_age"),
        ]
