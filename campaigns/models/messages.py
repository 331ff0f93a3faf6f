"""Messages from planned to delivered: the queue of record, every try, every word from the provider."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from campaigns.domain.lifecycle import Purpose, Reason, State
from campaigns.domain.replies import READINESS
from campaigns.models.clinic import Clinic
from campaigns.models.courses import Visit
from campaigns.models.encryption import EncryptedText
from campaigns.models.enrollments import Enrollment
from campaigns.models.patients import CHANNELS, Patient

DUE = models.Q(state__in=[State.PLANNED.value, State.WAITING.value])

UNSAID = [
    State.SKIPPED.value,
    State.CANCELLED.value,
    State.REJECTED.value,
    State.UNDELIVERED.value,
    State.UNRESOLVED.value,
]
"""States in which what had to be said was not, as far as we know. The reason says if it still has to be."""

ON_ITS_WAY = [
    State.PLANNED.value,
    State.WAITING.value,
    State.ATTEMPTING.value,
    State.UNCERTAIN.value,
]
"""States of which no report says anything yet."""


class Message(models.Model):
    """One planned text or e-mail for one patient.

    `due_at` is when it may next be tried: `send_at`, or later after a try that failed for sure. All in UTC.
    `body`, `subject` and `html` hold what was sent; they are empty until it is rendered. `epoch` rises with
    each claim, so that a worker that slept through its lease cannot write over its successor. `answered` is
    kept by a trigger on answers: the same question has an answer, given to this message or to another that
    asked it. It finds the unanswered quickly; what was answered before the column came has it false.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    # Each state is a new entry in every index: those that begin with these two columns serve them as well.
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="messages", db_index=False)
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, null=True, related_name="messages", db_index=False
    )
    sequence = models.CharField(max_length=40)
    step = models.CharField(max_length=40)
    template = models.CharField(max_length=80)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, null=True, related_name="messages")
    visit_version = models.PositiveIntegerField(default=0)
    channel = models.CharField(max_length=5, choices=CHANNELS)
    purpose = models.CharField(max_length=24, choices=[(p.value, p.value) for p in Purpose])
    topic = models.CharField(max_length=12)
    group = models.CharField(max_length=40, blank=True, db_column="message_group")
    asks = models.CharField(max_length=20, blank=True)
    priority = models.PositiveSmallIntegerField(default=5)
    capped = models.BooleanField(default=True)
    send_at = models.DateTimeField()
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in State])
    reason = models.CharField(max_length=32, blank=True, choices=[(r.value, r.value) for r in Reason])
    tries = models.PositiveSmallIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    language = models.CharField(max_length=16, blank=True)
    wording_digest = models.CharField(max_length=64, blank=True)
    stated: models.Field[dict[str, str] | None, dict[str, str] | None] = models.JSONField(null=True)
    subject = EncryptedText(blank=True, default="")
    body = EncryptedText(blank=True, default="")
    html = EncryptedText(blank=True, default="")
    segments = models.PositiveSmallIntegerField(default=0)
    encoding = models.CharField(max_length=5, blank=True)
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    duplicate_possible = models.BooleanField(default=False)
    answered = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "message"
        constraints = [
            models.UniqueConstraint(
                fields=["enrollment", "step", "visit", "visit_version", "channel"],
                condition=models.Q(enrollment__isnull=False),
                nulls_distinct=False,
                name="one_message_an_occurrence",
            )
        ]
        indexes = [
            # Readers: queries/queue.claim, and what goes out today (queries/desk.sql), which the index alone
            # tells.
            models.Index(
                fields=["due_at"],
                include=["clinic", "channel", "patient"],
                condition=DUE,
                name="message_due_of_clinic",
            ),
            # Only reader: queries/queue.expire.
            models.Index(fields=["expires_at"], condition=DUE, name="message_expiring"),
            # Only reader: queries/queue.lapsed, the sweeper and the reconciler.
            models.Index(
                fields=["id"],
                condition=models.Q(state__in=[State.ATTEMPTING.value, State.UNCERTAIN.value]),
                name="message_in_doubt",
            ),
            # Only reader: the call list (queries/desk.sql), for questions that nobody answered. Of this one
            # and the next the index alone tells all that decides.
            models.Index(
                fields=["clinic", "sent_at"],
                include=[
                    *("id", "patient", "enrollment", "visit"),
                    *("visit_version", "group", "asks", "state"),
                ],
                condition=models.Q(topic="check_ins", answered=False, sent_at__isnull=False)
                & ~models.Q(asks=""),
                name="message_unanswered",
            ),
            # Only reader: the call list, for what had to be said and was not.
            models.Index(
                fields=["clinic", "send_at"],
                include=[
                    *(
                        "id",
                        "patient",
                        "enrollment",
                        "step",
                        "visit",
                        "visit_version",
                        "group",
                        "asks",
                        "topic",
                    ),
                    *("purpose", "reason", "channel", "created_at", "state"),
                ],
                condition=models.Q(capped=False, state__in=UNSAID),
                name="message_left_unsaid",
            ),
            # Only reader: what did not go or did not arrive lately, by reason (queries/unsent).
            models.Index(
                fields=["clinic", "settled_at", "state", "reason"],
                condition=models.Q(state__in=UNSAID),
                name="message_not_arrived",
            ),
            # Only reader: who is ready (queries/desk.sql).
            models.Index(
                fields=["visit"],
                include=["id", "asks", "state", "visit_version", "purpose"],
                condition=models.Q(asks__in=sorted(READINESS)),
                name="message_asks_readiness",
            ),
            # Only reader: services/count_up, the messages of one month, those on their way apart.
            models.Index(
                fields=["clinic", "send_at"],
                condition=~models.Q(state__in=ON_ITS_WAY),
                name="message_counted",
            ),
            # Only reader: the patient's page and the caps of one patient.
            models.Index(fields=["patient", "send_at"], name="message_of_patient"),
        ]


class Attempt(models.Model):
    """One try. Committed before a byte leaves, so that whatever happens next has a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts")
    channel = models.CharField(max_length=5, choices=CHANNELS)
    epoch = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    leased_at = models.DateTimeField(db_default=Now())
    outcome = models.CharField(max_length=12, blank=True)
    provider_id = models.CharField(max_length=80, blank=True)
    error_code = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "attempt"
        indexes = [
            # Only reader: services/track, which knows the provider's name for a try.
            models.Index(
                fields=["provider_id"], condition=~models.Q(provider_id=""), name="attempt_by_provider_id"
            )
        ]


class DeliveryEvent(models.Model):
    """One word from a provider about one try. A repeat is the same row."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="events")
    provider_id = models.CharField(max_length=80)
    status = models.CharField(max_length=20)
    error_code = models.CharField(max_length=20, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        db_table = "delivery_event"
        constraints = [models.UniqueConstraint(fields=["provider_id", "status"], name="one_event_a_status")]
