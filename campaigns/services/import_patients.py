"""Apply what a dry run has shown: who would be written to, the go-ahead, the answers to what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Count, IntegerField, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from campaigns.domain.errors import InvalidAddress
from campaigns.domain.import_cells import fold
from campaigns.domain.import_terms import ImportRefused, Refusal
from campaigns.domain.recipients import normalise_email, normalise_phone
from campaigns.models import ContactPoint, Import, ImportRow, Patient
from campaigns.models.encryption import blind_index
from campaigns.queries import clock
from campaigns.services.import_files import locked
from campaigns.services.record import record

EFFECTS = ("planned", "retimed", "cancelled", "corrections", "skipped")
"""What a row changes for messages, counted."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What an import would change, or did: rows by state, rows by what they do, messages by what happens."""

    states: dict[str, int]
    doings: dict[str, int]
    effects: dict[str, int]

    @property
    def ready(self) -> int:
        """Rows that can be applied."""
        return self.states.get(ImportRow.State.READY, 0)


def sums(of: Import) -> Sums:
    """The figures of the page. Three queries, whatever the number of rows."""
    by_state = of.lines.values_list("state").annotate(Count("pk")).order_by("state")
    taken = of.lines.filter(state__in=[ImportRow.State.READY, ImportRow.State.DONE])
    by_doing = taken.values_list("doing").annotate(Count("pk")).order_by("doing")
    total = taken.aggregate(**{name: _sum(name) for name in EFFECTS})
    return Sums(dict(by_state), dict(by_doing), {name: count for name, count in total.items() if count})


def _sum(name: str) -> Sum:
    return Sum(Cast(KeyTextTransform(name, "effects"), IntegerField()))


def recipients(import_id: UUID) -> int:
    """How many people would be written to: those for whom anything is planned, moved in time or set right.

    For whoever decides whether one person alone may start it (wrong-audience protection), so rather too many
    than too few: of patients who were here before, consent and opt-outs are not asked.
    """
    touched = Q()
    for name in ("planned", "retimed", "corrections"):
        touched |= Q(**{f"effects__{name}__gt": 0})
    rows = ImportRow.objects.filter(touched, of=import_id, state=ImportRow.State.READY)
    new = Count("pk", filter=Q(patient=None))
    counted = rows.aggregate(known=Count("patient", distinct=True), new=new)
    return int(counted["known"] + counted["new"])


@transaction.atomic
def apply(import_id: UUID, *, by: str, version: int | None = None) -> Import:
    """Let the rows that are ready be carried out, in the background, as `by`. A second call changes nothing.

    `version` is that of the dry run that was shown. Raises ImportRefused for another one, before the check
    has ended, and where nothing is ready.
    """
    of = locked(import_id)
    if of.state in {Import.State.APPLYING, Import.State.DONE}:
        return of
    if of.state != Import.State.CHECKED or (version is not None and version != of.version):
        raise ImportRefused(Refusal.STALE)
    if not of.lines.filter(state=ImportRow.State.READY).exists():
        raise ImportRefused(Refusal.NOTHING_TO_DO)
    now = clock.now()
    of.state, of.applied_at, of.applied_by = Import.State.APPLYING, now, by
    of.save(update_fields=["state", "applied_at", "applied_by"])
    detail = {"recipients": recipients(of.pk), "version": of.version}
    record("import_applied", f"import {of.pk}", actor=by, now=now, detail=detail)
    return of


@transaction.atomic
def answer(import_id: UUID, number: int, choice: str, *, version: int, who: str = "") -> None:
    """What somebody said of a row that asks: the patient that we have, somebody else, or leave it out.

    `who` names the patient of an event by number, address or whole name; empty for the one that was offered.
    The answer counts from the next check on. Raises ImportRefused.
    """
    of = locked(import_id)
    if of.version != version or of.state != Import.State.CHECKED:
        raise ImportRefused(Refusal.STALE)
    row = of.lines.filter(number=number).first()
    if row is None or choice not in ImportRow.Choice.values:
        raise ImportRefused(Refusal.STALE)
    if choice == ImportRow.Choice.SAME:
        row.patient = _chosen(of, row, who)
    row.choice = choice
    row.save(update_fields=["choice", "patient"])
    if row.person:
        of.lines.filter(person=row.person).update(choice=choice, patient=row.patient)


def _chosen(of: Import, row: ImportRow, who: str) -> Patient:
    if not who.strip():
        if row.patient is None:
            raise ImportRefused(Refusal.NO_SUCH_PATIENT)
        return row.patient
    found = find(of, who)
    if len(found) != 1:
        raise ImportRefused(Refusal.SEVERAL_PATIENTS if found else Refusal.NO_SUCH_PATIENT)
    return found[0]


def find(of: Import, who: str) -> list[Patient]:
    """The clinic's patients in care with this number, address or whole name."""
    in_care = Patient.objects.filter(clinic=of.clinic, status__in=Patient.IN_CARE, forgotten_at=None)
    for normalise in (normalise_phone, normalise_email):
        try:
            index = blind_index(normalise(who))
        except InvalidAddress:
            continue
        points = ContactPoint.objects.filter(address_index=index)
        return list(in_care.filter(contact_points__in=points).distinct())
    wanted = sorted(fold(who).split())
    # Names are sealed: there is no other way than to open them.
    everybody = in_care.iterator(chunk_size=2000)
    return [patient for patient in everybody if sorted(fold(patient.full_name).split()) == wanted]
