"""A course of treatment and its visits."""

from __future__ import annotations

import uuid

from django.db import models

from campaigns.domain.visits import VisitKind, VisitState
from campaigns.models.patients import Patient


class Course(models.Model):
    """One course of treatment of one patient."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        COMPLETED = "completed", "Completed"
        CLOSED = "closed", "Closed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="courses")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    completed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "course"


class Visit(models.Model):
    """One visit. The truth is the wall clock at the clinic: `on_date` and `at_time`, in the clinic's zone.

    `version` rises each time the date or time moves, so that work for the old date can be told apart.
    `settled_at` is when the visit was completed, missed or cancelled (UTC).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="visits")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in VisitKind])
    on_date = models.DateField()
    at_time = models.TimeField()
    minutes = models.PositiveSmallIntegerField(default=45)
    state = models.CharField(
        max_length=10,
        choices=[(state.value, state.value) for state in VisitState],
        default=VisitState.BOOKED.value,
    )
    version = models.PositiveIntegerField(default=1)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "visit"
        constraints = [models.UniqueConstraint(fields=["course", "number"], name="visit_number_in_course")]
        # Only reader: queries/readiness, the visits of one day.
        indexes = [models.Index(fields=["on_date"], name="visit_on_date")]
