"""Files of patients and visits, row by row, and how other programs call what came of them."""

from __future__ import annotations

import uuid

from django.db import models

from campaigns.models.clinic import Clinic
from campaigns.models.courses import Visit
from campaigns.models.encryption import EncryptedText
from campaigns.models.patients import Patient


class Import(models.Model):
    """One file. Its rows stand in `ImportRow`, sealed, and are emptied after a while; the file itself is not
    kept.

    `columns` says what each column of `header` holds: the next file of the same `source` begins with it.
    `counts` is what the work on it has found, and `version` rises with each dry run, so that nobody applies
    what they have not seen.
    """

    class Kind(models.TextChoices):
        TABLE = "table", "A table"
        CALENDAR = "calendar", "A calendar"

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Columns to be named"
        CHECKING = "checking", "Being checked"
        CHECKED = "checked", "Checked"
        APPLYING = "applying", "Under way"
        DONE = "done", "Done"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"
        DISCARDED = "discarded", "Thrown away"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="imports")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    source = models.CharField(max_length=40)
    file_name = EncryptedText(blank=True, default="")
    encoding = models.CharField(max_length=16)
    header = EncryptedText()
    columns: models.Field[list[str], list[str]] = models.JSONField(default=list)
    date_order = models.CharField(max_length=12, blank=True)
    language = models.CharField(max_length=16, blank=True)
    sequences: models.Field[list[str], list[str]] = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UPLOADED)
    rows = models.PositiveIntegerField()
    counts: models.Field[dict[str, int], dict[str, int]] = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=120)
    checked_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    applied_by = models.CharField(max_length=120, blank=True)
    done_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=120, blank=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "import_file"
        indexes = [
            # Readers: the page of a clinic's imports, and what was said of a source's columns before.
            models.Index(fields=["clinic", "-uploaded_at"], name="import_of_clinic"),
            # Only reader: services/import_run, which looks for work every few seconds.
            models.Index(
                fields=["uploaded_at"],
                condition=models.Q(state__in=["checking", "applying", "undoing"]),
                name="import_under_way",
            ),
        ]


class ImportRow(models.Model):
    """One row of a file. `person` is a keyed hash by which rows about one person are taken together,
    `visit_key` one of what the source calls the visit; `sequence` a calendar's own count of changes.

    `cells`, `problems` and `before` are about a patient, so they are sealed, and emptied with the patient's
    other data or when the file is old. `before` is how a visit stood before the row changed it.
    """

    class State(models.TextChoices):
        NEW = "new", "Not looked at"
        WRONG = "wrong", "Cannot be taken"
        ASKED = "asked", "Waits for somebody's answer"
        READY = "ready", "Ready"
        NOTHING = "nothing", "Changes nothing"
        LEFT_OUT = "left_out", "Left out"
        DONE = "done", "Done"
        TAKEN_BACK = "taken_back", "Taken back"
        KEPT = "kept", "Cannot be taken back"

    class Choice(models.TextChoices):
        SAME = "same", "The patient we have"
        NEW = "new", "Somebody else"
        LEAVE_OUT = "leave_out", "Leave it out"

    of = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="lines", db_column="import_id")
    number = models.PositiveIntegerField()
    cells = EncryptedText(blank=True, default="")
    problems = EncryptedText(blank=True, default="")
    before = EncryptedText(blank=True, default="")
    person = models.CharField(max_length=64, blank=True)
    visit_key = models.CharField(max_length=64, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    doing = models.CharField(max_length=12, blank=True)
    choice = models.CharField(max_length=9, choices=Choice.choices, blank=True)
    effects: models.Field[dict[str, int] | None, dict[str, int] | None] = models.JSONField(null=True)
    patient = models.ForeignKey(Patient, on_delete=models.SET_NULL, null=True, related_name="import_rows")
    visit = models.ForeignKey(Visit, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "import_row"
        constraints = [models.UniqueConstraint(fields=["of", "number"], name="one_row_a_number")]
        # Readers: services/import_run and the page, which take the rows of one state in order.
        indexes = [models.Index(fields=["of", "state", "number"], name="import_row_by_state")]


class ImportedKey(models.Model):
    """What a source calls one of our patients or visits, as a keyed hash: so that a file that comes again
    changes nothing, and a visit that moved is known. It outlives the patient's data, so that nobody who was
    forgotten comes back with the next file.

    `sequence` is a calendar's own count of changes; `by` the import that made it.
    """

    class Kind(models.TextChoices):
        PATIENT = "patient", "Patient"
        VISIT = "visit", "Visit"

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+", db_index=False)
    source = models.CharField(max_length=40)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    key = models.CharField(max_length=64)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="import_keys")
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, null=True, related_name="import_keys")
    by = models.ForeignKey(Import, on_delete=models.SET_NULL, null=True, related_name="keys")
    sequence = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "imported_key"
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "source", "kind", "key"], name="one_meaning_a_key_of_a_source"
            )
        ]
