"""The first page: what needs a person, what goes out today, what changed. One statement reads nearly all."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from campaigns.domain.lifecycle import UNSENT
from campaigns.domain.timing import to_instant
from campaigns.models import Clinic, Message, Patient, Staff
from campaigns.queries import calls
from campaigns.queries.statements import statements

SHOWN = 5
"""Rows of a section; how many there are in all is said beside it."""
NAMED = 3
"""Patients who are named for an hour, or for a kind of change."""
SOON = timedelta(days=3)
"""How far ahead messages count as waiting for a text: over a weekend."""
A_PAGE = 50

PARTS = (
    *("seen_at", "shut", "own_zones", "alerts", "calls", "not_ready", "unsent", "hours", "next", "changes"),
)
"""What is read, by the names of the statements in desk.sql."""

_UNSENT = sorted(state.value for state in UNSENT)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Day:
    """A day at a clinic that has begun. `edges` are the instants at which its hours begin, the present one
    first; `tonight` is when it ends."""

    date: date
    edges: tuple[datetime, ...]
    tonight: datetime


def day_of(clinic: Clinic, now: datetime) -> Day:
    """What is left of the day at the clinic."""
    zone = ZoneInfo(clinic.time_zone)
    here = now.astimezone(zone).replace(tzinfo=None)
    hours = [to_instant(here.date(), time(hour), zone) for hour in range(here.hour, 24)]
    tonight = to_instant(here.date() + timedelta(days=1), time(0), zone)
    return Day(here.date(), tuple(hours), tonight)


def read(clinic: Clinic, staff: Staff, now: datetime, until: date) -> dict[str, list[Row]]:
    """Every part of the page by its name, as rows of JSON: instants are text, ids are too. One query.

    `until` is the last day whose visits count as near.
    """
    kept = statements("desk.sql")
    holes = {"{since}": kept["since"], "{standing}": kept["standing"]}
    parts = " UNION ALL ".join(
        f"SELECT '{name}', (SELECT coalesce(jsonb_agg(to_jsonb(x)), '[]') FROM ({kept[name]}) x)"  # noqa: S608  statements of our own
        for name in PARTS
    )
    for hole, text in holes.items():
        parts = parts.replace(hole, _without_comments(text))
    with connection.cursor() as cursor:
        cursor.execute(parts, _parameters(clinic, staff, now) | {"until": until})
        rows = cursor.fetchall()
    found = {name: _loaded(told) for name, told in rows}
    # Who is called on a later day is nobody for today.
    return found | {"calls": [row for row in found["calls"] if not row["later"]]}


def _loaded(found: Any) -> list[Row]:
    rows: list[Row] = json.loads(found) if isinstance(found, str) else found
    return rows


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def _parameters(clinic: Clinic, staff: Staff, now: datetime) -> dict[str, Any]:
    day = day_of(clinic, now)
    return {
        **calls.parameters(clinic, now),
        "limit": SHOWN,
        "offset": 0,
        "shown": SHOWN,
        "named": NAMED,
        "edges": list(day.edges),
        "tonight": day.tonight,
        "staff": staff.pk,
        "email": staff.email,
        "day_ago": now - timedelta(days=1),
        "week_ago": now - timedelta(days=7),
    }


def patients(ids: Collection[str | UUID]) -> Mapping[str, Patient]:
    """These patients by their id as text, without those who are forgotten. One query, none for nobody."""
    if not ids:
        return {}
    known = Patient.objects.filter(pk__in=ids, forgotten_at=None)
    return {str(patient.pk): patient for patient in known}


def going_soon(clinic: Clinic, now: datetime, languages: Collection[str]) -> dict[tuple[str, str, str], int]:
    """How many messages go within `SOON` to readers of these languages, by (template, channel, language)."""
    about: dict[str, Any] = {"clinic": clinic.pk, "soon": now + SOON, "languages": list(languages)}
    with connection.cursor() as cursor:
        cursor.execute(statements("desk.sql")["wording"], about)
        return {(template, channel, language): n for language, template, channel, n in cursor.fetchall()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of today's messages: those of one hour (the instant at which it begins), on one channel, to
    readers of one language; empty: all. `after` is the last that was seen (due_at, id)."""

    hour: datetime | None = None
    channel: str = ""
    language: str = ""
    after: tuple[datetime, int] | None = None


def going_out(clinic: Clinic, now: datetime, wanted: Wanted) -> list[Message]:
    """What goes out until tonight, soonest first, with patients and visits and without texts: a page, and
    one more where there are more."""
    day = day_of(clinic, now)
    rows = Message.objects.filter(clinic=clinic.pk, state__in=_UNSENT).filter(_between(day, wanted.hour))
    if wanted.channel:
        rows = rows.filter(channel=wanted.channel)
    if wanted.language:
        rows = rows.filter(patient__language=wanted.language)
    if wanted.after:
        at, pk = wanted.after
        rows = rows.filter(due_at__gte=at).exclude(due_at=at, pk__lte=pk)
    rows = rows.select_related("patient", "visit").defer("subject", "body", "html")
    return list(rows.order_by("due_at", "pk")[: A_PAGE + 1])


def _between(day: Day, hour: datetime | None) -> Q:
    """The messages of an hour. What should have gone already counts to the present one."""
    if hour not in day.edges:
        return Q(due_at__lt=day.tonight)
    place = day.edges.index(hour)
    ends = (*day.edges[1:], day.tonight)[place]
    return Q(due_at__lt=ends) if place == 0 else Q(due_at__gte=hour, due_at__lt=ends)


def whose(parts: Mapping[str, list[Row]]) -> Iterator[str]:
    """The ids of everybody whom the page names."""
    for rows in parts.values():
        for row in rows:
            yield from row.get("patients") or ()
            if row.get("patient_id"):
                yield row["patient_id"]
