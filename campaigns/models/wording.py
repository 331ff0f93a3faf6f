"""Which texts a clinic has approved. Approval binds the digest: a changed text is a new, unapproved one."""

from __future__ import annotations

from django.db import models

from campaigns.models.clinic import Clinic
from campaigns.models.patients import CHANNELS


class Wording(models.Model):
    """The state of one template in one language for one clinic."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        REVIEWED = "reviewed", "Reviewed"
        APPROVED = "approved", "Approved"
        RETIRED = "retired", "Retired"

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="wordings")
    template = models.CharField(max_length=80)
    channel = models.CharField(max_length=5, choices=CHANNELS)
    language = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    approved_by = models.CharField(max_length=120, blank=True)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "wording"
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "template", "channel", "language", "digest"], name="one_wording_a_digest"
            )
        ]
