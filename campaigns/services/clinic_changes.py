"""A change of a clinic's settings or of one of its steps: proposed with a dry run, applied, then planned.

Whoever proposes one sees first what it would do to the messages of patients: the real planner, nothing
written. Of many patients a sample is planned, and the page says so. What is applied counts at once for what
is about to leave; the messages of everybody are planned again in the background, by `follow_changes`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from campaigns.domain.errors import CampaignsError, NotAllowed
from campaigns.domain.lifecycle import UNSENT, State
from campaigns.domain.overrides import Unfit
from campaigns.models import Clinic, ClinicChange, Staff
from campaigns.queries import clock, steps
from campaigns.services import accounts, clinic_settings, plan, plan_facts, step_settings
from campaigns.services.plan_changes import Difference
from campaigns.services.plan_facts import Rules
from campaigns.services.record import record

SAMPLE = 300
"""Patients that a dry run plans at most, drawn by lot."""
TOGETHER = 100
"""Patients that are locked together while they are planned."""
AFTER_THE_COURSE = timedelta(days=400)
"""How long after its end a course may still owe messages, for a dry run."""

NOTHING_CHANGES = "nothing_changes"
"""The fault of a form that says what is so already."""

Values = dict[str, Any]
"""What can be changed, by name, as JSON has it."""


class Stale(CampaignsError):
    """Somebody else has changed this meanwhile."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        """What is different now from what the form showed."""


@dataclass(slots=True)
class Effect:
    """What a change would do: of `total` patients in care `planned_again` were looked at, and the messages of
    `touched` would change. The counts are of messages: `back` of those that had been given up and go after
    all; `reasons` says why some are cancelled or skipped. `unreadable` patients could not be planned.
    """

    total: int = 0
    planned_again: int = 0
    unreadable: int = 0
    touched: int = 0
    planned: int = 0
    back: int = 0
    retimed: int = 0
    cancelled: int = 0
    skipped: int = 0
    corrections: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def is_sample(self) -> bool:
        """Whether there are patients that were not looked at."""
        return self.planned_again + self.unreadable < self.total

    @property
    def recipients(self) -> int:
        """Patients whose messages change; where only some were looked at, as many in proportion."""
        return ceil(self.total * self.touched / self.planned_again) if self.planned_again else 0

    def add(self, one: Difference, waiting: Collection[int]) -> None:
        """Count what changes for one patient, of whose messages these wait to go."""
        changes = one.changes
        back = sum(row.state == State.PLANNED and row.id not in waiting for row in one.changed)
        self.back += back
        self.retimed -= back
        self.planned_again += 1
        self.touched += bool(one.new or one.changed)
        for name in ("planned", "retimed", "cancelled", "skipped", "corrections"):
            setattr(self, name, getattr(self, name) + getattr(changes, name))
        stopped = [row.reason for row in one.changed if row.reason] + [
            row.reason for row in one.new if row.reason
        ]
        for reason in stopped:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1


def propose(by: Staff, after: Values, shown: Values, *, sequence: str = "", step: str = "") -> ClinicChange:
    """Keep a change with its dry run, for somebody to look at and apply. Without a `sequence` it is one of
    the clinic's settings.

    `shown` is what the form was filled with. Raises `NotAllowed` for anybody but an administrator, `Stale`
    where what was shown is not so any more, `Unfit` where the change cannot be, `UnknownStep`.
    """
    _require(by)
    clinic = Clinic.objects.get(pk=by.clinic_id)
    now = clock.now()
    current = _current(clinic, sequence, step)
    _same(shown, current)
    wanted = {name: value for name, value in after.items() if current[name] != value}
    if not wanted:
        raise Unfit(("", NOTHING_CHANGES))
    _check(clinic, wanted, sequence, step)
    moves = sequence or clinic_settings.moves(wanted)
    rules = _rules_after(clinic, wanted, sequence, step)
    effect = dry_run(clinic, rules, sequence, now) if moves else Effect()
    return ClinicChange.objects.create(
        clinic=clinic,
        sequence=sequence,
        step=step,
        before={name: current[name] for name in wanted},
        after=wanted,
        effect=asdict(effect),
        proposed_by=by.email,
        proposed_at=now,
    )


def count(change_id: int) -> int:
    """How many patients have messages that the change would touch, as its dry run found. Raises
    `ClinicChange.DoesNotExist`."""
    return effect_of(ClinicChange.objects.get(pk=change_id)).recipients


def is_applied(change_id: int) -> bool:
    """Whether the change was made already."""
    return ClinicChange.objects.filter(pk=change_id).exclude(applied_at=None).exists()


def effect_of(change: ClinicChange) -> Effect:
    """What the dry run of a change found."""
    return Effect(**change.effect)


@transaction.atomic
def apply(change_id: int, *, by: Staff) -> ClinicChange:
    """Make a change that was proposed; the audit keeps before and after. Once it is made, made again changes
    nothing.

    Raises `NotAllowed` for anybody but an administrator of the clinic, `Stale` where the clinic or the step
    is not what it was when the change was proposed, `Unfit` where it cannot be any more.
    """
    _require(by)
    now = clock.now()
    clinic = Clinic.objects.select_for_update(no_key=True).get(pk=by.clinic_id)
    change = ClinicChange.objects.select_for_update().get(pk=change_id, clinic=clinic)
    if change.applied_at is not None:
        return change
    current = _current(clinic, change.sequence, change.step)
    _same(change.before, current)
    _check(clinic, change.after, change.sequence, change.step)
    if change.sequence:
        values = current | change.after
        step_settings.write(clinic, change.sequence, change.step, values, by=by.email, now=now)
        subject = f"step {change.sequence}.{change.step} of clinic {clinic.pk}"
    else:
        clinic_settings.write(clinic, change.after)
        subject = f"clinic {clinic.pk}"
    change.applied_by, change.applied_at = by.email, now
    change.save(update_fields=["applied_by", "applied_at"])
    action = "step_changed" if change.sequence else "clinic_changed"
    detail = {name: [change.before[name], value] for name, value in change.after.items()}
    record(action, subject, actor=by.email, now=now, detail=detail)
    return change


def _require(by: Staff) -> None:
    if not accounts.may(by):
        raise NotAllowed("Only an administrator may do this.")


def _current(clinic: Clinic, sequence: str, step: str) -> Values:
    return step_settings.values(clinic, sequence, step) if sequence else clinic_settings.values(clinic)


def _same(shown: Values, current: Values) -> None:
    """Refuse what was decided in view of other values."""
    different = [name for name, value in current.items() if name in shown and shown[name] != value]
    if different:
        raise Stale(different)


def _check(clinic: Clinic, after: Values, sequence: str, step: str) -> None:
    if sequence:
        step_settings.check(clinic, sequence, step, after)
    else:
        clinic_settings.check(clinic, after)


# --- the dry run


def _rules_after(clinic: Clinic, after: Values, sequence: str, step: str) -> Rules:
    """The clinic as the planner would see it."""
    overrides = dict(steps.overrides([clinic.pk]).get(clinic.pk, {}))
    if not sequence:
        return Rules(clinic_settings.changed(clinic, after), overrides)
    mine = step_settings.override(clinic, sequence, step, after)
    others = [one for one in overrides.get(sequence, ()) if one.step != step]
    overrides[sequence] = (*others, mine)
    return Rules(clinic, overrides)


def dry_run(clinic: Clinic, rules: Rules, sequence: str, now: datetime) -> Effect:
    """Plan patients in care by other rules and write nothing. At most `SAMPLE` of them, drawn by lot."""
    total, chosen = steps.in_care(clinic.pk, sequence, now - AFTER_THE_COURSE, SAMPLE)
    effect = Effect(total=total)
    for start in range(0, len(chosen), TOGETHER):
        batch = chosen[start : start + TOGETHER]
        if not _plan(batch, rules, effect, now):
            effect.unreadable += sum(not _plan([one], rules, effect, now) for one in batch)
    return effect


def _plan(patients: list[UUID], rules: Rules, effect: Effect, now: datetime) -> bool:
    """Add what changes for these patients; False, and nothing added, where one of them cannot be planned."""
    found = []
    try:
        with transaction.atomic():
            for person in plan_facts.read(patients, {rules.clinic.pk: rules}):
                one = Difference(now)
                one.take(person, plan_facts.plan_for(person, now))
                found.append((one, {row.id for row in person.messages if row.state in UNSENT}))
            transaction.set_rollback(True)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # The planner names such a patient in the log; here the others still count.
        return False
    for one, waiting in found:
        effect.add(one, waiting)
    return True


# --- after it


def follow_changes() -> int:
    """Plan patients again where a change was made and not everybody follows it yet; how many. Most of the
    time nothing waits, and this is one look at a small table."""
    made = list(
        ClinicChange.objects.exclude(applied_at=None).filter(followed_at=None).values_list("pk", flat=True)
    )
    done = plan.replan_changed() if made else 0
    if done:
        ClinicChange.objects.filter(pk__in=made).update(planned_again=F("planned_again") + done)
    elif made:
        ClinicChange.objects.filter(pk__in=made).update(followed_at=clock.now())
    return done


@transaction.atomic
def count_steps() -> int:
    """Count how many patients are in each step, for the pages; how many steps have any."""
    return steps.count_up(clock.now())


def history(clinic: Clinic, *, sequence: str = "", limit: int = 10) -> list[ClinicChange]:
    """The last changes that were made, newest first; with a `sequence` only those of its steps."""
    rows = ClinicChange.objects.filter(clinic=clinic).exclude(applied_at=None)
    rows = rows.filter(sequence=sequence) if sequence else rows.filter(sequence="")
    return list(rows.order_by("-applied_at", "-pk")[:limit])
