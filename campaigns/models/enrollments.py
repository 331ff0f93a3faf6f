"""A course that follows a sequence."""

from __future__ import annotations

import uuid

from django.db import models

from campaigns.models.courses import Course


class Enrollment(models.Model):
    """One sequence for one course. `digest` is the timing that it was last planned by (services/plan.py)."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        FINISHED = "finished", "Finished"
        STOPPED = "stopped", "Stopped"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="enrollments")
    sequence = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    reason = models.CharField(max_length=200, blank=True)
    enrolled_at = models.DateTimeField()

    class Meta:
        db_table = "enrollment"
        constraints = [
            models.UniqueConstraint(
                fields=["course", "sequence"], name="one_enrollment_a_course_and_sequence"
            )
        ]
