"""The enroll page on its way: its three forms, and what is known about what they say."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.core import signing
from django.forms import BaseFormSet
from django.http import HttpRequest, QueryDict

from campaigns.domain.lifecycle import UNSENT
from campaigns.domain.suggesting import Suggestion, suggest
from campaigns.domain.visits import VisitKind
from campaigns.models import Clinic, Course, Enrollment, Patient
from campaigns.queries import clock, sequence_files
from campaigns.queries.search import Found
from campaigns.services.course_warnings import Warned
from campaigns.services.enroll import Application
from campaigns.services.enroll_again import Record, on_record
from campaigns.services.prefer import offered
from campaigns.services.preview import PreviewedMessage
from campaigns.web import access
from campaigns.web.course_picture import Day, Strip, days, strips
from campaigns.web.forms import AgainForm, CourseForm, PersonForm, VisitRow, VisitRows

SALT = "campaigns.web.enroll_page"


@dataclass(kw_only=True)
class Page:
    """`patient` is who is here already, with what is on `record` of them; `outdated` are the fields of which
    the form began with something else. `changed` says what is not as it was in the preview before."""

    clinic: Clinic
    person: PersonForm
    course: CourseForm
    visits: BaseFormSet[VisitRow]
    key: str
    suggestions: Mapping[str, Suggestion]
    patient: Patient | None = None
    quiet: bool = True
    error: str = ""
    notice: str = ""
    changed: list[str] = field(default_factory=list)
    wanted: Application | None = None
    preview: list[PreviewedMessage] | None = None
    warned: list[Warned] = field(default_factory=list)
    alike: list[Found] = field(default_factory=list)
    same_name: bool = False
    ticked: bool = False
    record: Record | None = None
    outdated: list[str] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)
    seal: str = ""

    @property
    def known(self) -> str:
        """What is on record, signed, for a hidden field."""
        return signing.dumps(self.record, salt=SALT, compress=True) if self.record else ""

    @property
    def has_open_course(self) -> bool:
        """Whether the patient is in the middle of a course: visits can be added to that one."""
        return self.patient is not None and self.patient.courses.filter(state=Course.State.OPEN).exists()

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags of the languages that this clinic writes."""
        return tuple(language.tag for language in offered(self.clinic))

    @property
    def suggested(self) -> str:
        """The sequences that fit, for a hidden field: whoever changed nothing gets what fits in the end."""
        return ",".join(_fitting(self.suggestions))

    @property
    def going(self) -> list[PreviewedMessage]:
        """The messages that would go."""
        return [message for message in self.preview or () if message.state in UNSENT]

    @property
    def expected(self) -> int:
        """How many of them only once a visit has taken place."""
        return sum(message.expected for message in self.going)

    @property
    def not_going(self) -> list[PreviewedMessage]:
        """The messages that would not, each with its reason."""
        return [message for message in self.preview or () if message.state not in UNSENT]

    @property
    def language(self) -> str:
        """The language that was chosen for the patient."""
        return str(self.person.cleaned_data["language"])

    @property
    def segments(self) -> int:
        """Text segments of the whole course."""
        return sum(message.segments for message in self.going)

    @property
    def price(self) -> Decimal:
        """What the texts cost."""
        return sum((message.price for message in self.going), Decimal(0))

    @cached_property
    def days(self) -> list[Day]:
        """The course day by day."""
        wanted = self.wanted.visits if self.wanted else ()
        return days(wanted, self.preview or (), ZoneInfo(self.clinic.time_zone))

    @property
    def strips(self) -> list[Strip]:
        """The course as a picture."""
        return strips(self.days, UNSENT)


def read(request: HttpRequest, patient: Patient | None = None) -> Page:
    """The page as it was sent, or as it begins."""
    clinic = access.staff(request).clinic
    data = request.POST.copy() if request.method == "POST" else None
    course, visits = CourseForm(data), rows(clinic, data=data)
    suggestions = _suggestions(_kinds(course, visits), patient)
    if data is not None:
        _follow(data, suggestions)
    record = on_record(patient) if patient else None
    return Page(
        clinic=clinic,
        person=_person(clinic, patient, data, suggestions),
        record=record,
        outdated=_outdated(request.POST.get("known", ""), record),
        course=course,
        visits=visits,
        key=_key(request.POST.get("key", "")),
        suggestions=suggestions,
        patient=patient,
        ticked=bool(data and data.get("another_person")),
    )


def begun(request: HttpRequest, said: Mapping[str, str]) -> Page:
    """An empty page with what was typed in a search, so that nobody types it twice."""
    clinic = access.staff(request).clinic
    course, visits = CourseForm(), rows(clinic)
    suggestions = _suggestions(_kinds(course, visits), None)
    initial = {"sequences": _fitting(suggestions), **said}
    return Page(
        clinic=clinic,
        person=PersonForm(clinic, initial=initial),
        course=course,
        visits=visits,
        key=_key(""),
        suggestions=suggestions,
    )


def _outdated(known: str, record: Record | None) -> list[str]:
    """The fields that are not on record any more as they were when the form was made."""
    try:
        before = signing.loads(known, salt=SALT)
    except signing.BadSignature:
        return []
    return [name for name, said in (record or {}).items() if before.get(name) != said]


def _person(
    clinic: Clinic, patient: Patient | None, data: QueryDict | None, suggestions: Mapping[str, Suggestion]
) -> PersonForm:
    initial = {"sequences": _fitting(suggestions)}
    if patient is None:
        return PersonForm(clinic, data, initial=initial)
    return AgainForm(patient, data, initial=initial)


def _key(sent: str) -> str:
    """The key that makes a form count once: the one that came with it, or a fresh one."""
    try:
        return str(uuid.UUID(sent))
    except ValueError:
        return str(uuid.uuid4())


def rows(clinic: Clinic, **options: Any) -> BaseFormSet[VisitRow]:
    """The list of dates."""
    options["form_kwargs"] = {"clinic": clinic, "now": clock.now()}
    return VisitRows(prefix="visit", **options)


def has_rows(visits: BaseFormSet[VisitRow]) -> bool:
    """Whether the list of dates holds anything, right or wrong."""
    return visits.is_bound and any(
        not row.is_valid() or row.cleaned_data.get("on_date") for row in visits.forms
    )


# --- which sequences fit


def _kinds(course: CourseForm, visits: BaseFormSet[VisitRow]) -> set[VisitKind]:
    """The kinds of visit that the course has, as far as it is known yet."""
    if has_rows(visits):
        dated = [row.cleaned_data for row in visits.forms if row.is_valid()]
        return {VisitKind(row["kind"]) for row in dated if row.get("on_date")}
    if not course.is_bound or not course.is_valid():
        return set(VisitKind)
    later = {VisitKind.SESSION} if course.cleaned_data["treatments"] else set()
    return {VisitKind(course.cleaned_data["first_kind"]), *later}


def _suggestions(kinds: Collection[VisitKind], patient: Patient | None) -> dict[str, Suggestion]:
    followed: set[str] = set()
    if patient is not None:
        had = Enrollment.objects.filter(course__patient=patient)
        followed = set(had.values_list("sequence", flat=True))
    return {one.sequence: one for one in suggest(sequence_files.load_all().values(), kinds, followed)}


def _fitting(suggestions: Mapping[str, Suggestion]) -> list[str]:
    return [key for key, one in suggestions.items() if one.fits]


def _follow(data: QueryDict, suggestions: Mapping[str, Suggestion]) -> None:
    """What was left as it was suggested follows the course; what somebody chose stays."""
    suggested = set(str(data.get("suggested", "")).split(","))
    if "suggested" in data and set(data.getlist("sequences")) == suggested:
        data.setlist("sequences", _fitting(suggestions))
