"""Which texts a clinic has approved, and where it says them in its own words."""

from __future__ import annotations

from django.db import models

from campaigns.models.clinic import Clinic
from campaigns.models.patients import CHANNELS


class Wording(models.Model):
    """The state of one template in one edition of a language for one clinic.

    Approval binds the digest: a changed text is a new row, unapproved. `texts` keeps what was read then, as
    [context, English, words] rows, so that the next reader sees what has changed since.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        REVIEWED = "reviewed", "Reviewed"
        APPROVED = "approved", "Approved"
        RETIRED = "retired", "Retired"

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="wordings")
    template = models.CharField(max_length=80)
    channel = models.CharField(max_length=5, choices=[*CHANNELS, ("page", "page")])
    language = models.CharField(max_length=24, help_text="The tag of the edition, such as fr-CA-x-gsm")
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    texts: models.Field[list[list[str]], list[list[str]]] = models.JSONField(default=list)
    reviewed_by = models.CharField(max_length=254, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=254, blank=True)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "wording"
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "template", "channel", "language", "digest"], name="one_wording_a_digest"
            )
        ]


class OwnWording(models.Model):
    """One text in a clinic's own words, in place of the one that was shipped. `back` says it in English."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="own_wordings")
    language = models.CharField(max_length=16)
    context = models.CharField(max_length=120)
    text = models.TextField()
    back = models.TextField(blank=True)
    written_by = models.CharField(max_length=254)
    written_at = models.DateTimeField()

    class Meta:
        db_table = "own_wording"
        constraints = [
            models.UniqueConstraint(fields=["clinic", "language", "context"], name="one_own_wording_a_text")
        ]


class WordingComment(models.Model):
    """What somebody asks or remarks about one text; open until somebody settles it."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="wording_comments")
    template = models.CharField(max_length=80)
    channel = models.CharField(max_length=5, choices=[*CHANNELS, ("page", "page")])
    language = models.CharField(max_length=24)
    text = models.TextField()
    by = models.CharField(max_length=254)
    at = models.DateTimeField()
    settled_by = models.CharField(max_length=254, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "wording_comment"
        indexes = [models.Index(fields=["clinic", "language", "template"], name="wording_comment_of_text")]
