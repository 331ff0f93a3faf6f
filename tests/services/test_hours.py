"""The hour that a patient reads is the hour that was booked, whatever the clocks do meanwhile."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from campaigns.delivery.formats import format_time
from campaigns.domain.lifecycle import State
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import VisitKind
from campaigns.models import Clinic, Message, Patient
from campaigns.services import plan, send
from tests.factories import APPROVED, make_patient, set_now
from tests.services.fakes import FakeSender

AT = time(9, 40)
"""An hour that stands in no text for another reason."""

DAYS = [
    ("America/Vancouver", "America/Edmonton", date(2026, 12, 8), 16),  # UTC-7 all year, also in winter
    ("America/Toronto", "America/Halifax", date(2026, 12, 8), 14),
    ("America/Toronto", "America/Halifax", date(2027, 3, 14), 13),  # the clocks go forward that night
    ("America/Toronto", "America/Halifax", date(2027, 11, 7), 14),  # and back
]
"""The zones of the clinic and of the patients, the day of the visit, and its hour in UTC."""


def shown(text: str) -> str:
    """What a reader sees of a page or a text: no tags, no marks of direction."""
    return re.sub("[\u200e\u200f\u2066-\u2069]", "", unescape(re.sub(r"<[^>]+>", "", text)))


def starts(calendar: bytes) -> datetime:
    """What the calendar file says."""
    (event,) = Calendar.from_ical(calendar).walk("VEVENT")
    found: datetime = event.decoded("DTSTART")
    return found


@pytest.mark.parametrize(("zone", "home", "day", "hour"), DAYS, ids=str)
def test_every_text_and_mail_states_the_hour_that_was_booked(
    clinic: Clinic, provider: FakeSender, zone: str, home: str, day: date, hour: int
) -> None:
    """By the clock of the clinic, also for a patient who lives by another."""
    Clinic.objects.filter(pk=clinic.pk).update(time_zone=zone, send_days=list(range(7)))
    clinic.refresh_from_db()
    set_now(to_instant(day - timedelta(days=20), time(12), ZoneInfo(zone)))
    for language in APPROVED:
        _patient(clinic, language, home, day)
    told = Message.objects.filter(step__in=("day_before", "morning"))
    for at in sorted(set(told.values_list("send_at", flat=True))):
        set_now(at)
        send.drain()
    # A text and a mail the day before, and a text in the morning.
    assert told.filter(state=State.ACCEPTED).count() == told.count() == 3 * len(APPROVED)
    sent = [one for one in provider.sent if told.filter(attempts=one.attempt_id).exists()]
    assert sum(one.calendar is not None for one in sent) == len(APPROVED)
    for outgoing in sent:
        booked = format_time(AT, outgoing.language)
        assert booked in shown(outgoing.text)
        if outgoing.calendar:
            assert booked in shown(outgoing.html)
            assert starts(outgoing.calendar) == datetime.combine(day, time(hour, AT.minute), UTC)


def _patient(clinic: Clinic, language: str, home: str, day: date) -> None:
    """Somebody with one session, who lives by the clock of `home`."""
    number = APPROVED.index(language)
    mail, phone = f"{number}@patients.example", f"+1604555010{number}"
    visits = [(VisitKind.SESSION, day, AT)]
    patient = make_patient(clinic, language=language, phone=phone, email=mail, visits=visits).patient
    Patient.objects.filter(pk=patient.pk).update(time_zone=home)
    plan.replan_patient(patient.pk)
