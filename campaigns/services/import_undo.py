"""Undo an import: whom it made and who was sent nothing goes, what it changed goes back, the rest is said."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from campaigns.domain.errors import CampaignsError
from campaigns.domain.import_terms import Doing, Fault, ImportRefused, Problem, Refusal
from campaigns.domain.languages import SOURCE as ENGLISH
from campaigns.domain.lifecycle import BELIEVED_UNSENT, UNSENT, Reason, State
from campaigns.domain.visits import VisitState
from campaigns.models import (
    Consent,
    ConsentWords,
    ContactPoint,
    Course,
    Import,
    ImportedKey,
    ImportRow,
    Message,
    Patient,
    PatientSearch,
    Reply,
    Visit,
)
from campaigns.queries import clock
from campaigns.services import in_care, visits
from campaigns.services.enroll_many import SOURCE
from campaigns.services.import_files import KEPT, locked
from campaigns.services.import_look import problems_of
from campaigns.services.import_people import hold
from campaigns.services.record import record, record_each

UNDONE = "import_undone"
"""The source of a line that takes back a consent which came with an import."""
TOGETHER = 100
_CHANGES = [doing.value for doing in Doing if doing not in {Doing.NOTHING, Doing.NEW_PATIENT}]


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undoing would do, counted. `gone`: patients who are emptied; `left`: patients who were sent
    something, so they stay and are marked as having left; `kept`: patients whom somebody has worked with
    since; `back`: visits that go back to how they stood; `stay`: visits that cannot."""

    gone: int
    left: int
    kept: int
    back: int
    stay: int


def may_undo(of: Import, now: datetime) -> bool:
    """Whether it is done, and its rows can still be read."""
    return of.state == Import.State.DONE and not of.erased_at and now - of.uploaded_at < KEPT


def would_undo(of: Import) -> Undoing:
    """What undoing would do now."""
    made = list(_made(of).values_list("patient", flat=True))
    sent, used = _sent(made), _used(of, made)
    changed = list(_changed(of).select_related("visit"))
    back = [row for row in changed if _can_go_back(row)]
    return Undoing(
        gone=len(set(made) - sent - used),
        left=len(sent - used),
        kept=len(used),
        back=len(back),
        stay=len(changed) - len(back),
    )


def _changed(of: Import) -> QuerySet[ImportRow]:
    """The rows that changed something of a patient who was there before."""
    made = _made(of).values("patient")
    rows = of.lines.filter(state=ImportRow.State.DONE, doing__in=_CHANGES).exclude(patient__in=made)
    return rows.exclude(visit=None)


def _made(of: Import) -> QuerySet[ImportRow]:
    return of.lines.filter(doing=Doing.NEW_PATIENT, state=ImportRow.State.DONE).exclude(patient=None)


@transaction.atomic
def undo(import_id: UUID, *, by: str) -> Import:
    """Begin to undo it, in the background. A second call changes nothing. Raises ImportRefused where it is
    not done, or too old."""
    of = locked(import_id)
    if of.state in {Import.State.UNDOING, Import.State.UNDONE}:
        return of
    now = clock.now()
    if not may_undo(of, now):
        raise ImportRefused(Refusal.ERASED if of.state == Import.State.DONE else Refusal.STALE)
    of.state, of.undone_by = Import.State.UNDOING, by
    of.save(update_fields=["state", "undone_by"])
    record("import_undo_begun", f"import {of.pk}", actor=by, now=now)
    return of


def undo_some(of: Import) -> None:
    """Take some rows back, in the caller's transaction, which holds the import; the last call ends it."""
    now = clock.now()
    rows = list(_left(of).order_by("number")[:TOGETHER])
    if not rows:
        _end(of, now)
        return
    hold({row.patient_id for row in rows if row.patient_id})
    made = set(
        _made(of).filter(patient__in=[row.patient_id for row in rows]).values_list("patient", flat=True)
    )
    if made:
        _take_back(of, sorted(made), now)
    for row in rows:
        if row.patient_id not in made:
            _go_back(row, of)


def _left(of: Import) -> QuerySet[ImportRow]:
    return of.lines.filter(state=ImportRow.State.DONE, doing__in=[Doing.NEW_PATIENT, *_CHANGES])


def _end(of: Import, now: datetime) -> None:
    of.state, of.undone_at = Import.State.UNDONE, now
    of.save(update_fields=["state", "undone_at"])
    states = (ImportRow.State.TAKEN_BACK, ImportRow.State.KEPT)
    detail: dict[str, object] = {state.value: of.lines.filter(state=state).count() for state in states}
    record("import_undone", f"import {of.pk}", actor=of.undone_by, now=now, detail=detail)


# --- patients whom the import made


def _sent(patients: Collection[UUID]) -> set[UUID]:
    """Those to whom something may have gone, or who wrote to us."""
    messages = Message.objects.filter(patient__in=patients)
    gone = messages.filter(~Q(state__in=BELIEVED_UNSENT) | Q(tries__gt=0)).values_list("patient", flat=True)
    wrote = Reply.objects.filter(patient__in=patients).values_list("patient", flat=True)
    return {patient for patient in (*gone.distinct(), *wrote.distinct()) if patient}


def _used(of: Import, patients: Collection[UUID]) -> set[UUID]:
    """Those with whom somebody has worked since: they are that person's to decide about."""
    visits_ = Visit.objects.filter(course__patient__in=patients)
    own = of.lines.exclude(visit=None).values("visit")
    by_hand = visits_.filter(Q(version__gt=1) | ~Q(state=VisitState.BOOKED) | ~Q(pk__in=own))
    said = Consent.objects.filter(patient__in=patients).exclude(source=SOURCE)
    status = Patient.objects.filter(pk__in=patients).exclude(status=Patient.Status.ACTIVE)
    return {
        *by_hand.values_list("course__patient", flat=True),
        *said.values_list("patient", flat=True),
        *status.values_list("pk", flat=True),
    }


def _take_back(of: Import, patients: Sequence[UUID], now: datetime) -> None:
    """Empty, mark or leave alone. They are held, so that nothing can leave meanwhile."""
    used = _used(of, patients)
    sent = _sent(patients) - used
    gone = [patient for patient in patients if patient not in used | sent]
    _empty(gone, of.undone_by, now)
    ImportedKey.objects.filter(by=of, patient__in=gone).delete()
    for patient in sorted(sent):
        in_care.set_status(patient, Patient.Status.LEFT, by=of.undone_by)
    rows = of.lines.filter(state=ImportRow.State.DONE)
    rows.filter(patient__in=used).update(state=ImportRow.State.KEPT)
    rows.filter(patient__in=gone).update(cells="", problems="", before="")
    rows.filter(patient__in=[*gone, *sent]).update(state=ImportRow.State.TAKEN_BACK)
    because: dict[str, object] = {"import": str(of.pk)}
    if gone:
        entries = [("patient_import_undone", f"patient {one}", because) for one in gone]
        record_each(entries, actor=of.undone_by, now=now)


def _empty(patients: Collection[UUID], by: str, now: datetime) -> None:
    """Nothing of them stays but empty rows: the ledger of consents only grows, and why each message did not
    go is kept for ever. Their addresses are stopped nowhere, so that the right file can bring them."""
    messages = Message.objects.filter(patient__in=patients)
    waiting = messages.filter(state__in=UNSENT)
    waiting.update(state=State.CANCELLED, reason=Reason.OPERATOR_CANCELLED, settled_at=now)
    messages.update(enrollment=None, visit=None, stated=None)
    agreed = list(Consent.objects.filter(patient__in=patients).order_by("pk"))
    Consent.objects.bulk_create(_withdrawn(line, by, now) for line in agreed)
    ConsentWords.objects.filter(consent__patient__in=patients).delete()
    ContactPoint.objects.filter(patient__in=patients).delete()
    PatientSearch.objects.filter(patient__in=patients).delete()
    Course.objects.filter(patient__in=patients).delete()
    Patient.objects.filter(pk__in=patients).update(
        given_name="", family_name="", language=ENGLISH, status=Patient.Status.LEFT, forgotten_at=now
    )


def _withdrawn(line: Consent, by: str, now: datetime) -> Consent:
    return Consent(
        patient_id=line.patient_id,
        channel=line.channel,
        topic=line.topic,
        action=Consent.Action.WITHDRAWN,
        at=now,
        source=UNDONE,
        by=by,
        language_shown=line.language_shown,
    )


# --- visits that the import changed


def _can_go_back(row: ImportRow) -> bool:
    """Whether nobody has changed the visit since. What is over stays over."""
    visit = row.visit
    if visit is None or row.doing in {Doing.COMPLETE, Doing.NO_SHOW}:
        return False
    if row.doing == Doing.NEW_VISIT:
        return visit.version == 1 and visit.state == VisitState.BOOKED
    if not row.before:
        return False
    version = int(json.loads(row.before)[3])
    if row.doing == Doing.CANCEL:
        return visit.version == version and visit.state == VisitState.CANCELLED
    return visit.version == version + 1 and visit.state == VisitState.BOOKED


def _go_back(row: ImportRow, of: Import) -> None:
    try:
        with transaction.atomic():
            if not _can_go_back(row):
                raise CampaignsError
            _reverse(row, of.undone_by)
    except CampaignsError:
        row.state = ImportRow.State.KEPT
        problems = [*problems_of(row), Problem(Fault.CHANGED_SINCE)]
        row.problems = json.dumps([(one.fault.value, one.said) for one in problems])
    else:
        row.state = ImportRow.State.TAKEN_BACK
        ImportedKey.objects.filter(visit=row.visit_id).update(sequence=0)
    row.save(update_fields=["state", "problems"])


def _reverse(row: ImportRow, by: str) -> None:
    if row.visit_id is None:
        raise CampaignsError
    if row.doing == Doing.NEW_VISIT:
        visits.settle(row.visit_id, VisitState.CANCELLED, by=by)
        return
    on_date, at_time, state, _ = json.loads(row.before)
    if row.doing == Doing.MOVE and state == VisitState.CANCELLED:
        visits.settle(row.visit_id, VisitState.CANCELLED, by=by)
    else:
        visits.move(row.visit_id, date.fromisoformat(on_date), time.fromisoformat(at_time), by=by)
