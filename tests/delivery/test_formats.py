"""Dates, times and phones as patients read them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from campaigns.delivery.formats import format_date, format_phone, format_time, format_weekday_time, style
from campaigns.domain.errors import UnknownLanguage
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.sms import is_gsm7

TUESDAY = date(2026, 12, 1)


@pytest.mark.parametrize(
    ("language", "short", "expected"),
    [
        ("en-CA", True, "Tue Dec 1"),
        ("en-CA", False, "Tuesday, December 1"),
        ("fr-CA", True, "mar. 1er déc."),
        ("fr-CA", False, "mardi 1er décembre"),
        ("ar", True, "الثلاثاء 1 ديسمبر"),
        ("ar", False, "الثلاثاء 1 ديسمبر"),
    ],
)
def test_a_date_is_weekday_day_and_month(language: str, short: bool, expected: str) -> None:
    assert format_date(TUESDAY, language, short) == expected


@pytest.mark.parametrize(
    ("language", "at", "expected"),
    [
        ("en-CA", time(14, 5), "2:05 pm"),
        ("en-CA", time(9, 0), "9:00 am"),
        ("en-CA", time(0, 30), "12:30 am"),
        ("en-CA", time(12, 0), "12:00 noon"),
        ("en-CA", time(12, 30), "12:30 pm"),
        ("fr-CA", time(14, 5), "14 h 05"),
        ("fr-CA", time(12, 0), "12 h 00"),
        ("ar", time(14, 5), "2:05 م"),
        ("ar", time(9, 0), "9:00 ص"),
        ("ar", time(12, 0), "12:00 ظهرًا"),
    ],
)
def test_a_time_cannot_be_read_as_the_other_half_of_the_day(language: str, at: time, expected: str) -> None:
    assert format_time(at, language) == expected


def test_no_two_times_of_a_day_look_the_same() -> None:
    minutes = [time(hour, minute) for hour in range(24) for minute in range(60)]
    for language in SUPPORTED:
        assert len({format_time(at, language) for at in minutes}) == 24 * 60


def test_no_two_days_of_a_year_look_the_same_and_digits_and_spaces_are_ascii() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    for language in SUPPORTED:
        for short in (True, False):
            shown = [format_date(day, language, short) for day in days]
            assert len(set(shown)) == 365
            for day, text in zip(days, shown, strict=True):
                assert str(day.day) in text
                assert all(c.isascii() for c in text if c.isdecimal())
                assert all(c == " " for c in text if c.isspace())


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_a_short_date_never_pushes_a_text_out_of_gsm7(language: str) -> None:
    assert all(is_gsm7(format_date(date(2026, month, 1), language, True)) for month in range(1, 13))


def test_a_moment_says_the_date_because_the_weekday_alone_may_be_the_wrong_one() -> None:
    moment = datetime.combine(TUESDAY, time(9, 0))
    assert format_weekday_time(moment, "en-CA", True) == "Tue Dec 1, 9:00 am"
    assert format_weekday_time(moment, "fr-CA") == "mardi 1er décembre à 9 h 00"
    assert format_weekday_time(moment, "ar", True) == "الثلاثاء 1 ديسمبر، 9:00 ص"


def test_a_phone_is_printed_the_way_people_dial_it() -> None:
    assert format_phone("+16045550134") == "604-555-0134"
    assert format_phone("+442079460000") == "+442079460000"


def test_a_language_without_formats_is_refused_by_name() -> None:
    with pytest.raises(UnknownLanguage, match='"xx"'):
        style("xx")
