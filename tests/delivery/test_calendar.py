"""The calendar file, read back with the same library that readers use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Component

from campaigns.delivery import calendar
from campaigns.delivery.calendar import VisitEntry, visit_file

VANCOUVER = ZoneInfo("America/Vancouver")
ENTRY = VisitEntry(
    uid="visit-8f14e45f@clinic.example",
    sequence=1,
    starts_at=datetime(2026, 12, 1, 9, 0, tzinfo=VANCOUVER),
    now=datetime(2026, 11, 23, 17, 0, tzinfo=UTC),
    summary="Rendez-vous : clinique",
    location="100 Main Street; Suite 5, Vancouver",
    organizer="clinic@clinic.example",
    organizer_name="Clinique d'été",
)


def read(entry: VisitEntry) -> tuple[Component, Component]:
    file: Component = Calendar.from_ical(visit_file(entry))
    (event,) = file.walk("VEVENT")
    assert not event.errors
    return file, event


def test_it_says_when_and_where() -> None:
    file, event = read(ENTRY)
    assert file["METHOD"] == "PUBLISH"
    assert event.decoded("DTSTART") == datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
    assert event.decoded("DTEND") == datetime(2026, 12, 1, 16, 30, tzinfo=UTC)
    assert event.decoded("DTSTAMP") == ENTRY.now
    assert str(event["SUMMARY"]) == ENTRY.summary
    assert str(event["LOCATION"]) == ENTRY.location
    assert event["STATUS"] == "CONFIRMED"
    assert str(event["ORGANIZER"]) == "mailto:clinic@clinic.example"


def test_the_instant_is_written_in_utc_and_names_no_zone() -> None:
    written = visit_file(ENTRY)
    assert b"DTSTART:20261201T160000Z" in written
    assert b"TZID" not in written


def test_a_moved_visit_replaces_its_entry() -> None:
    moved = replace(ENTRY, sequence=2, starts_at=ENTRY.starts_at + timedelta(days=1))
    _, before = read(ENTRY)
    _, after = read(moved)
    assert after["UID"] == before["UID"]
    assert after.decoded("SEQUENCE") > before.decoded("SEQUENCE")
    assert after.decoded("DTSTART") - before.decoded("DTSTART") == timedelta(days=1)


def test_a_cancelled_visit_takes_its_entry_away() -> None:
    file, event = read(replace(ENTRY, sequence=2, cancelled=True))
    assert file["METHOD"] == "CANCEL"
    assert event["STATUS"] == "CANCELLED"
    assert event["UID"] == ENTRY.uid


def test_line_breaks_in_words_cannot_add_a_line() -> None:
    _, event = read(
        replace(ENTRY, summary="a\r\nATTENDEE:mailto:x@x.example", location="b\nSTATUS:CANCELLED")
    )
    assert "ATTENDEE" not in event
    assert event["STATUS"] == "CONFIRMED"


def test_the_same_visit_gives_the_same_bytes() -> None:
    assert visit_file(ENTRY) == visit_file(ENTRY)


NAMES = st.one_of(st.text("ax-@.,;\\é\n", max_size=90), st.text("x", max_size=90))
SECONDS = st.integers(0, 4_000_000_000)


@given(NAMES, NAMES, SECONDS)
def test_a_file_that_is_kept_and_filled_is_the_one_that_would_be_written(
    uid: str, summary: str, seconds: int
) -> None:
    entry = replace(ENTRY, uid=uid, summary=summary, now=datetime.fromtimestamp(seconds, UTC))
    assert visit_file(entry) == calendar._written(entry)


@pytest.mark.parametrize("name", ["starts_at", "now"])
def test_a_wall_clock_time_is_refused(name: str) -> None:
    naive = datetime(2026, 12, 1, 9, 0)  # noqa: DTZ001
    changed = replace(ENTRY, starts_at=naive) if name == "starts_at" else replace(ENTRY, now=naive)
    with pytest.raises(ValueError, match="aware"):
        visit_file(changed)
