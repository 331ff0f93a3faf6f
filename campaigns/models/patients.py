"""Patients, how to reach them, and what they agreed to."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

from campaigns.domain.recipients import Channel
from campaigns.models.clinic import Clinic
from campaigns.models.encryption import EncryptedText

CHANNELS = [(channel.value, channel.value) for channel in Channel]


class Patient(models.Model):
    """One person in the clinic's care.

    `language` is what the patient reads, an exact tag of ours such as fr-CA. `interpreter` is what the
    patient speaks at a visit where that needs an interpreter (a name such as Cantonese): never a written
    form. `interpreter_language` is where releases before 0017 wrote it; services/sealing empties it.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        LEFT = "left", "Left"
        DECEASED = "deceased", "Deceased"

    IN_CARE = (Status.ACTIVE, Status.PAUSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients")
    given_name = EncryptedText()
    family_name = EncryptedText(blank=True)
    language = models.CharField(max_length=16)
    interpreter = EncryptedText(blank=True, default="", db_default="")
    interpreter_language = models.CharField(max_length=40, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=200, blank=True)
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    forgotten_at = models.DateTimeField(null=True, help_text="Since then the row holds nothing of the person")

    class Meta:
        db_table = "patient"
        indexes = [
            # Readers: the list of patients, page by page, and who is new (queries/desk.sql).
            models.Index(
                fields=["clinic", "-created_at", "-id"],
                condition=models.Q(forgotten_at=None),
                name="patient_newest",
            ),
            # Only reader: queries/zones.
            models.Index(
                fields=["clinic", "time_zone"], condition=~models.Q(time_zone=""), name="patient_own_zone"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def full_name(self) -> str:
        """Given and family name, or the one there is; a dash for who was forgotten."""
        return f"{self.given_name} {self.family_name}".strip() or "\u2013"

    @property
    def speaks(self) -> str:
        """What an interpreter must speak; nothing where none is needed."""
        return self.interpreter or self.interpreter_language


class ContactPoint(models.Model):
    """One address of a patient. The address is encrypted; `address_index` finds equal addresses.

    `paused`: somebody there may be the wrong person, or want no more; nothing planned goes until staff
    have asked.
    """

    class State(models.TextChoices):
        GOOD = "good", "Good"
        PAUSED = "paused", "May be the wrong person"
        BAD = "bad", "Does not work"
        LANDLINE = "landline", "Landline"
        SHARED = "shared", "Shared"

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="contact_points")
    channel = models.CharField(max_length=5, choices=CHANNELS)
    address = EncryptedText()
    address_index = models.CharField(max_length=64, db_index=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.GOOD)

    class Meta:
        db_table = "contact_point"
        constraints = [
            models.UniqueConstraint(fields=["patient", "channel"], name="one_address_a_patient_and_channel")
        ]


class PatientSearch(models.Model):
    """What a patient is found by: keyed hashes of the beginnings of names, of digits and of addresses.

    Kept by services/find; it can always be made anew from the patient. `key` names the key of the hashes.
    """

    patient = models.OneToOneField(
        Patient, on_delete=models.CASCADE, primary_key=True, related_name="search_keys"
    )
    keys: models.Field[list[int], list[int]] = ArrayField(models.BigIntegerField())
    key = models.CharField(max_length=8)

    class Meta:
        db_table = "patient_search"
        # Read by queries/search. Without a list of pending entries, which every search would have to read.
        indexes = [GinIndex(fields=["keys"], name="patient_search_keys", fastupdate=False)]


class Consent(models.Model):
    """One line of the consent ledger: append-only; the newest line for a topic and channel counts.

    How it was given stands in `ConsentWords`. `evidence` is where releases before 0017 wrote it.
    """

    class Action(models.TextChoices):
        GRANTED = "granted", "Granted"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Topic(models.TextChoices):
        EDUCATION = "education", "Education"
        REMINDERS = "reminders", "Reminders"
        CHECK_INS = "check_ins", "Check-ins"

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="consents")
    channel = models.CharField(max_length=5, choices=CHANNELS)
    topic = models.CharField(max_length=12, choices=Topic.choices)
    action = models.CharField(max_length=10, choices=Action.choices)
    at = models.DateTimeField()
    source = models.CharField(max_length=40)
    by = models.CharField(max_length=120)
    evidence = models.CharField(max_length=200, blank=True)
    language_shown = models.CharField(max_length=16, blank=True)
    wording_shown = models.CharField(max_length=64, blank=True, help_text="Digest of the text agreed to")

    class Meta:
        db_table = "consent"
        # Read by the gates of every claim: the newest line of each topic.
        indexes = [
            models.Index(fields=["patient", "channel", "topic", "-id"], name="consent_newest"),
            # Only reader: who wants no more since staff last looked (queries/desk.sql).
            models.Index(fields=["at"], condition=models.Q(action="withdrawn"), name="consent_taken_back"),
        ]

    @property
    def proof(self) -> str:
        """How the consent was given or taken back, as it was written down."""
        words: ConsentWords | None = getattr(self, "words", None)
        return words.text if words else self.evidence


class ConsentWords(models.Model):
    """How a consent was given, in words of staff. Never changed; gone when the patient is forgotten, while
    the line of the ledger stays."""

    consent = models.OneToOneField(Consent, on_delete=models.CASCADE, primary_key=True, related_name="words")
    text = EncryptedText()

    class Meta:
        db_table = "consent_words"


class Suppression(models.Model):
    """An address that asked us to stop. Outlives the patient's row: only the keyed hash is kept.

    A suppression is lifted, never deleted: `lifted_at` says when the person came back.
    """

    address_index = models.CharField(max_length=64)
    channel = models.CharField(max_length=5, choices=CHANNELS)
    source = models.CharField(max_length=40)
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "suppression"
        constraints = [
            models.UniqueConstraint(
                fields=["address_index", "channel"],
                condition=models.Q(lifted_at=None),
                name="one_suppression_in_force",
            )
        ]


class PatientLink(models.Model):
    """A link in a message that opens one page for one purpose. Only the hash of its token is kept."""

    class Purpose(models.TextChoices):
        INFORMATION = "information", "The page behind a text"
        UNSUBSCRIBE = "unsubscribe", "Unsubscribe"
        PREFERENCES = "preferences", "Language of the messages"
        CHECK_IN = "check_in", "The form of a question"
        REPLY = "reply", "The address that an e-mail is answered to"

    token_hash = models.CharField(max_length=64, primary_key=True)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="links")
    message = models.ForeignKey("campaigns.Message", on_delete=models.CASCADE, related_name="links")
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "patient_link"
