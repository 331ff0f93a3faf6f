"""The calendar file that goes with an e-mail about a visit (RFC 5545, RFC 5546)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from icalendar import Calendar, Event, vCalAddress, vText

PUBLISH = "PUBLISH"
CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEntry:
    """A visit as the patient's calendar shows it. `starts_at` and `now` are aware.

    `uid` stays the same for the life of the visit and `sequence` rises with each change, a cancellation
    included: calendars replace the entry of the same uid only by one with a higher sequence.
    `summary` and `description` are neutral wording: calendars are shared with families and employers.
    """

    uid: str
    sequence: int
    starts_at: datetime
    now: datetime
    summary: str
    description: str = ""
    location: str = ""
    lasts: timedelta = timedelta(minutes=30)
    organizer: str = ""
    organizer_name: str = ""
    cancelled: bool = False

    @property
    def method(self) -> str:
        """What the file asks the calendar to do; the e-mail's part must name the same method."""
        return CANCEL if self.cancelled else PUBLISH


def visit_file(entry: VisitEntry) -> bytes:
    """The file's bytes. Instants are written in UTC, so no reader needs zone data, which may be stale.

    The library takes a quarter of a millisecond for a file. Those of one hour at one clinic differ in the
    name of the visit and in the moment of writing alone, so one is kept with stand-ins for these.
    """
    name, stamp = "x" * len(entry.uid), f"{_utc(entry.now):%Y%m%dT%H%M%SZ}"
    kept = _written(replace(entry, uid=name, now=_ANY_MOMENT))
    alone = kept.count(name.encode()) == 1 and kept.count(_ANY_STAMP) == 1
    if not alone or not _PLAIN.fullmatch(entry.uid):  # folded, or written in another way
        return _written(entry)
    return kept.replace(name.encode(), entry.uid.encode()).replace(_ANY_STAMP, stamp.encode())


_ANY_MOMENT, _ANY_STAMP = datetime(1970, 1, 2, 3, 4, 5, tzinfo=UTC), b"19700102T030405Z"
_PLAIN = re.compile(r"[A-Za-z0-9.@-]+")


@lru_cache(maxsize=2048)
def _written(entry: VisitEntry) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//campaigns//visits//EN")
    calendar.add("version", "2.0")
    calendar.add("method", entry.method)
    calendar.add_component(_event(entry))
    written: bytes = calendar.to_ical()
    return written


def _event(entry: VisitEntry) -> Event:
    starts_at = _utc(entry.starts_at)
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", _utc(entry.now))
    event.add("dtstart", starts_at)
    event.add("dtend", starts_at + entry.lasts)
    event.add("summary", entry.summary)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    if entry.description:
        event.add("description", entry.description)
    if entry.location:
        event.add("location", entry.location)
    if entry.organizer:
        event.add("organizer", _organizer(entry), encode=False)
    return event


def _organizer(entry: VisitEntry) -> vCalAddress:
    organizer = vCalAddress(f"mailto:{entry.organizer}")
    if entry.organizer_name:
        organizer.params["CN"] = vText(entry.organizer_name)
    return organizer


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("a visit in a calendar file needs an aware instant")
    return instant.astimezone(UTC)
