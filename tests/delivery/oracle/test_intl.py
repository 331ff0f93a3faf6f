"""Dates, times and plurals of every language, held against ICU as Node has it.

`FORMS` says anew what surrounds the names and numbers in each language, so that a text equal to the form that
ICU filled holds the right weekday, month, day, hour, minute and part of the day, and nothing else. Where we
write something else than ICU on purpose, `DEVIATIONS` says what and why.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from gettext import c2py

import pytest

from campaigns.delivery.formats import format_date, format_time, style
from campaigns.domain.languages import SUPPORTED
from tests.delivery.oracle import node

DATES = 200
FIRST = datetime.fromisoformat("2024-01-01T00:00")
LEAP_DAY = datetime.fromisoformat("2028-02-29T00:00")
COUNTS = list(range(1000))
CATEGORIES = ("zero", "one", "two", "few", "many", "other")

Parts = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """One language's long date, short date and clock, around ICU's parts."""

    long: str
    short: str
    clock: str


FORMS = {
    "en-CA": Forms(
        long="{weekday_long}, {month_long} {day}",
        short="{weekday_short} {month_short} {day}",
        clock="{hour12}:{minute} {half}",
    ),
    "fr-CA": Forms(
        long="{weekday_long} {day} {month_long}",
        short="{weekday_short} {day} {month_short}",
        clock="{hour24} h {minute}",
    ),
    "pa": Forms(
        long="{weekday_long}, {day} {month_long}",
        short="{weekday_long} {day} {month_long}",
        clock="{part} {hour12}:{minute} ਵਜੇ",
    ),
    "zh-Hant": Forms(
        long="{month_long}月{day}日（{weekday_long}）",
        short="{month_short}月{day}日（{weekday_short}）",
        clock="{part}{hour12}:{minute}",
    ),
    "zh-Hans": Forms(
        long="{month_long}月{day}日（{weekday_long}）",
        short="{month_short}月{day}日（{weekday_short}）",
        clock="{hour24:0>2}:{minute}",
    ),
    "fil": Forms(
        long="{weekday_long}, {month_long} {day}",
        short="{weekday_long}, {month_long} {day}",
        clock="{hour12}:{minute} {half}",
    ),
    "ko": Forms(
        long="{month_long} {day}일 {weekday_long}",
        short="{month_short} {day}일({weekday_short})",
        clock="{half} {hour12}:{minute}",
    ),
    "fa": Forms(
        long="{weekday_long} {day} {month_long}",
        short="{weekday_long} {day} {month_long}",
        clock="{hour24}:{minute}",
    ),
    "es": Forms(
        long="{weekday_long} {day} de {month_long}",
        short="{weekday_short} {day} {month_short}",
        clock="{hour12}:{minute} {half}",
    ),
    "vi": Forms(
        long="{weekday_long}, ngày {day} {month_long}",
        short="{weekday_long}, {day} {month_long}",
        clock="{hour24:0>2}:{minute}",
    ),
    "ar": Forms(
        long="{weekday_long} {day} {month_long}",
        short="{weekday_long} {day} {month_long}",
        clock="{hour12}:{minute} {half}",
    ),
    "hi": Forms(
        long="{weekday_long}, {day} {month_long}",
        short="{weekday_long} {day} {month_long}",
        clock="{part} {hour12}:{minute} बजे",
    ),
    "ru": Forms(
        long="{weekday_long}, {day} {month_long}",
        short="{weekday_short} {day} {month_long}",
        clock="{hour24:0>2}:{minute}",
    ),
    "uk": Forms(
        long="{weekday_long}, {day} {month_long}",
        short="{weekday_short} {day} {month_long}",
        clock="{hour24:0>2}:{minute}",
    ),
}

# Language, part (or `clock` for the whole time, `hours` for its cycle), ICU's, ours, reason.
DEVIATIONS = (
    ("en-CA", "half", "a.m.", "am", "a sentence may end with the time, and would end with two periods"),
    ("en-CA", "half", "p.m.", "pm", "a sentence may end with the time, and would end with two periods"),
    ("en-CA", "clock", "12:00 pm", "12 noon", "12 pm is read as midnight too"),
    ("fr-CA", "day", "1", "1er", "French has an ordinal for the first of the month"),
    ("fr-CA", "month_short", "août", "aout", "the 1990 spelling is GSM-7"),
    ("zh-Hant", "part", "清晨", "上午", "a morning visit is 上午, at seven as at nine"),
    ("fil", "clock", "12:00 PM", "12:00 ng tanghali", "12 pm is read as midnight too"),
    ("ko", "half", "AM", "오전", "Korean texts have the Korean word"),
    ("ko", "half", "PM", "오후", "Korean texts have the Korean word"),
    ("ko", "clock", "오후 12:00", "낮 12:00", "12 pm is read as midnight too"),
    ("es", "hours", "24", "12", "people from the Americas, and clinics here, tell the time with am and pm"),
    ("es", "half", "a. m.", "am", "a sentence may end with the time, and would end with two periods"),
    ("es", "half", "p. m.", "pm", "a sentence may end with the time, and would end with two periods"),
    ("es", "weekday_short", "sáb", "sab", "GSM-7 has no á, and no other word is spelled so"),
    ("ar", "clock", "12:00 م", "12:00 ظهرًا", "12 pm is read as midnight too"),
)


def moments(tag: str) -> list[datetime]:
    """Wall clock: the first of each month at noon, a leap day, a week round the clock, and some by chance."""
    chance = random.Random(tag)
    found = [FIRST.replace(year=2026, month=month, hour=12) for month in range(1, 13)]
    found += [LEAP_DAY, LEAP_DAY + timedelta(hours=12, minutes=30)]
    found += [LEAP_DAY + timedelta(days=3, hours=hour, minutes=5) for hour in range(0, 7 * 24, 5)]
    while len(found) < DATES:
        found.append(FIRST + timedelta(minutes=5 * chance.randrange(8 * 365 * 24 * 12)))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What ICU says of one language."""

    hours: str
    moments: list[Parts]
    plurals: list[str]


@cache
def icu() -> dict[str, Answer]:
    """One Node process for all languages."""
    asked = {tag: [f"{at.isoformat()}Z" for at in moments(tag)] for tag in SUPPORTED}
    answers = node.ask("intl.js", {"moments": asked, "counts": COUNTS})
    missing = sorted(tag for tag, answer in answers.items() if answer is None)
    assert not missing, f"This Node has no full ICU: it lacks {', '.join(missing)}."
    return {tag: Answer(**answer) for tag, answer in answers.items()}


def plain(text: str) -> str:
    """NFC, and every space an ordinary one."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(c) == "Zs" else c for c in composed)


def expected(tag: str, parts: Parts, leave_out: object = None) -> list[str]:
    """The long date, the short date and the time, from ICU's parts and our deviations."""
    ours = {(one[1], one[2]): one[3] for one in DEVIATIONS if one[0] == tag and one is not leave_out}
    filled = {name: ours.get((name, plain(value)), plain(value)) for name, value in parts.items()}
    forms = FORMS[tag]
    clock = forms.clock.format(**filled)
    return [forms.long.format(**filled), forms.short.format(**filled), ours.get(("clock", clock), clock)]


def written(tag: str, at: datetime) -> list[str]:
    """The same three as patients read them."""
    return [format_date(at.date(), tag), format_date(at.date(), tag, short=True), format_time(at.time(), tag)]


def hours(tag: str, leave_out: object = None) -> str:
    """How many hours the clock has, by ICU and our deviations."""
    ours = {one[2]: one[3] for one in DEVIATIONS if one[:2] == (tag, "hours") and one is not leave_out}
    return ours.get(icu()[tag].hours, icu()[tag].hours)


def hours_written(tag: str) -> str:
    """How many hours our clock has."""
    return "12" if style(tag).parts else "24"


@pytest.mark.parametrize("tag", SUPPORTED)
def test_the_dates_hold_every_month_weekday_and_hour_and_a_leap_day(tag: str) -> None:
    found = moments(tag)
    assert len(found) == DATES
    assert {at.month for at in found if at.day == 1} == set(range(1, 13))
    assert {at.weekday() for at in found} == set(range(7))
    assert {at.hour for at in found} == set(range(24))
    assert {(0, 0), (12, 0), (12, 30)} <= {(at.hour, at.minute) for at in found}
    assert LEAP_DAY in found


@pytest.mark.parametrize("tag", SUPPORTED)
def test_dates_and_times_are_those_of_icu(tag: str) -> None:
    for at, parts in zip(moments(tag), icu()[tag].moments, strict=True):
        assert written(tag, at) == expected(tag, parts)


@pytest.mark.parametrize("tag", SUPPORTED)
def test_the_clock_is_the_one_the_language_has(tag: str) -> None:
    assert hours_written(tag) == hours(tag)


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda one: f"{one[0]} {one[3]}")
def test_every_deviation_is_needed(deviation: tuple[str, ...]) -> None:
    tag = deviation[0]
    both = zip(moments(tag), icu()[tag].moments, strict=True)
    differs = any(written(tag, at) != expected(tag, parts, deviation) for at, parts in both)
    assert differs or hours_written(tag) != hours(tag, deviation)


@pytest.mark.parametrize("tag", SUPPORTED)
def test_the_plural_header_has_the_forms_of_icu_in_their_order(tag: str) -> None:
    count, form = style(tag).plural.removesuffix(";").split("; plural=")
    chosen = icu()[tag].plurals
    order = [name for name in CATEGORIES if name in chosen]
    assert count == f"nplurals={len(order)}"
    assert [order[c2py(form)(n)] for n in COUNTS] == chosen
