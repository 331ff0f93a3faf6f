"""What goes in: each field with its limits, as the published description shows them."""

from __future__ import annotations

import re
from datetime import date
from datetime import time as day_time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitKind
from campaigns.models import Alert, Consent
from campaigns.services.courses import Stop
from campaigns.services.pausing import Why

LINE = r"^[^\x00-\x1f\x7f]*$"
"""One line of text: no control characters, which PostgreSQL or a mail could not hold."""


def _day(value: object) -> object:
    """A date and nothing else: a number or an instant would be taken for one too."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("Write the date like 2026-11-20")
    if not isinstance(value, str | date):
        raise ValueError("Write the date as text, like 2026-11-20")
    return value


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("Write it as text")
    return value


def _instant(value: object) -> object:
    """An instant as RFC 3339 writes it: a bare number would be taken for seconds since 1970."""
    if not isinstance(value, str) or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", value):
        raise ValueError("Write the instant like 2026-11-20T14:00:00-07:00")
    return value


def _whole(value: object) -> object:
    """A number: neither true nor text, which would be taken for one too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("Write a whole number")
    return value


Line = Annotated[str, Field(max_length=120, pattern=LINE)]
Day = Annotated[date, BeforeValidator(_day)]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["14:00"])]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]
Id = Annotated[UUID, BeforeValidator(_text)]
Source = Literal["phone", "in_person", "in_writing"]
Said = Literal["true", "false"]
Topic = Literal["education", "reminders", "check_ins"]


class In(BaseModel):
    """What is not described is refused, so that a slip in a name is not a wish that is lost."""

    model_config = ConfigDict(extra="forbid")


class Agreement(In):
    """How the patient agreed to messages on this channel: never without evidence."""

    source: Source
    evidence: Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)]


class AddressIn(In):
    """An address, and how the patient agreed to be written to there; without that nothing is sent to it."""

    address: Annotated[str, Field(min_length=1, max_length=254, pattern=LINE)]
    agreed: Agreement | None = None


class ContactPointIn(AddressIn):
    """The same, with its channel."""

    channel: Channel


class PatientIn(In):
    """A patient to take into care. `reference` is your own name for them."""

    given_name: Annotated[str, Field(min_length=1, max_length=120, pattern=LINE)]
    family_name: Line = ""
    language: Annotated[str, Field(min_length=1, max_length=16, pattern=LINE, examples=["fr-CA"])]
    interpreter_language: Annotated[str, Field(max_length=40, pattern=LINE)] = ""
    time_zone: Annotated[str, Field(max_length=64, pattern=LINE)] = ""
    reference: Annotated[str, Field(max_length=64, pattern=LINE)] = ""
    contact_points: Annotated[list[ContactPointIn], Field(max_length=2)] = []


class SearchIn(In):
    """What is known of a patient; all of it must fit."""

    phone: Annotated[str, Field(max_length=40, pattern=LINE)] = ""
    email: Annotated[str, Field(max_length=254, pattern=LINE)] = ""
    reference: Annotated[str, Field(max_length=64, pattern=LINE)] = ""


class PatientPatch(In):
    """What changes; what is left out stays. An empty time zone is the clinic's."""

    language: Annotated[str, Field(min_length=1, max_length=16, pattern=LINE)] | None = None
    time_zone: Annotated[str, Field(max_length=64, pattern=LINE)] | None = None


class PauseIn(In):
    """Until when to leave the patient in peace; without it until `resume`."""

    until: Instant | None = None
    why: Why


class LeaveIn(In):
    """Who has left or died is written to no more."""

    status: Literal["left", "deceased"]


class ConsentIn(In):
    """What the patient said. Every topic at once withdrawn is an opt-out of the address."""

    channel: Channel
    action: Consent.Action
    topics: Annotated[list[Topic], Field(min_length=1, max_length=3)] = [
        "education",
        "reminders",
        "check_ins",
    ]
    source: Source
    evidence: Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)]


class When(In):
    """A date and a time of day on the clinic's wall clock."""

    date: Day
    time: Clock

    def at(self) -> day_time:
        """The time of day."""
        return day_time.fromisoformat(self.time)


class VisitIn(When):
    """A visit to book."""

    kind: VisitKind


class NewVisitIn(VisitIn):
    """A visit to book into a course."""

    course: Id


class CourseIn(In):
    """A course for a patient, with its visits, following these sequences."""

    patient: Id
    visits: Annotated[list[VisitIn], Field(max_length=60)] = []
    sequences: Annotated[list[Annotated[str, Field(max_length=40, pattern=LINE)]], Field(max_length=20)] = []


class EnrollmentIn(In):
    """A sequence for a course to follow."""

    course: Id
    sequence: Annotated[str, Field(min_length=1, max_length=40, pattern=LINE)]


class StopIn(In):
    """Why it stops."""

    why: Stop


class TakenIn(In):
    """Who of the staff has the alert in hand: an alert is taken and closed by a named person, never by a
    program."""

    by: Annotated[str, Field(min_length=3, max_length=254, pattern=LINE, examples=["robin@clinic.example"])]


class ClosedIn(TakenIn):
    """How it ended. With `seen`, how many further texts of the patient you knew of, it is refused where there
    are more."""

    outcome: Alert.Outcome
    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")] = ""
    seen: Annotated[int, Field(ge=0, le=10_000), BeforeValidator(_whole)] | None = None


class EndpointIn(In):
    """Where to tell, and of what."""

    url: Annotated[
        str, Field(min_length=8, max_length=500, pattern=LINE, examples=["https://example.org/hook"])
    ]
    events: Annotated[list[Literal["message", "answer", "alert"]], Field(min_length=1, max_length=3)]
