"""Counts for the reports, so that a page needs no look at millions of rows."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from campaigns.models.clinic import Clinic


class ReportCount(models.Model):
    """How often something happened at a clinic in one month of its wall clock. Written by services/count_up.

    `kind` says what is counted, `subject` and `detail` of what; both mean something else in each kind (see
    queries/report_sql). `n` is how many there were, `hits` how many of them did what the kind asks,
    `amount` a sum. `few` holds at most five numbers made of the ids of the patients who are in it, the lowest
    ones: enough to say of any cells together whether they are fewer than five people. `seconds` are times to
    take an alert.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+", db_index=False)
    month = models.DateField(help_text="The first day of the month, at the clinic")
    kind = models.CharField(max_length=12)
    subject = models.CharField(max_length=80, blank=True)
    detail = models.CharField(max_length=24, blank=True)
    channel = models.CharField(max_length=5, blank=True)
    language = models.CharField(max_length=16, blank=True)
    n = models.PositiveIntegerField(default=0)
    hits = models.PositiveIntegerField(default=0)
    amount = models.PositiveBigIntegerField(default=0)
    few: models.Field[list[int], list[int]] = ArrayField(models.BigIntegerField(), default=list)
    seconds: models.Field[list[int], list[int]] = ArrayField(models.PositiveIntegerField(), default=list)

    class Meta:
        db_table = "report_count"
        # Only readers: queries/reports, and services/count_up, which replaces a month.
        indexes = [models.Index(fields=["clinic", "month", "kind"], name="report_count_of_month")]


class ReportMonth(models.Model):
    """Until when a month of a clinic is counted."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+", db_index=False)
    month = models.DateField()
    counted_at = models.DateTimeField()

    class Meta:
        db_table = "report_month"
        constraints = [models.UniqueConstraint(fields=["clinic", "month"], name="one_count_a_month")]
