"""What stands at the top of a patient's page: who it is, the alerts that are open, and the courses with what
they follow. Two queries, however long the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from campaigns.models import Alert, AuditEntry, Course, Enrollment, Patient, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert that waits for its end. `taken_by` is empty while nobody has it; `opened_at` is UTC."""

    id: int
    urgency: str
    rule: str
    opened_at: datetime
    taken_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One sequence that a course follows or followed."""

    id: UUID
    sequence: str
    state: str
    reason: str

    @property
    def runs(self) -> bool:
        """Whether its messages go."""
        return self.state == Enrollment.State.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One course with its visits by number, and what it follows."""

    course: Course
    visits: Sequence[Visit]
    follows: Sequence[Followed]

    @property
    def is_open(self) -> bool:
        """Whether visits can be booked into it."""
        return self.course.state == Course.State.OPEN

    @property
    def last_number(self) -> int:
        """The number of its last visit, 0 where it has none."""
        return max((visit.number for visit in self.visits), default=0)


def of(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """These patients with their clinic and what `open_alerts` reads."""
    return patients.select_related("clinic").annotate(found_alerts=_ALERTS)


_ALERTS = ArraySubquery(
    Alert.objects.filter(patient=OuterRef("pk"), closed_at=None, part_of=None)
    .order_by("opened_at")
    .values(
        row=JSONObject(
            id="id",
            urgency="urgency",
            rule="rule",
            opened_at="opened_at",
            taken_by=F("acknowledged_by__name"),
        )
    )
)


def open_alerts(patient: Patient) -> list[OpenAlert]:
    """The open alerts of a patient read by `of`, the oldest first."""
    rows: list[dict[str, Any]] = getattr(patient, "found_alerts", None) or []
    return [_alert(row) for row in rows]


def _alert(row: dict[str, Any]) -> OpenAlert:
    opened = datetime.fromisoformat(row["opened_at"])
    return OpenAlert(**row | {"opened_at": opened, "taken_by": row["taken_by"] or ""})


_FOLLOWED = ArraySubquery(
    Enrollment.objects.filter(course=OuterRef("pk"))
    .order_by("enrolled_at", "sequence")
    .values(row=JSONObject(id="id", sequence="sequence", state="state", reason="reason"))
)


def treatments(patient_id: UUID) -> list[Treatment]:
    """The courses of a patient, the oldest first. Two queries."""
    courses = Course.objects.filter(patient=patient_id).annotate(found=_FOLLOWED)
    in_order = list(courses.order_by("created_at", "pk"))
    visits: dict[UUID, list[Visit]] = {course.pk: [] for course in in_order}
    for visit in Visit.objects.filter(course__patient=patient_id).order_by("number"):
        visits[visit.course_id].append(visit)
    return [
        Treatment(course=course, visits=visits[course.pk], follows=[_followed(row) for row in _found(course)])
        for course in in_order
    ]


def _found(course: Course) -> list[dict[str, Any]]:
    return list(getattr(course, "found", None) or ())


def _followed(row: dict[str, Any]) -> Followed:
    return Followed(**row | {"id": UUID(row["id"])})


def changes(patient_id: UUID, most: int = 100) -> list[AuditEntry]:
    """What staff, programs and the patient changed about a patient and their courses, the newest first.
    Whoever only looked is left out."""
    courses = Course.objects.filter(patient=patient_id)
    visits = Visit.objects.filter(course__patient=patient_id).values_list("pk", flat=True)
    follows = Enrollment.objects.filter(course__patient=patient_id).values_list("pk", flat=True)
    names = [
        f"patient {patient_id}",
        *(f"course {key}" for key in courses.values_list("pk", flat=True)),
        *(f"visit {key}" for key in visits),
        *(f"enrollment {key}" for key in follows),
    ]
    # The same words as the condition of the index, or PostgreSQL does not take it.
    entries = AuditEntry.objects.filter(object__in=names).exclude(action="looked_at")
    return list(entries.order_by("-seq")[:most])
