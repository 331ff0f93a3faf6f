"""What a clinic changes: about steps of sequences, and changes that somebody proposed or made."""

from __future__ import annotations

from typing import Any

from django.db import models

from campaigns.domain.overrides import OffReason
from campaigns.models.clinic import Clinic


class StepSetting(models.Model):
    """One step as one clinic wants it; what is empty stays as the file says.

    `offset_days` or `offset_minutes` count from the step's anchor, negative before it. `opens` and `closes`
    are wall times of the recipient. `version` rises with each change, so that an old form is noticed.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+", db_index=False)
    sequence = models.CharField(max_length=40)
    step = models.CharField(max_length=40)
    off_reason = models.CharField(
        max_length=20, blank=True, choices=[(reason.value, reason.value) for reason in OffReason]
    )
    off_note = models.CharField(max_length=200, blank=True)
    offset_days = models.SmallIntegerField(null=True)
    offset_minutes = models.IntegerField(null=True)
    opens = models.TimeField(null=True)
    closes = models.TimeField(null=True)
    version = models.PositiveIntegerField(default=1)
    by = models.CharField(max_length=254)
    at = models.DateTimeField()

    class Meta:
        db_table = "step_setting"
        constraints = [
            models.UniqueConstraint(fields=["clinic", "sequence", "step"], name="one_setting_a_step")
        ]


class ClinicChange(models.Model):
    """A change of a clinic's settings (`sequence` empty) or of one step, as it was proposed with its dry run.

    `before` and `after` hold what changes, by name. `effect` is what planning everybody again would do, or
    what it would do to a sample. It counts from `applied_at` on; at `followed_at` the messages of everybody
    had been planned by it, and `planned_again` counts the patients until then.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    sequence = models.CharField(max_length=40, blank=True)
    step = models.CharField(max_length=40, blank=True)
    before: models.Field[dict[str, Any], dict[str, Any]] = models.JSONField()
    after: models.Field[dict[str, Any], dict[str, Any]] = models.JSONField()
    effect: models.Field[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    proposed_by = models.CharField(max_length=254)
    proposed_at = models.DateTimeField()
    applied_by = models.CharField(max_length=254, blank=True)
    applied_at = models.DateTimeField(null=True)
    followed_at = models.DateTimeField(null=True)
    planned_again = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "clinic_change"


class StepCount(models.Model):
    """How many patients of a clinic are in each step, counted every few minutes; with an empty `step`, how
    many open courses follow the sequence (`ahead`)."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    sequence = models.CharField(max_length=40)
    step = models.CharField(max_length=40, blank=True)
    ahead = models.PositiveIntegerField()
    next_up = models.PositiveIntegerField(default=0)
    sent = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        db_table = "step_count"
