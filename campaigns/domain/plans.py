"""What planning gives back: occurrences of steps, planned or not and why, and what became of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from campaigns.domain.lifecycle import Purpose, Reason
from campaigns.domain.recipients import Channel


class Key(NamedTuple):
    """The identity of one occurrence of a step. A plain tuple of the same values is equal to it.

    `visit` is None and `visit_version` 0 for what is sent once a course; `visit_version` is 0 for what is
    sent once a visit, whatever its date.
    """

    enrollment: UUID
    step: str
    visit: UUID | None
    visit_version: int
    channel: Channel


class Standing(NamedTuple):
    """A row as it stands, not sent: planned (`reason` None), or skipped or cancelled with the reason
    recorded.

    The planner reads it so that planning again changes nothing: a message whose time has come but which has
    not left keeps its time until it expires, one that the caps moved keeps the day it was given, and a reason
    that was recorded stays. Instants are aware. `promised` is False where the rules that gave this time have
    changed since (the timing of the sequence, or the clinic's hours): only the caller can know.
    """

    send_at: datetime
    expires_at: datetime
    template: str
    reason: Reason | None = None
    promised: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One message for one patient: a step (or a correction) about a visit on a channel. Instants are UTC.

    `exempt` ones are not held back by the caps; a lower `priority` gives way less. `stated` holds, in a
    correction, what the patient was told before.
    """

    enrollment: UUID
    sequence: str
    step: str
    template: str
    visit: UUID | None
    visit_version: int
    channel: Channel
    send_at: datetime
    expires_at: datetime
    purpose: Purpose = Purpose.STEP
    topic: str = ""
    group: str = ""
    asks: str = ""
    priority: int = 0
    exempt: bool = False
    stated: Mapping[str, str] | None = None

    @property
    def key(self) -> Key:
        """Its identity."""
        return Key(self.enrollment, self.step, self.visit, self.visit_version, self.channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Occurrence):
    """It will go at `send_at`, which is before `expires_at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPlanned(Occurrence):
    """It will not go, and why. `send_at` is when it would have gone."""

    reason: Reason


FIELDS = tuple(Occurrence.__dataclass_fields__)


def refuse(message: Planned, reason: Reason) -> NotPlanned:
    """The same message, not going."""
    return NotPlanned(**{name: getattr(message, name) for name in FIELDS}, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is owed to one patient and not sent, in the order of `send_at`.

    `gone` says why a standing planned row is in neither list: nothing owes it any more.
    """

    planned: tuple[Planned, ...] = ()
    not_planned: tuple[NotPlanned, ...] = ()
    gone: Mapping[Key, Reason] = field(default_factory=lambda: MappingProxyType({}))

    def standing(self) -> dict[Key, Standing]:
        """The rows as they stand once this plan has been written down."""
        rows = {p.key: Standing(p.send_at, p.expires_at, p.template) for p in self.planned}
        for n in self.not_planned:
            rows[n.key] = Standing(n.send_at, n.expires_at, n.template, n.reason)
        return rows


def order(occurrence: Occurrence) -> tuple[datetime, int, str, str, int, int, int, str]:
    """By time, then by who gives way; the rest only makes the order the same on every machine."""
    visit = occurrence.visit.int if occurrence.visit else 0
    return (
        occurrence.send_at,
        occurrence.priority,
        occurrence.sequence,
        occurrence.step,
        occurrence.enrollment.int,
        visit,
        occurrence.visit_version,
        occurrence.channel,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retimed:
    """One message that goes at another time."""

    was: datetime
    message: Planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a change would do to the unsent messages of a patient: a dry run, before anyone saves."""

    added: tuple[Planned, ...] = ()
    retimed: tuple[Retimed, ...] = ()
    cancelled: Mapping[Key, Reason] = field(default_factory=lambda: MappingProxyType({}))
    corrections: tuple[Planned, ...] = ()


def difference(standing: Mapping[Key, Standing], new: Plan) -> Difference:
    """Compare the rows as they stand with a plan made from changed facts.

    A visit that moves gives its messages a new identity; staff see the same message at another time, so a row
    and its successor for the same step, visit and channel are told as one, and not at all if the time is
    kept.
    """
    waiting = {Key(*key): row for key, row in standing.items() if row.reason is None}
    planned = {p.key: p for p in new.planned}
    dropped = {_lineage(key): key for key in waiting if key not in planned}
    added, retimed, corrections = [], [], []
    for key, message in planned.items():
        old = key if key in waiting else dropped.pop(_lineage(key), None)
        if message.purpose is Purpose.CORRECTION and key not in waiting:
            corrections.append(message)
        elif old is None:
            added.append(message)
        elif waiting[old].send_at != message.send_at:
            retimed.append(Retimed(was=waiting[old].send_at, message=message))
    reasons = {n.key: n.reason for n in new.not_planned}
    cancelled = {key: reasons.get(key) or new.gone.get(key, Reason.NOT_NEEDED) for key in dropped.values()}
    return Difference(
        added=tuple(added), retimed=tuple(retimed), cancelled=cancelled, corrections=tuple(corrections)
    )


def _lineage(key: Key) -> tuple[UUID, str, UUID | None, str]:
    return key.enrollment, key.step, key.visit, key.channel
