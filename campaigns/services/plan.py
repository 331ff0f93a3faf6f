"""Keep the messages of patients equal to the plan: an idempotent difference, in the caller's transaction.

All of one patient's enrollments are planned together, under a lock on the patient, so that caps and
corrections do not depend on who edited what first. Many patients are read together and written together;
one is the batch of one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from campaigns.models import Clinic, Enrollment
from campaigns.queries import clock, planning, sequence_files
from campaigns.queries.planning import NOT_GONE
from campaigns.services import plan_facts
from campaigns.services.duties import Duty, fulfils
from campaigns.services.plan_changes import Changes, Difference

__all__ = ["NOT_GONE", "Changes", "replan", "replan_changed", "replan_each", "replan_many", "replan_patient"]

log = logging.getLogger(__name__)

TOGETHER = 100
"""Patients that one transaction plans. More save little, and others wait for its locks."""


def replan_patient(patient_id: UUID | str) -> Changes:
    """Plan one patient again, in a transaction of its own."""
    with transaction.atomic():
        return replan(UUID(str(patient_id)), clock.now())


def replan(patient_id: UUID, now: datetime) -> Changes:
    """Make the unsent messages of this patient what the plan says at `now`. Call inside a transaction.

    Locks the patient, then the messages that have not gone. Raises `Patient.DoesNotExist`.
    """
    return replan_many([patient_id], now)


def replan_many(patients: Iterable[UUID], now: datetime) -> Changes:
    """The same for several patients, in as many statements as for one; what it did to all of them, counted.

    Call inside a transaction. One that cannot be planned stops all: `replan_each` stops at none.
    """
    difference = Difference(now)
    timings: dict[UUID, str] = {}
    for person in plan_facts.read(patients):
        difference.take(person, plan_facts.plan_for(person, now))
        timings |= person.timings
    planning.change(difference.changed, now)
    if difference.new:
        planning.add(difference.new)
    planning.note_timings(timings)
    return difference.changes


def replan_each(patients: Iterable[UUID]) -> int:
    """Plan these patients again, `TOGETHER` in a transaction; how many could be planned.

    One who cannot be is named in the log and stops no other.
    """
    waiting, done = iter(dict.fromkeys(patients)), 0
    while batch := list(islice(waiting, TOGETHER)):
        done += _planned_together(batch) or sum(_planned_alone(one) for one in batch)
    return done


def _planned_together(batch: list[UUID]) -> int:
    """How many were planned: all of them, or none where something is wrong with one. A database that is away
    is nobody's fault."""
    try:
        with transaction.atomic():
            replan_many(batch, clock.now())
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # Whose fault it is shows when each of them is planned alone.
        return 0
    return len(batch)


def _planned_alone(patient_id: UUID) -> int:
    done = 0
    with _alone("patient", patient_id):
        replan_patient(patient_id)
        done = 1
    return done


@fulfils(Duty.PLANNING)
def replan_changed(limit: int = 500) -> int:
    """Plan again the patients of up to `limit` enrollments whose timing has changed: that of the sequence
    file, the clinic's hours, days and settings, or the zone data. How many. Other words change no time.

    A patient or a clinic whose row cannot be planned by is named in the log and stops no other.
    """
    patients: set[UUID] = set()
    for clinic in Clinic.objects.order_by("created_at"):
        with _alone("clinic", clinic.pk):
            rules = plan_facts.rules_of([clinic])[clinic.pk]
            current = [rules.timing(sequence.key) for sequence in sequence_files.load_all().values()]
            active = Enrollment.objects.filter(state=Enrollment.State.ACTIVE, course__patient__clinic=clinic)
            stale = active.exclude(digest__in=current).values_list("course__patient_id", flat=True)
            # In another order each time: some that can never be planned must not fill every pass.
            patients.update(stale.order_by("?")[: max(0, limit - len(patients))])
    return replan_each(patients)


@contextmanager
def _alone(what: str, which: UUID) -> Iterator[None]:
    """What is wrong with one row ends here; a database that is away stops all."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.error("%s cannot be planned", what, extra={what: str(which), "why": type(error).__name__})
