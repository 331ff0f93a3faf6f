"""Keys of other programs, what they were answered, and how they name our patients."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from campaigns.models.clinic import Clinic
from campaigns.models.encryption import EncryptedText
from campaigns.models.patients import Patient


class ApiKey(models.Model):
    """One key of one clinic. Of the key itself only `digest` is kept, and `prefix` by which people know it.

    `left` is what the key may still ask at `left_at`: it fills up by `per_minute` a minute, to that at most.
    Times are the real clock's, whatever a rehearsal says.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes: models.Field[list[str], list[str]] = models.JSONField(default=list)
    per_minute = models.PositiveIntegerField(default=600)
    left = models.FloatField(default=0)
    left_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=120)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_key"


class ApiAnswer(models.Model):
    """What a request with an `Idempotency-Key` was answered, for when it comes again. `asked` is its digest.

    Encrypted, because an answer may hold what is shown only once.
    """

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="answers")
    name = models.CharField(max_length=64)
    asked = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = EncryptedText(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "api_answer"
        constraints = [models.UniqueConstraint(fields=["key", "name"], name="one_answer_a_key_and_name")]
        # Only reader: services/outbox, which throws old ones away.
        indexes = [models.Index(fields=["created_at"], name="api_answer_age")]


class PatientReference(models.Model):
    """What another program calls a patient, such as its number in the clinic's own system."""

    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="reference")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = EncryptedText()
    name_index = models.CharField(max_length=64)

    class Meta:
        db_table = "patient_reference"
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "name_index"], name="one_patient_a_clinic_and_reference"
            )
        ]
