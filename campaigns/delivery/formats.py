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

_LATIN_FONTS = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Noto Sans', sans-serif"
_ARABIC_FONTS = "'Segoe UI', 'Geeza Pro', 'Noto Sans Arabic', Tahoma, Arial, sans-serif"
_GURMUKHI_FONTS = "'Nirmala UI', Raavi, 'Gurmukhi MN', 'Noto Sans Gurmukhi', 'Segoe UI', Arial, sans-serif"
_DEVANAGARI_FONTS = (
    "'Nirmala UI', Mangal, 'Kohinoor Devanagari', 'Devanagari MT', 'Noto Sans Devanagari', Arial, sans-serif"
)
_HANT_FONTS = (
    "'PingFang TC', 'PingFang HK', 'Microsoft JhengHei', 'Noto Sans TC', 'Noto Sans CJK TC', sans-serif"
)
_HANS_FONTS = "'PingFang SC', 'Microsoft YaHei', 'Noto Sans SC', 'Noto Sans CJK SC', sans-serif"
_KOREAN_FONTS = "'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', 'Noto Sans CJK KR', sans-serif"

# Each header has its forms in CLDR's order (zero, one, two, few, many, other). Babel's own differ in places:
# Arabic has the last two the other way round, and Hindi and Persian have no form for "0 or 1".
_PLURAL_NONE = "nplurals=1; plural=0;"
_PLURAL_ONE = "nplurals=2; plural=(n != 1);"
_PLURAL_ZERO = "nplurals=2; plural=(n > 1);"
_PLURAL_FIL = "nplurals=2; plural=(n%10==4 || n%10==6 || n%10==9);"
_PLURAL_SLAVIC = (
    "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);"
)
_PLURAL_ARABIC = (
    "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);"
)

_FULL = ("wide", "wide")
_SHORT = ("abbreviated", "abbreviated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one language writes dates and times, and how its e-mail is set.

    `plural` is the gettext header, set by us and not by Babel. Patterns are `str.format` templates over
    weekday, day, month; hour, minute, part; date, time. `parts` are the words for the parts of the day, each
    with its first hour; without them the clock runs to 24. `days` and `months` are Babel's widths of the
    names, in the long and in the short date.
    """

    long_date: str
    short_date: str
    clock: str
    moment: str
    short_moment: str
    plural: str
    parts: tuple[tuple[int, str], ...] = ()
    noon: str = ""
    days: tuple[str, str] = ("wide", "abbreviated")
    months: tuple[str, str] = ("wide", "abbreviated")
    first_day: str = "1"
    colon: str = ": "
    fonts: str = _LATIN_FONTS
    line_height: str = "1.5"


STYLES: dict[str, Style] = {
    "en-CA": Style(
        long_date="{weekday}, {month} {day}",
        short_date="{weekday} {month} {day}",
        clock="{hour}:{minute} {part}",
        moment="{date} at {time}",
        short_moment="{date}, {time}",
        plural=_PLURAL_ONE,
        parts=((0, "am"), (12, "pm")),
        noon="12 noon",
    ),
    "fr-CA": Style(
        long_date="{weekday} {day} {month}",
        short_date="{weekday} {day} {month}",
        clock="{hour} h {minute}",
        moment="{date} à {time}",
        short_moment="{date}, {time}",
        plural=_PLURAL_ZERO,
        first_day="1er",
        colon=" : ",
    ),
    # Words for the part of the day, as people say the time; the dictionary's own for am and pm are unknown.
    "pa": Style(
        long_date="{weekday}, {day} {month}",
        short_date="{weekday} {day} {month}",
        clock="{part} {hour}:{minute} ਵਜੇ",
        moment="{date}, {time}",
        short_moment="{date}, {time}",
        plural=_PLURAL_ZERO,
        parts=((0, "ਰਾਤੀਂ"), (4, "ਸਵੇਰੇ"), (12, "ਦੁਪਹਿਰੇ"), (16, "ਸ਼ਾਮੀਂ"), (21, "ਰਾਤੀਂ")),
        days=_FULL,
        months=_FULL,
        fonts=_GURMUKHI_FONTS,
        line_height="1.75",
    ),
    "zh-Hant": Style(
        long_date="{month}{day}日（{weekday}）",
        short_date="{month}{day}日（{weekday}）",
        clock="{part}{hour}:{minute}",
        moment="{date}{time}",
        short_moment="{date}{time}",
        plural=_PLURAL_NONE,
        parts=((0, "凌晨"), (5, "上午"), (12, "中午"), (13, "下午"), (19, "晚上")),
        colon="：",
        fonts=_HANT_FONTS,
        line_height="1.7",
    ),
    # The wide month names are written out (九月); with a numeral for the day people write 9月.
    "zh-Hans": Style(
        long_date="{month}{day}日（{weekday}）",
        short_date="{month}{day}日（{weekday}）",
        clock="{hour:02}:{minute}",
        moment="{date}{time}",
        short_moment="{date}{time}",
        plural=_PLURAL_NONE,
        months=_SHORT,
        colon="：",
        fonts=_HANS_FONTS,
        line_height="1.7",
    ),
    "fil": Style(
        long_date="{weekday}, {month} {day}",
        short_date="{weekday}, {month} {day}",
        clock="{hour}:{minute} {part}",
        moment="{date}, {time}",
        short_moment="{date}, {time}",
        plural=_PLURAL_FIL,
        parts=((0, "AM"), (12, "PM")),
        noon="12:00 ng tanghali",
        days=_FULL,
        months=_FULL,
    ),
    "ko": Style(
        long_date="{month} {day}일 {weekday}",
        short_date="{month} {day}일({weekday})",
        clock="{part} {hour}:{minute}",
        moment="{date} {time}",
        short_moment="{date} {time}",
        plural=_PLURAL_NONE,
        parts=((0, "오전"), (12, "오후")),
        noon="낮 12:00",
        fonts=_KOREAN_FONTS,
        line_height="1.7",
    ),
    # The short month names are the whole words; the wide ones carry an ezafe that only fits before a year.
    "fa": Style(
        long_date="{weekday} {day} {month}",
        short_date="{weekday} {day} {month}",
        clock="{hour}:{minute}",
        moment="{date} ساعت {time}",
        short_moment="{date}، {time}",
        plural=_PLURAL_ZERO,
        days=_FULL,
        months=_SHORT,
        fonts=_ARABIC_FONTS,
        line_height="1.75",
    ),
    # No periods in am and pm: a sentence may end with the time, and would then end with two.
    "es": Style(
        long_date="{weekday} {day} de {month}",
        short_date="{weekday} {day} {month}",
        clock="{hour}:{minute} {part}",
        moment="{date}, {time}",
        short_moment="{date}, {time}",
        plural=_PLURAL_ONE,
        parts=((0, "am"), (12, "pm")),
    ),
    "vi": Style(
        long_date="{weekday}, ngày {day} {month}",
        short_date="{weekday}, {day} {month}",
        clock="{hour:02}:{minute}",
        moment="{date} lúc {time}",
        short_moment="{date}, {time}",
        plural=_PLURAL_NONE,
        days=_FULL,
        months=_FULL,
        line_height="1.6",
    ),
    "ar": Style(
        long_date="{weekday} {day} {month}",
        short_date="{weekday} {day} {month}",
        clock="{hour}:{minute} {part}",
        moment="{date} الساعة {time}",
        short_moment="{date}، {time}",
        plural=_PLURAL_ARABIC,
        parts=((0, "ص"), (12, "م")),
        noon="12:00 ظهرًا",
        days=_FULL,
        months=_FULL,
        fonts=_ARABIC_FONTS,
        line_height="1.75",
    ),
    "hi": Style(
        long_date="{weekday}, {day} {month}",
        short_date="{weekday} {day} {month}",
        clock="{part} {hour}:{minute} बजे",
        moment="{date}, {time}",
        short_moment="{date}, {time}",
        plural=_PLURAL_ZERO,
        parts=((0, "रात"), (4, "सुबह"), (12, "दोपहर"), (16, "शाम"), (20, "रात")),
        days=_FULL,
        months=_FULL,
        fonts=_DEVANAGARI_FONTS,
        line_height="1.75",
    ),
    # The month is in the genitive, as after a day, and in full: its short form ends with a period, and a
    # sentence may end with the date. The weekday is in the nominative: the date stands apart, not after "в".
    "ru": Style(
        long_date="{weekday}, {day} {month}",
        short_date="{weekday} {day} {month}",
        clock="{hour:02}:{minute}",
        moment="{date}, {time}",
        short_moment="{date}, {time}",
        plural=_PLURAL_SLAVIC,
        months=_FULL,
    ),
    "uk": Style(
        long_date="{weekday}, {day} {month}",
        short_date="{weekday} {day} {month}",
        clock="{hour:02}:{minute}",
        moment="{date}, {time}",
        short_moment="{date}, {time}",
        plural=_PLURAL_SLAVIC,
        months=_FULL,
    ),
}

# Names of ours. "aout" (the 1990 spelling, accepted beside "août") and "sab" keep a short date in GSM-7. The
# Punjabi Saturday is the everyday word, which CLDR took over in release 48.
_MONTHS = {("fr-CA", True, 8): "aout"}
_WEEKDAYS = {("es", True, 5): "sab", ("pa", True, 5): "ਸ਼ਨੀਵਾਰ", ("pa", False, 5): "ਸ਼ਨੀਵਾਰ"}


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
    """Weekday, day and month; `short` is for SMS.

    The month is a name: 01/12 is two dates. Chinese, Korean and Vietnamese name it by a number and a word
    (9月), which is one. The calendar is Gregorian in Persian as well: visits in Canada are, and Babel has no
    Jalali one.
    """
    chosen = style(language)
    locale = Locale.parse(SUPPORTED[language].babel_locale)
    weekdays = locale.days["format"][chosen.days[short]]
    months = locale.months["format"][chosen.months[short]]
    pattern = chosen.short_date if short else chosen.long_date
    return _plain(
        pattern.format(
            weekday=_WEEKDAYS.get((language, short, day.weekday())) or weekdays[day.weekday()],
            day=chosen.first_day if day.day == 1 else day.day,
            month=_MONTHS.get((language, short, day.month)) or months[day.month],
        )
    )


@lru_cache(maxsize=4096)
def format_time(at: time, language: str) -> str:
    """The time of day on 24 hours, or on 12 with a word for the part of the day, as the language does.

    Noon is named where the clock has two halves: "12 pm" is read as midnight too.
    """
    chosen = style(language)
    if chosen.noon and (at.hour, at.minute) == (12, 0):
        return chosen.noon
    minute = f"{at.minute:02}"
    if not chosen.parts:
        return chosen.clock.format(hour=at.hour, minute=minute)
    part = [word for first, word in chosen.parts if first <= at.hour][-1]
    return chosen.clock.format(hour=at.hour % 12 or 12, minute=minute, part=part)


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
