"""The events of a calendar file (RFC 5545) as rows: what is in them, and whom they may be about.

A feed says little about people. What can be seen in an event (an address, a number, a name) is for finding a
patient who is known; nobody is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Calendar, Event
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from campaigns.domain.errors import InvalidAddress
from campaigns.domain.import_cells import about_clocks, read_kind
from campaigns.domain.import_files import Table, decode
from campaigns.domain.import_terms import (
    MOST_ROWS,
    Fault,
    ImportedVisit,
    ImportRefused,
    Person,
    Problem,
    ReadRow,
    Refusal,
    Status,
)
from campaigns.domain.recipients import normalise_email, normalise_phone

HEADER = (
    "UID",
    "RECURRENCE-ID",
    "SEQUENCE",
    "STATUS",
    "DTSTART",
    "TZID",
    "SUMMARY",
    "ATTENDEE",
    "NOTE",
    "RRULE",
)
"""The columns of a calendar's rows: its own words for them."""

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\d\w])\+?[\d(][\d\s().-]{8,18}\d(?!\d)")
_ALL_DAY = "date"


def read_calendar(data: bytes) -> Table:
    """The events of a file as rows. Raises ImportRefused for what is no calendar, is empty or too long."""
    text, encoding = decode(data)
    if not text.strip():
        raise ImportRefused(Refusal.EMPTY)
    try:
        calendars = Calendar.from_ical(text, multiple=True)
        events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
        rows = [_cells(event) for event in events if isinstance(event, Event)]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise ImportRefused(Refusal.NOT_CALENDAR) from None
    if not calendars:
        raise ImportRefused(Refusal.NOT_CALENDAR)
    if not rows:
        raise ImportRefused(Refusal.NO_ROWS)
    if len(rows) > MOST_ROWS:
        raise ImportRefused(Refusal.TOO_MANY_ROWS, most=MOST_ROWS)
    return Table(header=HEADER, rows=tuple(enumerate(rows, start=1)), encoding=encoding, separator="")


def _cells(event: Event) -> tuple[str, ...]:
    start, zone = _wall(event.get("DTSTART"))
    again, _ = _wall(event.get("RECURRENCE-ID"))
    return (
        str(event.get("UID", "")).strip()[:255],
        again,
        str(event.get("SEQUENCE", "0")),
        str(event.get("STATUS", "")).upper(),
        start,
        zone,
        str(event.get("SUMMARY", ""))[:500],
        " ".join(_people(event))[:500],
        str(event.get("DESCRIPTION", ""))[:1000],
        "RRULE" if event.get("RRULE") else "",
    )


def _wall(value: Any) -> tuple[str, str]:
    """The wall time as the file writes it, and the name of its zone: `UTC`, empty for the clinic's own time,
    or `date` for a whole day. The instant is not asked: it would depend on the rules that the file brings."""
    at = getattr(value, "dt", None)
    if not isinstance(at, datetime):
        return (at.isoformat(), _ALL_DAY) if isinstance(at, date) else ("", "")
    name = str(value.params.get("TZID", ""))
    if not name and at.tzinfo is not None:
        return at.replace(tzinfo=None).isoformat(), "UTC"
    return at.replace(tzinfo=None).isoformat(), name


def _people(event: Event) -> Iterator[str]:
    found = event.get("ATTENDEE", [])
    for one in found if isinstance(found, list) else [found]:
        address = str(one)
        yield address[7:] if address.lower().startswith("mailto:") else address
        yield str(getattr(one, "params", {}).get("CN", ""))


def read_event(cells: Sequence[str], zone: ZoneInfo) -> ReadRow:
    """One event as a visit, on the clinic's wall clock. Never raises."""
    uid, again, sequence, status, start, tzid, summary, people, note, repeats = cells
    problems = [Problem(Fault.REPEATS)] if repeats else []
    seen = " ".join((people, summary, note))
    person = Person(phone=_phone_in(seen), email=_mail_in(seen), given_name=summary.strip())
    wall = _on_our_clock(start, tzid, zone)
    if tzid in WINDOWS_TO_OLSON:
        problems.append(Problem(Fault.ZONE_OF_WINDOWS, tzid))
    if wall is None or not uid:
        problems.append(Problem(Fault.ALL_DAY if tzid == _ALL_DAY else Fault.NO_CALENDAR_FACTS, start or uid))
        return ReadRow(person=person, problems=tuple(problems))
    if odd := about_clocks(wall.date(), wall.time(), zone):
        problems.append(odd)
    visit = ImportedVisit(
        external_id=f"{uid}#{again}" if again else uid,
        on_date=wall.date(),
        at_time=wall.time().replace(second=0, microsecond=0),
        kind=read_kind(summary),
        status=Status.CANCELLED if status == "CANCELLED" else Status.BOOKED,
        sequence=int(sequence) if sequence.isdecimal() else 0,
    )
    return ReadRow(person=person, visit=visit, problems=tuple(problems))


def _on_our_clock(start: str, tzid: str, zone: ZoneInfo) -> datetime | None:
    """The wall time at the clinic; None where the event has none, or a zone that nobody knows."""
    if not start or tzid == _ALL_DAY:
        return None
    wall = datetime.fromisoformat(start)
    if tzid in {"", zone.key} or _is_meant(tzid, zone):
        return wall
    try:
        there = ZoneInfo(WINDOWS_TO_OLSON.get(tzid, tzid))
    except (ZoneInfoNotFoundError, ValueError):
        return None
    return wall.replace(tzinfo=there).astimezone(zone).replace(tzinfo=None)


def _is_meant(tzid: str, zone: ZoneInfo) -> bool:
    """Whether a name of Windows means the clinic's own clock. It has one name for several places, and gives
    British Columbia the rules of California, which parted from them in 2026: the year before tells."""
    if tzid not in WINDOWS_TO_OLSON:
        return False
    there = ZoneInfo(WINDOWS_TO_OLSON[tzid])
    seasons = (datetime(2025, month, 15, 12, tzinfo=UTC) for month in (1, 7))
    return all(one.astimezone(zone).utcoffset() == one.astimezone(there).utcoffset() for one in seasons)


def _mail_in(text: str) -> str:
    for found in _MAIL.findall(text):
        try:
            return normalise_email(found)
        except InvalidAddress:
            continue
    return ""


def _phone_in(text: str) -> str:
    for found in _PHONE.findall(text):
        try:
            return normalise_phone(found)
        except InvalidAddress:
            continue
    return ""
