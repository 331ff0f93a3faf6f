"""Dates, times and phone numbers as patients read them, one pinned pattern a language.

CLDR's own short patterns change between releases and hold U+202F, which turns a whole SMS into UCS-2. The
names of days and months are Babel's; the order, the spaces and the digits (always ASCII) are ours. No zone is
named.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache

from babel import Locale

from campaigns.domain.errors import UnknownLanguage
from campaigns.domain.languages import SUPPORTED

_LATIN_FONTS = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_ARABIC_FONTS = "'Segoe UI', 'Geeza Pro', 'Noto Sans Arabic', Tahoma, Arial, sans-serif"

# In CLDR's order (zero, one, two, few, many, other); Babel's own header has the last two the other way round.
_ARABIC_PLURAL = (
    "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one language writes dates and times, and how its e-mail is set.

    `plural` is the gettext header, set by us and not by Babel. Patterns are `str.format` templates over
    weekday, day, month; hour, minute, half; date, time.
    """

    long_date: str
    short_date: str
    clock: str
    moment: str
    plural: str
    short_moment: str
    halves: tuple[str, str] | None = None
    noon: str = ""
    short_width: str = "abbreviated"
    first_day: str = "1"
    colon: str = ": "
    fonts: str = _LATIN_FONTS
    line_height: str = "1.5"


STYLES: dict[str, Style] = {
    "en-CA": Style(
        long_date="{weekday}, {month} {day}",
        short_date="{weekday} {month} {day}",
        clock="{hour}:{minute} {half}",
        moment="{date} at {time}",
        plural="nplurals=2; plural=(n != 1);",
        short_moment="{date}, {time}",
        halves=("am", "pm"),
        noon="12:00 noon",
    ),
    "fr-CA": Style(
        long_date="{weekday} {day} {month}",
        short_date="{weekday} {day} {month}",
        clock="{hour} h {minute}",
        moment="{date} à {time}",
        plural="nplurals=2; plural=(n > 1);",
        short_moment="{date}, {time}",
        first_day="1er",
        colon=" : ",
    ),
    "ar": Style(
        long_date="{weekday} {day} {month}",
        short_date="{weekday} {day} {month}",
        clock="{hour}:{minute} {half}",
        moment="{date} الساعة {time}",
        plural=_ARABIC_PLURAL,
        short_moment="{date}، {time}",
        halves=("ص", "م"),
        noon="12:00 ظهرًا",
        short_width="wide",
        fonts=_ARABIC_FONTS,
        line_height="1.75",
    ),
}

# "aout" is the 1990 spelling, accepted beside "août"; it keeps an August text in GSM-7.
_SHORT_MONTHS = {("fr-CA", 8): "aout"}


def style(language: str) -> Style:
    """The style of a language; UnknownLanguage where we have none."""
    try:
        return STYLES[language]
    except KeyError:
        known = ", ".join(STYLES)
        raise UnknownLanguage(f'We have no texts in "{language[:35]}". We have: {known}.') from None


def is_rtl(language: str) -> bool:
    """Whether the language is written from right to left."""
    return language in SUPPORTED and SUPPORTED[language].direction == "rtl"


@lru_cache(maxsize=4096)
def format_date(day: date, language: str, short: bool = False) -> str:
    """Weekday, day and month, never a numeric month; `short` is for SMS."""
    chosen = style(language)
    locale = Locale.parse(SUPPORTED[language].babel_locale)
    width = chosen.short_width if short else "wide"
    months, days = locale.months["format"], locale.days["format"]
    month = _SHORT_MONTHS.get((language, day.month)) if short else None
    pattern = chosen.short_date if short else chosen.long_date
    return _plain(
        pattern.format(
            weekday=days[width][day.weekday()],
            day=chosen.first_day if day.day == 1 else day.day,
            month=month or months[width][day.month],
        )
    )


@lru_cache(maxsize=4096)
def format_time(at: time, language: str) -> str:
    """The time of day with am or pm, or on 24 hours, as the language does; noon is named, 12 pm misleads."""
    chosen = style(language)
    if chosen.halves is None:
        return chosen.clock.format(hour=at.hour, minute=f"{at.minute:02}")
    if chosen.noon and (at.hour, at.minute) == (12, 0):
        return chosen.noon
    half = chosen.halves[at.hour >= 12]
    return chosen.clock.format(hour=at.hour % 12 or 12, minute=f"{at.minute:02}", half=half)


def format_weekday_time(moment: datetime, language: str, short: bool = False) -> str:
    """Day and time together. The date is there too: after a long holiday "Monday" alone is the wrong one."""
    chosen = style(language)
    pattern = chosen.short_moment if short else chosen.moment
    return pattern.format(
        date=format_date(moment.date(), language, short),
        time=format_time(moment.time(), language),
    )


_NORTH_AMERICAN = re.compile(r"\+1(\d{3})(\d{3})(\d{4})")


def format_phone(number: str) -> str:
    """A Canadian or US number as 604-555-0134; any other stays in E.164, which every phone can dial."""
    return _NORTH_AMERICAN.sub(r"\1-\2-\3", number.strip())


def _plain(text: str) -> str:
    """NFC, ASCII digits, ordinary spaces."""
    text = "".join(" " if unicodedata.category(c) == "Zs" else c for c in unicodedata.normalize("NFC", text))
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
