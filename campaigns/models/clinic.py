"""The clinic that everything belongs to, and the one row about the installation itself."""

from __future__ import annotations

import uuid
from functools import cache
from importlib.resources import files

from django.db import models

from campaigns.domain.vocabulary import parse_settings


@cache
def _shipped_settings() -> dict[str, int]:
    text = files("campaigns").joinpath("sequences/vocabulary/settings.yaml").read_text(encoding="utf-8")
    return {key: setting.default for key, setting in parse_settings(text, "settings.yaml").items()}


def default_settings() -> dict[str, int]:
    """Figures that clinics disagree on, so that none stands in a text (days), as the sequence files say."""
    return dict(_shipped_settings())


def default_hours() -> dict[str, list[str]]:
    """Staffed hours by weekday (Monday is 0), local time."""
    return {str(day): ["09:00", "17:00"] for day in range(5)}


class Clinic(models.Model):
    """One clinic. Clock times are wall time in `time_zone`.

    `opt_out_scope` says what one STOP ends: its channel, as Canadian rules ask, or every channel, as the US
    rule that one revocation ends all (47 CFR 64.1200(a)(10)).
    """

    class OptOutScope(models.TextChoices):
        CHANNEL = "channel", "The channel that it was said on"
        ALL = "all", "Every channel"

    class UnapprovedPolicy(models.TextChoices):
        ENGLISH = "english", "Send the approved English text with one line in the patient's language"
        HOLD = "hold", "Hold the message and show it to staff"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    display_name = models.CharField(
        max_length=30, help_text="Neutral name for texts: no specialty, no treatment"
    )
    time_zone = models.CharField(max_length=64, default="America/Vancouver")
    address = models.CharField(max_length=200)
    phone = models.CharField(max_length=20)
    clinician_name = models.CharField(max_length=120, blank=True)
    fee_text = models.CharField(max_length=120, blank=True)
    languages: models.Field[list[str], list[str]] = models.JSONField(default=list)
    staffed_hours: models.Field[dict[str, list[str]], dict[str, list[str]]] = models.JSONField(
        default=default_hours
    )
    holidays: models.Field[list[str], list[str]] = models.JSONField(default=list, help_text="ISO dates")
    send_from = models.TimeField(default="09:00")
    send_to = models.TimeField(default="18:30")
    send_days: models.Field[list[int], list[int]] = models.JSONField(default=list, help_text="Monday is 0")
    quiet_from = models.TimeField(default="21:00")
    quiet_to = models.TimeField(default="07:30")
    sms_per_day = models.PositiveSmallIntegerField(default=2)
    sms_per_week = models.PositiveSmallIntegerField(default=7)
    settings: models.Field[dict[str, int], dict[str, int]] = models.JSONField(default=default_settings)
    alert_ladder: models.Field[dict[str, int], dict[str, int]] = models.JSONField(
        default=dict,
        db_default={},
        help_text="Minutes of the alert ladder where they are shorter than the default",
    )
    sms_limits: models.Field[dict[str, int], dict[str, int]] = models.JSONField(
        default=dict, help_text="Segment sizes of this sender where they differ from 160/153/70/67"
    )
    price_per_segment = models.DecimalField(max_digits=8, decimal_places=5, default="0.0083")
    currency = models.CharField(max_length=3, default="USD")
    sms_number = models.CharField(max_length=20, blank=True)
    segments_per_second = models.FloatField(
        default=0,
        db_default=0,
        help_text="What the sender carries: long code 1, toll-free 3, short code 100; 0 for no limit",
    )
    other_channel = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Say on the other channel what could not arrive on the first",
    )
    unapproved_policy = models.CharField(
        max_length=8, choices=UnapprovedPolicy.choices, default=UnapprovedPolicy.ENGLISH
    )
    fallback_languages: models.Field[dict[str, list[str]], dict[str, list[str]]] = models.JSONField(
        default=dict, help_text="By language tag: what to try, in order, before English"
    )
    wording_version = models.UUIDField(
        default=uuid.uuid4,
        editable=False,
        help_text="Another one after every change of wording; kept by triggers",
    )
    opt_out_scope = models.CharField(max_length=7, choices=OptOutScope.choices, default=OptOutScope.CHANNEL)
    lexicon_version = models.UUIDField(
        default=uuid.uuid4,
        editable=False,
        help_text="Another one after every change of the clinic's own words for replies; kept by a trigger",
    )
    large_act_limit = models.PositiveIntegerField(
        default=200,
        db_default=200,
        help_text="An act that changes messages of more patients than this is a large one",
    )
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "clinic"

    def __str__(self) -> str:
        return self.name


class Installation(models.Model):
    """The single row about this installation: is everything paused, and whose clock counts.

    `rehearsal_now` is the clock of a rehearsal; null means the database's own clock. Only a rehearsal sets
    it, and only where every channel ends on this machine.

    `incarnation` names this life of the database: a new one begins when somebody finds that it was put back
    to an earlier state. `lost_since` and `lost_until` are the time it then knows nothing of; they are set
    until what was sent in it has been looked up. `last_tick_at` and `last_climb_at` are only written: the
    release before reads them, the present one reads `Tick`.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    paused = models.BooleanField(default=False)
    paused_reason = models.CharField(max_length=200, blank=True)
    rehearsal_now = models.DateTimeField(null=True)
    last_tick_at = models.DateTimeField(null=True)
    last_climb_at = models.DateTimeField(null=True)
    incarnation = models.UUIDField(null=True)
    lost_since = models.DateTimeField(null=True)
    lost_until = models.DateTimeField(null=True)
    is_trial = models.BooleanField(
        default=False, db_default=False, help_text="Not live yet: only TRIAL_RECIPIENTS are written to"
    )

    class Meta:
        db_table = "installation"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_installation")]


class Tick(models.Model):
    """When a duty of the workers last ran, and when for the first time. By the database's real clock."""

    duty = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()
    first_at = models.DateTimeField()

    class Meta:
        db_table = "tick"


class Witness(models.Model):
    """A place that remembers this database outside of it, in its state folder. `count` rises there and here;
    a `count` that is lower here than there says that the database was put back to an earlier state."""

    place = models.UUIDField(primary_key=True)
    count = models.PositiveBigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "witness"
