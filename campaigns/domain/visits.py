"""Visits and courses as the planner sees them: facts, not records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID


class VisitKind(StrEnum):
    """What a visit is for."""

    CONSULTATION = "consultation"
    SESSION = "session"


class VisitState(StrEnum):
    """Where a visit stands."""

    BOOKED = "booked"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class CourseState(StrEnum):
    """Where a course stands: `completed` ran to its end, `closed` was ended before."""

    OPEN = "open"
    COMPLETED = "completed"
    CLOSED = "closed"


def check_aware(name: str, at: datetime | None) -> None:
    """Refuse an instant without a zone, which means another moment elsewhere. Raises `ValueError`."""
    if at is not None and at.tzinfo is None:
        raise ValueError(f"{name} needs a time zone: {at.isoformat()}")


def check_wall(name: str, at: time) -> None:
    """Refuse a wall-clock time that carries a zone. Raises `ValueError`."""
    if at.tzinfo is not None:
        raise ValueError(f"{name} is a wall-clock time and takes no time zone: {at.isoformat()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """One visit. `on_date` and `at_time` are the wall clock at the clinic; `settled_at` is when staff marked
    it completed, missed or cancelled. `version` rises with every new date or time, and with a new booking."""

    id: UUID
    number: int
    kind: VisitKind
    on_date: date
    at_time: time
    state: VisitState
    version: int
    settled_at: datetime | None = None

    def __post_init__(self) -> None:
        check_wall("at_time", self.at_time)
        check_aware("settled_at", self.settled_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFacts:
    """One course of visits."""

    state: CourseState
    visits: tuple[VisitFacts, ...]
    completed_at: datetime | None = None

    def __post_init__(self) -> None:
        check_aware("completed_at", self.completed_at)
