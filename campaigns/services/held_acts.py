"""Protect against writing to the wrong audience: what reaches more patients than the clinic's limit waits for
a second person, and after that for five minutes in which anybody may recall it. Then it is done once.

The limit is `Clinic.large_act_limit`. The count is asked again when it goes: what has grown meanwhile, or is
not what was shown, is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from django.db import transaction

from campaigns.domain.errors import CampaignsError, NotAllowed
from campaigns.models import Clinic, HeldAct, Import, Staff
from campaigns.queries import clock
from campaigns.services import accounts, clinic_changes, import_patients
from campaigns.services.record import record

log = logging.getLogger(__name__)

HOLD = timedelta(minutes=5)
"""How long what was approved can still be recalled."""
APPROVERS = frozenset({Staff.Role.CLINICIAN, Staff.Role.ADMINISTRATOR})
RECALLERS = APPROVERS | {Staff.Role.COORDINATOR}
SHOWN = 30


class Why(StrEnum):
    """Why an act was not done after all."""

    CHANGED = "changed"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How many patients an act reaches, and how it is done as whoever asked for it."""

    count: Callable[[str], int]
    apply: Callable[[HeldAct], object]


def _apply_import(held: HeldAct) -> object:
    return import_patients.apply(UUID(held.object_id), by=held.asked_by.email, version=held.version)


def _apply_change(held: HeldAct) -> object:
    return clinic_changes.apply(int(held.object_id), by=held.asked_by)


_KINDS = {
    HeldAct.Kind.IMPORT: _Kind(lambda key: import_patients.recipients(UUID(key)), _apply_import),
    HeldAct.Kind.CLINIC_CHANGE: _Kind(lambda key: clinic_changes.count(int(key)), _apply_change),
}


@transaction.atomic
def ask(kind: HeldAct.Kind, object_id: str, *, by: Staff, version: int = 0) -> HeldAct | None:
    """Do an act, or hold it where it reaches many; None where it was done. Asked twice it is held once.

    Raises what the act itself raises.
    """
    reached = _KINDS[kind].count(object_id)
    act = HeldAct(
        clinic_id=by.clinic_id,
        kind=kind,
        object_id=object_id,
        version=version,
        recipients=reached,
        asked_by=by,
        asked_at=clock.now(),
    )
    limit = Clinic.objects.values_list("large_act_limit", flat=True).get(pk=by.clinic_id)
    if reached <= limit or _answers_at_once(act):
        _KINDS[kind].apply(act)
        return None
    same = HeldAct.objects.select_for_update().filter(kind=kind, object_id=object_id, ended_at=None).first()
    if same is not None and same.version == version:
        return same
    if same is not None:
        _end(same, HeldAct.Ending.REFUSED, why=Why.CHANGED)
    act.save()
    _record("held_act_asked", act, by.email)
    return act


def _answers_at_once(act: HeldAct) -> bool:
    """Whether the act itself has an answer now: it was done before, is not what was shown, or is not for this
    person to do. Nothing is held then."""
    if act.kind == HeldAct.Kind.IMPORT:
        shown = Import.objects.filter(pk=act.object_id, state=Import.State.CHECKED, version=act.version)
        return not shown.exists()
    return clinic_changes.is_applied(int(act.object_id)) or not accounts.may(act.asked_by)


@transaction.atomic
def approve(held_id: int, *, by: Staff) -> HeldAct:
    """Let it go in five minutes. Raises NotAllowed for whoever asked for it, for other roles, and where it is
    over or approved already."""
    held = _open(held_id, by)
    if by.role not in APPROVERS:
        raise NotAllowed("Only a clinician or an administrator may approve this.")
    if by.pk == held.asked_by_id:
        raise NotAllowed("Somebody else must approve what you asked for.")
    if held.approved_at is not None:
        raise NotAllowed("This was approved already.")
    now = clock.now()
    held.approved_by, held.approved_at, held.goes_at = by, now, now + HOLD
    held.save(update_fields=["approved_by", "approved_at", "goes_at"])
    _record("held_act_approved", held, by.email)
    return held


@transaction.atomic
def recall(held_id: int, *, by: Staff) -> None:
    """Stop it before it goes. Raises NotAllowed where it is over, and for roles that may not."""
    held = _open(held_id, by)
    if by.role not in RECALLERS:
        raise NotAllowed("You may not recall this.")
    _end(held, HeldAct.Ending.RECALLED, by=by)
    _record("held_act_recalled", held, by.email)


def run_due() -> int:
    """Do what has been held for long enough; how many. Each in a transaction of its own, once."""
    due = HeldAct.objects.filter(ended_at=None, goes_at__lte=clock.now()).order_by("goes_at")
    return sum(_run(key) for key in list(due.values_list("pk", flat=True)))


@transaction.atomic
def _run(held_id: int) -> bool:
    rows = HeldAct.objects.select_for_update(of=("self",), skip_locked=True).select_related("asked_by")
    held = rows.filter(pk=held_id, ended_at=None).first()
    if held is None:
        return False
    why = _refusal(held)
    if why is None:
        _end(held, HeldAct.Ending.DONE)
        _record("held_act_done", held, held.asked_by.email)
    else:
        _end(held, HeldAct.Ending.REFUSED, why=why)
        _record("held_act_refused", held, held.asked_by.email)
    return why is None


def _refusal(held: HeldAct) -> Why | None:
    """Do it; why it was not done, where it was not. What it had begun to write is undone then."""
    try:
        with transaction.atomic():
            if _KINDS[HeldAct.Kind(held.kind)].count(held.object_id) > held.recipients:
                return Why.CHANGED
            _KINDS[HeldAct.Kind(held.kind)].apply(held)
    except NotAllowed:
        return Why.NOT_ALLOWED
    except CampaignsError:
        return Why.CHANGED
    return None


def of_clinic(clinic_id: UUID) -> list[HeldAct]:
    """The newest acts of a clinic, those that wait first. One query."""
    rows = HeldAct.objects.filter(clinic=clinic_id).select_related("asked_by", "approved_by", "ended_by")
    newest = list(rows.order_by("-asked_at", "-pk")[:SHOWN])
    return sorted(newest, key=lambda held: held.ended_at is not None)


def waiting(clinic_id: UUID) -> list[HeldAct]:
    """What waits for a second person, or for its five minutes. One query."""
    rows = HeldAct.objects.filter(clinic=clinic_id, ended_at=None).select_related("asked_by")
    return list(rows.order_by("asked_at", "pk"))


def _open(held_id: int, by: Staff) -> HeldAct:
    rows = HeldAct.objects.select_for_update(of=("self",)).select_related("asked_by")
    held = rows.get(pk=held_id, clinic=by.clinic_id)
    if held.ended_at is not None:
        raise NotAllowed("This is over already.")
    return held


def _end(held: HeldAct, ending: HeldAct.Ending, *, by: Staff | None = None, why: str = "") -> None:
    held.ended_at, held.ending, held.ended_by, held.why = clock.now(), ending, by, why
    held.save(update_fields=["ended_at", "ending", "ended_by", "why"])


def _record(action: str, held: HeldAct, actor: str) -> None:
    detail = {
        "kind": str(held.kind),
        "object": held.object_id,
        "recipients": held.recipients,
        "held": held.pk,
    }
    record(action, f"clinic {held.clinic_id}", actor=actor, now=clock.now(), detail=detail)
