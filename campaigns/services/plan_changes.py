"""From a plan to rows: what is new, what changes, and the count of both. Used by services/plan alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.domain.lifecycle import PLANNED_PRIORITY, UNSENT, Purpose, Reason, State
from campaigns.domain.plans import NotPlanned, Plan, Planned
from campaigns.queries.planning import NOT_GONE, Changed, MessageRow, NewMessage
from campaigns.services.plan_facts import Person


@dataclass(slots=True)
class Changes:
    """What one planning did, counted."""

    planned: int = 0
    retimed: int = 0
    cancelled: int = 0
    skipped: int = 0
    corrections: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        """Count one message that will not go."""
        self.skipped += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1


@dataclass(slots=True)
class Difference:
    """What has to be written so that the rows of some patients are what their plans say."""

    now: datetime
    new: list[NewMessage] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)

    def take(self, person: Person, plan: Plan) -> None:
        """Add one patient. Rows that have gone are history and stay as they are."""
        everything: tuple[Planned | NotPlanned, ...] = (*plan.planned, *plan.not_planned)
        if not person.messages:
            self.new += [self._new(occurrence, person) for occurrence in everything]
            return
        target = {row.key: row for row in everything}
        known = set(person.keys.values())
        self.new += [self._new(target[key], person) for key in target if key not in known]
        for row in person.messages:
            if row.state in NOT_GONE:
                key = person.keys[row.id]
                self._follow(row, target.get(key), plan.gone.get(key))

    def _new(self, occurrence: Planned | NotPlanned, person: Person) -> NewMessage:
        going = isinstance(occurrence, Planned)
        if isinstance(occurrence, NotPlanned):
            state, reason = State.SKIPPED, occurrence.reason.value
            self.changes.skip(occurrence.reason)
        else:
            state, reason = State.PLANNED, ""
            self.changes.planned += 1
            self.changes.corrections += occurrence.purpose is Purpose.CORRECTION
        return NewMessage(
            clinic_id=person.patient.clinic_id,
            patient_id=person.patient.pk,
            enrollment_id=occurrence.enrollment,
            sequence=occurrence.sequence,
            step=occurrence.step,
            template=occurrence.template,
            visit_id=occurrence.visit,
            visit_version=occurrence.visit_version,
            channel=occurrence.channel.value,
            purpose=occurrence.purpose.value,
            topic=occurrence.topic,
            message_group=occurrence.group,
            asks=occurrence.asks,
            priority=PLANNED_PRIORITY + occurrence.priority if going else UNRANKED,
            capped=not occurrence.exempt,
            send_at=occurrence.send_at,
            due_at=occurrence.send_at,
            expires_at=occurrence.expires_at,
            state=state.value,
            reason=reason,
            stated=json.dumps(dict(occurrence.stated)) if occurrence.stated else None,
            settled_at=None if going else self.now,
            created_at=self.now,
        )

    def _follow(self, row: MessageRow, occurrence: Planned | NotPlanned | None, gone: Reason | None) -> None:
        """Bring one row that has not gone in line with the plan."""
        waits = row.state in UNSENT
        if isinstance(occurrence, Planned):
            wanted = (occurrence.send_at, occurrence.expires_at, occurrence.template)
            if not waits or (row.send_at, row.expires_at, row.template) != wanted:
                self.changes.retimed += 1
                self.changed.append(_going(row, occurrence))
        elif waits:
            self.changes.cancelled += 1
            reason = occurrence.reason if occurrence else gone or Reason.NOT_NEEDED
            self.changed.append(_stopped(row, occurrence, State.CANCELLED, reason))
        elif occurrence is not None and occurrence.reason != row.reason:
            self.changes.skip(occurrence.reason)
            self.changed.append(_stopped(row, occurrence, State(row.state), occurrence.reason))


UNRANKED = 5
"""The priority of a row that does not go, until it does."""


def _going(row: MessageRow, occurrence: Planned) -> Changed:
    return Changed(
        row.id,
        State.PLANNED.value,
        "",
        occurrence.template,
        occurrence.send_at,
        occurrence.expires_at,
        PLANNED_PRIORITY + occurrence.priority,
        not occurrence.exempt,
    )


def _stopped(row: MessageRow, occurrence: NotPlanned | None, state: State, reason: Reason) -> Changed:
    if occurrence is None:
        return Changed(row.id, state.value, reason.value)
    at = (occurrence.template, occurrence.send_at, occurrence.expires_at)
    return Changed(row.id, state.value, reason.value, *at)
