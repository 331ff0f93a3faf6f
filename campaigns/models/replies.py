"""What patients say, what it was understood as, and what a person must look at."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from campaigns.models.clinic import Clinic
from campaigns.models.encryption import EncryptedText
from campaigns.models.messages import Message
from campaigns.models.patients import CHANNELS, Patient


class Reply(models.Model):
    """One inbound text, kept as it came. `patient` is empty where the number is unknown or shared.

    `waiting`: stored, and not read yet. `sender` is kept so that a person can ring back a number that is no
    patient's; `tries` counts how often the rules failed on it.
    """

    class Outcome(models.TextChoices):
        WAITING = "waiting", "Not read yet"
        ANSWER = "answer", "Answer"
        OPT_OUT = "opt_out", "Opted out"
        OPT_IN = "opt_in", "Opted in"
        HELP = "help", "Asked for help"
        LANGUAGE = "language", "Changed language"
        ALERT = "alert", "Needs a person"
        UNMATCHED = "unmatched", "Unknown sender"

    provider_id = models.CharField(max_length=80, unique=True)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, null=True, related_name="replies")
    channel = models.CharField(max_length=5, choices=CHANNELS)
    address_index = models.CharField(max_length=64)
    sender = EncryptedText(blank=True, db_default="")
    sent_to = models.CharField(max_length=20, blank=True, db_default="", help_text="The clinic's own number")
    opt_out_type = models.CharField(
        max_length=12, blank=True, db_default="", help_text="What the provider has answered"
    )
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    files = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="Pictures that came with a text; the provider has them",
    )
    body = EncryptedText()
    received_at = models.DateTimeField()
    language = models.CharField(max_length=16, blank=True)
    keyword = models.CharField(max_length=12, blank=True)
    answer = models.CharField(max_length=12, blank=True)
    urgency = models.CharField(max_length=12, blank=True)
    parser_version = models.CharField(max_length=20)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="replies")

    class Meta:
        db_table = "reply"
        indexes = [
            # Only reader: what has come in and waits to be read.
            models.Index(fields=["id"], condition=models.Q(outcome="waiting"), name="reply_waiting"),
            # Only readers: what came in since staff last looked (queries/desk.sql), and services/count_up.
            models.Index(fields=["clinic", "received_at", "outcome"], name="reply_came_in"),
        ]


class Answer(models.Model):
    """A certain answer to one question, bound to the message that asked. `code` is LOINC where one exists.

    `late`: it came when the question was closed. It is kept and shown, and no rule takes it for news.
    """

    reply = models.OneToOneField(Reply, on_delete=models.CASCADE, related_name="parsed_answer")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="answers")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="answers")
    question = models.CharField(max_length=20)
    value = models.CharField(max_length=12)
    code = models.CharField(max_length=12, blank=True)
    answered_at = models.DateTimeField()
    late = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "answer"


class AnswerCorrection(models.Model):
    """What an answer was before a person put it right. `became` is empty where it was no answer at all."""

    reply = models.ForeignKey(Reply, on_delete=models.CASCADE, related_name="corrections")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    was = models.CharField(max_length=12)
    became = models.CharField(max_length=12, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "answer_correction"


class Alert(models.Model):
    """Something a named person must look at. Only a person closes it.

    While nobody has acknowledged it, it climbs: `next_step_at` is the timer, `climbs_from` where this climb
    began, `climbed` how many steps of it are taken; `steps` counts those of all climbs. What the same patient
    says meanwhile is `part_of` it: taken and closed with it. `tried_at` and `tried_by` tell of the last of
    `tries` calls that nobody picked up.
    """

    class Urgency(models.TextChoices):
        EMERGENCY = "emergency", "Emergency"
        URGENT = "urgent", "Urgent"
        ROUTINE = "routine", "Routine"

    class Outcome(models.TextChoices):
        REACHED = "reached", "Reached by phone"
        EMERGENCY = "emergency", "Sent to emergency"
        NO_ANSWER = "no_answer", "No answer, will try again"
        NOT_URGENT = "not_urgent", "Read, not urgent"
        FALSE_ALARM = "false_alarm", "False alarm"
        HANDED_ON = "handed_on", "Not reached, handed on"

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, related_name="+")
    reply = models.ForeignKey(Reply, on_delete=models.CASCADE, null=True, related_name="alerts")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, null=True, related_name="alerts")
    urgency = models.CharField(max_length=10, choices=Urgency.choices)
    rule = models.CharField(max_length=60)
    matched: models.Field[list[str], list[str]] = models.JSONField(default=list)
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    steps = models.PositiveSmallIntegerField(default=0)
    part_of = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="parts")
    climbs_from = models.DateTimeField(null=True)
    climbed = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_step_at = models.DateTimeField(null=True)
    incident_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    tried_at = models.DateTimeField(null=True)
    tried_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = EncryptedText(blank=True, default="", db_default="")

    class Meta:
        db_table = "alert"
        indexes = [
            # Only reader: services/climb, which steps are due.
            models.Index(
                fields=["next_step_at"],
                condition=models.Q(closed_at=None, acknowledged_at=None, part_of=None),
                name="alert_climbing",
            ),
            # Only reader: the list of what needs a person.
            models.Index(
                fields=["clinic", "opened_at"], condition=models.Q(closed_at=None), name="alert_open"
            ),
            # Readers: what was closed since staff last looked (queries/desk.sql), and closed alerts by page.
            models.Index(
                fields=["clinic", "-closed_at", "-id"],
                condition=models.Q(closed_at__isnull=False),
                name="alert_closed",
            ),
        ]
