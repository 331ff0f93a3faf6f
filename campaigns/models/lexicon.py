"""What a clinic adds to the word lists by which replies are understood, or takes away."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from campaigns.models.clinic import Clinic


class LexiconChange(models.Model):
    """One word, proposed by a named person for one entry of one list, and what others made of it.

    The word never changes: another one is another row. A trigger gives the clinic a new `lexicon_version`
    with every change of a row, so that each process reads them again.
    """

    class Kind(models.TextChoices):
        ADD = "add", "Add"
        REMOVE = "remove", "Take away"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        REVIEWED = "reviewed", "Reviewed"
        APPROVED = "approved", "Approved"
        RETIRED = "retired", "Retired"

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="lexicon_changes")
    language = models.CharField(max_length=16, help_text="The file: fr, zh-Hant, or any for the keywords")
    entry = models.CharField(max_length=60, help_text="The list in the file: yes, redflags.chest, stop.fr-CA")
    word = models.CharField(max_length=200)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    reason = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    proposed_by = models.CharField(max_length=254)
    proposed_at = models.DateTimeField()
    reviewed_by = models.CharField(max_length=254, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=254, blank=True)
    approved_at = models.DateTimeField(null=True)
    retired_by = models.CharField(max_length=254, blank=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "lexicon_change"
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "language", "entry", "word", "kind"],
                condition=~Q(state="retired"),
                name="one_living_lexicon_change",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | (~Q(approved_by="") & ~Q(approved_by=F("proposed_by"))),
                name="lexicon_change_approved_by_another",
            ),
        ]
        indexes = [
            # Only reader: the lexicon of a clinic, after a change.
            models.Index(fields=["clinic"], condition=Q(state="approved"), name="lexicon_change_in_force")
        ]


class LexiconComment(models.Model):
    """What somebody asks or remarks about a proposed word."""

    change = models.ForeignKey(LexiconChange, on_delete=models.CASCADE, related_name="comments")
    text = models.TextField()
    by = models.CharField(max_length=254)
    at = models.DateTimeField()

    class Meta:
        db_table = "lexicon_comment"
