"""Facts for planner tests: a clinic in Vancouver, visits, sequences from a few lines of YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.domain.recipients import Channel
from campaigns.domain.schedule import (
    ClinicFacts,
    CourseFacts,
    CourseState,
    EnrollmentFacts,
    Key,
    NotPlanned,
    PatientFacts,
    Plan,
    Planned,
    Sent,
    Standing,
    VisitFacts,
    VisitKind,
    VisitState,
    plan,
)
from campaigns.domain.sequences import Sequence, parse
from campaigns.queries import sequence_files

VANCOUVER = ZoneInfo("America/Vancouver")
TORONTO = ZoneInfo("America/Toronto")
PARIS = ZoneInfo("Europe/Paris")
SMS, EMAIL = Channel.SMS, Channel.EMAIL
BOTH = frozenset({SMS, EMAIL})
SETTINGS = {name: setting.default for name, setting in sequence_files.settings().items()}

STEP: dict[str, str] = {
    "purpose": "A test.",
    "anchor": "visit_start",
    "offset": "{days: -3}",
    "window": '{from: "10:00", to: "17:00"}',
    "shift": "earlier",
    "expires": "{before_anchor: {hours: 3}}",
    "late": "send_now",
    "repeat": "once_per_visit",
    "channels": "{all_of: [sms]}",
    "topic": "reminders",
}


def step_text(key: str = "one", /, **entries: str | None) -> str:
    """One step of a file; None leaves an entry out."""
    lines = {"key": key, **STEP, **entries}
    body = "\n".join(f"    {name}: {value}" for name, value in lines.items() if value is not None)
    return "  -" + body[3:]


def after(key: str = "one", /, **entries: str | None) -> str:
    """One step that counts from a completed visit."""
    given: dict[str, str | None] = {
        "anchor": "visit_completed",
        "offset": "{days: 1}",
        "shift": None,
        "expires": "{after: {days: 1}}",
    }
    return step_text(key, **{**given, **entries})


def sequence(*steps: str, key: str = "trial") -> Sequence:
    """A sequence of steps made by `step_text`."""
    text = f"key: {key}\ntitle: A trial\nsteps:\n" + "\n".join(steps or (step_text(),)) + "\n"
    return parse(text, f"{key}.yaml", sequence_files.vocabulary())


def identity(number: int) -> UUID:
    """The same id for the same number."""
    return UUID(int=number)


def utc(text: str) -> datetime:
    """An instant from `2026-12-01 16:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(text: str, zone: ZoneInfo = VANCOUVER) -> datetime:
    """An instant from the wall clock of a place."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def visit(when: str, number: int = 1, **facts: Any) -> VisitFacts:
    """A session booked at `2026-12-01 14:00`, wall clock at the clinic."""
    day, hour = when.split()
    given: dict[str, Any] = {
        "id": identity(100 + number),
        "number": number,
        "kind": VisitKind.SESSION,
        "on_date": date.fromisoformat(day),
        "at_time": time.fromisoformat(hour),
        "state": VisitState.BOOKED,
        "version": 1,
    }
    return VisitFacts(**{**given, **facts})


def done(when: str, number: int = 1, settled: str = "", **facts: Any) -> VisitFacts:
    """A session marked as done, at its own start unless said otherwise."""
    settled_at = at(settled or when)
    return visit(when, number, **{"state": VisitState.COMPLETED, "settled_at": settled_at, **facts})


def moved(old: VisitFacts, when: str) -> VisitFacts:
    """The visit at another time, as the service changes it."""
    day, hour = when.split()
    return replace(
        old,
        on_date=date.fromisoformat(day),
        at_time=time.fromisoformat(hour),
        version=old.version + 1,
        state=VisitState.BOOKED,
        settled_at=None,
    )


def enrollment(*visits: VisitFacts, follows: Sequence | None = None, **facts: Any) -> EnrollmentFacts:
    """An open course of these visits, enrolled long before."""
    given: dict[str, Any] = {
        "id": identity(1),
        "sequence": follows or sequence(),
        "course": CourseFacts(state=CourseState.OPEN, visits=visits),
        "enrolled_at": utc("2020-01-01 00:00"),
    }
    return EnrollmentFacts(**{**given, **facts})


def clinic(**facts: Any) -> ClinicFacts:
    """Vancouver, Monday to Saturday from 9:00 to 18:30, quiet from 21:00 to 7:30."""
    given: dict[str, Any] = {
        "zone": VANCOUVER,
        "window": (time(9), time(18, 30)),
        "send_days": frozenset(range(6)),
        "quiet_from": time(21),
        "quiet_to": time(7, 30),
        "settings": SETTINGS,
    }
    return ClinicFacts(**{**given, **facts})


def patient(*channels: Channel, zone: ZoneInfo | None = None) -> PatientFacts:
    """A patient with these channels, both unless said otherwise."""
    return PatientFacts(channels=frozenset(channels) or BOTH, zone=zone)


def make(
    *enrollments: EnrollmentFacts,
    now: datetime | str = "2026-11-01 08:00",
    at_clinic: ClinicFacts | None = None,
    who: PatientFacts | None = None,
    history: Iterable[Sent] = (),
    standing: Mapping[Key, Standing] | None = None,
) -> Plan:
    """Plan with everything usual but what is given. A `now` in text is wall clock in Vancouver."""
    moment = at(now) if isinstance(now, str) else now
    return plan(enrollments, at_clinic or clinic(), who or patient(), history, moment, standing)


def sent(message: Planned, **facts: Any) -> Sent:
    """The message as it left, at its time."""
    given: dict[str, Any] = {
        "enrollment": message.enrollment,
        "step": message.step,
        "visit": message.visit,
        "visit_version": message.visit_version,
        "channel": message.channel,
        "sent_at": message.send_at,
        "template": message.template,
    }
    return Sent(**{**given, **facts})


def told(about: VisitFacts, **facts: Any) -> Sent:
    """A text that left early and named date and time of a visit."""
    given: dict[str, Any] = {
        "enrollment": identity(1),
        "step": "earlier",
        "visit": about.id,
        "visit_version": about.version,
        "channel": SMS,
        "sent_at": at("2026-10-01 10:00"),
        "template": "trial/earlier",
        "stated": {
            "visit": str(about.id),
            "date": about.on_date.isoformat(),
            "time": f"{about.at_time:%H:%M}",
        },
    }
    return Sent(**{**given, **facts})


def walls(messages: Iterable[Planned | NotPlanned], zone: ZoneInfo = VANCOUVER) -> list[tuple[str, str]]:
    """Step and local wall time of each message."""
    return [(m.step, f"{m.send_at.astimezone(zone):%Y-%m-%d %H:%M}") for m in messages]


def reasons(made: Plan) -> list[tuple[str, str]]:
    """Step and reason of each message that is not planned."""
    return [(m.step, m.reason.value) for m in made.not_planned]
