"""Whether a channel of a clinic may be used now, and how fast."""

from __future__ import annotations

from django.db import models

from campaigns.models.clinic import Clinic
from campaigns.models.patients import CHANNELS


class ChannelState(models.Model):
    """One channel of one clinic; no row means that nothing keeps it. The rules are domain/circuit and
    domain/pace. `probe` is the message that may go although the channel is shut. All in UTC."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(max_length=5, choices=CHANNELS)
    failures = models.PositiveIntegerField(default=0, db_default=0)
    times = models.PositiveIntegerField(default=0, db_default=0)
    since = models.DateTimeField(null=True)
    shut_until = models.DateTimeField(null=True)
    why = models.CharField(max_length=32, blank=True, default="", db_default="", help_text="A reason")
    probe = models.BigIntegerField(null=True)
    free_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "channel_state"
        constraints = [
            models.UniqueConstraint(fields=["clinic", "channel"], name="one_state_a_channel"),
        ]
