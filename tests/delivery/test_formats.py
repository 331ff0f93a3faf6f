"""Dates, times and phones as patients read them."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, time, timedelta
from string import Formatter

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


# What a native reader would write: a Wednesday morning in September, a Saturday noon in August, and an
# afternoon in May. E-mail first, then SMS.
TEXTS = {
    "en-CA": [
        ("Wednesday, September 30 at 9:05 am", "Wed Sep 30, 9:05 am"),
        ("Saturday, August 1 at 12 noon", "Sat Aug 1, 12 noon"),
        ("Friday, May 15 at 2:30 pm", "Fri May 15, 2:30 pm"),
    ],
    "fr-CA": [
        ("mercredi 30 septembre à 9 h 05", "mer. 30 sept., 9 h 05"),
        ("samedi 1er août à 12 h 00", "sam. 1er aout, 12 h 00"),
        ("vendredi 15 mai à 14 h 30", "ven. 15 mai, 14 h 30"),
    ],
    "pa": [
        ("ਬੁੱਧਵਾਰ, 30 ਸਤੰਬਰ, ਸਵੇਰੇ 9:05 ਵਜੇ", "ਬੁੱਧਵਾਰ 30 ਸਤੰਬਰ, ਸਵੇਰੇ 9:05 ਵਜੇ"),
        ("ਸ਼ਨੀਵਾਰ, 1 ਅਗਸਤ, ਦੁਪਹਿਰੇ 12:00 ਵਜੇ", "ਸ਼ਨੀਵਾਰ 1 ਅਗਸਤ, ਦੁਪਹਿਰੇ 12:00 ਵਜੇ"),
        ("ਸ਼ੁੱਕਰਵਾਰ, 15 ਮਈ, ਦੁਪਹਿਰੇ 2:30 ਵਜੇ", "ਸ਼ੁੱਕਰਵਾਰ 15 ਮਈ, ਦੁਪਹਿਰੇ 2:30 ਵਜੇ"),
    ],
    "zh-Hant": [
        ("9月30日（星期三）上午9:05", "9月30日（週三）上午9:05"),
        ("8月1日（星期六）中午12:00", "8月1日（週六）中午12:00"),
        ("5月15日（星期五）下午2:30", "5月15日（週五）下午2:30"),
    ],
    "zh-Hans": [
        ("9月30日（星期三）09:05", "9月30日（周三）09:05"),
        ("8月1日（星期六）12:00", "8月1日（周六）12:00"),
        ("5月15日（星期五）14:30", "5月15日（周五）14:30"),
    ],
    "fil": [
        ("Miyerkules, Setyembre 30, 9:05 AM", "Miyerkules, Setyembre 30, 9:05 AM"),
        ("Sabado, Agosto 1, 12:00 ng tanghali", "Sabado, Agosto 1, 12:00 ng tanghali"),
        ("Biyernes, Mayo 15, 2:30 PM", "Biyernes, Mayo 15, 2:30 PM"),
    ],
    "ko": [
        ("9월 30일 수요일 오전 9:05", "9월 30일(수) 오전 9:05"),
        ("8월 1일 토요일 낮 12:00", "8월 1일(토) 낮 12:00"),
        ("5월 15일 금요일 오후 2:30", "5월 15일(금) 오후 2:30"),
    ],
    "fa": [
        ("چهارشنبه 30 سپتامبر ساعت 9:05", "چهارشنبه 30 سپتامبر، 9:05"),
        ("شنبه 1 اوت ساعت 12:00", "شنبه 1 اوت، 12:00"),
        ("جمعه 15 مه ساعت 14:30", "جمعه 15 مه، 14:30"),
    ],
    "es": [
        ("miércoles 30 de septiembre, 9:05 am", "mié 30 sept, 9:05 am"),
        ("sábado 1 de agosto, 12:00 pm", "sab 1 ago, 12:00 pm"),
        ("viernes 15 de mayo, 2:30 pm", "vie 15 may, 2:30 pm"),
    ],
    "vi": [
        ("Thứ Tư, ngày 30 tháng 9 lúc 09:05", "Thứ Tư, 30 tháng 9, 09:05"),
        ("Thứ Bảy, ngày 1 tháng 8 lúc 12:00", "Thứ Bảy, 1 tháng 8, 12:00"),
        ("Thứ Sáu, ngày 15 tháng 5 lúc 14:30", "Thứ Sáu, 15 tháng 5, 14:30"),
    ],
    "ar": [
        ("الأربعاء 30 سبتمبر الساعة 9:05 ص", "الأربعاء 30 سبتمبر، 9:05 ص"),
        ("السبت 1 أغسطس الساعة 12:00 ظهرًا", "السبت 1 أغسطس، 12:00 ظهرًا"),
        ("الجمعة 15 مايو الساعة 2:30 م", "الجمعة 15 مايو، 2:30 م"),
    ],
    "hi": [
        ("बुधवार, 30 सितंबर, सुबह 9:05 बजे", "बुधवार 30 सितंबर, सुबह 9:05 बजे"),
        ("शनिवार, 1 अगस्त, दोपहर 12:00 बजे", "शनिवार 1 अगस्त, दोपहर 12:00 बजे"),
        ("शुक्रवार, 15 मई, दोपहर 2:30 बजे", "शुक्रवार 15 मई, दोपहर 2:30 बजे"),
    ],
    "ru": [
        ("среда, 30 сентября, 09:05", "ср 30 сентября, 09:05"),
        ("суббота, 1 августа, 12:00", "сб 1 августа, 12:00"),
        ("пятница, 15 мая, 14:30", "пт 15 мая, 14:30"),
    ],
    "uk": [
        ("середа, 30 вересня, 09:05", "ср 30 вересня, 09:05"),
        ("субота, 1 серпня, 12:00", "сб 1 серпня, 12:00"),
        ("пʼятниця, 15 травня, 14:30", "пт 15 травня, 14:30"),
    ],
}


@pytest.mark.parametrize("language", SUPPORTED)
def test_a_moment_reads_as_people_write_it(language: str) -> None:
    shown = [
        (format_weekday_time(at, language), format_weekday_time(at, language, True))
        for at in map(datetime.fromisoformat, ("2026-09-30T09:05", "2026-08-01T12:00", "2026-05-15T14:30"))
    ]
    assert shown == [tuple(unicodedata.normalize("NFC", text) for text in both) for both in TEXTS[language]]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("pa", "ਰਾਤੀਂ 12:30 ਵਜੇ / ਦੁਪਹਿਰੇ 12:30 ਵਜੇ / ਸ਼ਾਮੀਂ 5:15 ਵਜੇ / ਰਾਤੀਂ 9:00 ਵਜੇ"),
        ("hi", "रात 12:30 बजे / दोपहर 12:30 बजे / शाम 5:15 बजे / रात 9:00 बजे"),
        ("zh-Hant", "凌晨12:30 / 中午12:30 / 下午5:15 / 晚上9:00"),
        ("ko", "오전 12:30 / 오후 12:30 / 오후 5:15 / 오후 9:00"),
        ("es", "12:30 am / 12:30 pm / 5:15 pm / 9:00 pm"),
        ("vi", "00:30 / 12:30 / 17:15 / 21:00"),
        ("fa", "0:30 / 12:30 / 17:15 / 21:00"),
    ],
)
def test_the_word_for_the_part_of_the_day_goes_with_the_hour(language: str, expected: str) -> None:
    times = (time(0, 30), time(12, 30), time(17, 15), time(21, 0))
    assert " / ".join(format_time(at, language) for at in times) == unicodedata.normalize("NFC", expected)


def test_a_persian_tuesday_keeps_the_joint_that_its_spelling_needs() -> None:
    assert format_date(TUESDAY, "fa", True) == "سه\u200cشنبه 1 دسامبر"


@pytest.mark.parametrize(
    ("language", "at", "expected"),
    [
        ("en-CA", time(14, 5), "2:05 pm"),
        ("en-CA", time(9, 0), "9:00 am"),
        ("en-CA", time(0, 30), "12:30 am"),
        ("en-CA", time(12, 0), "12 noon"),
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
                assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c != "\u200c"]
                assert unicodedata.is_normalized("NFC", text)


@pytest.mark.parametrize("language", SUPPORTED)
def test_a_text_may_end_with_a_date_or_a_time(language: str) -> None:
    moment = datetime.combine(date(2026, 1, 2), time(14, 30))
    assert not format_date(moment.date(), language).endswith(".")
    assert not format_weekday_time(moment, language, True).endswith(".")
    abbreviated = {"fr-CA"}  # its texts put more words after a short date
    assert format_date(moment.date(), language, True).endswith(".") is (language in abbreviated)


@pytest.mark.parametrize("language", SUPPORTED)
def test_each_pattern_names_what_it_must(language: str) -> None:
    chosen = style(language)
    for pattern in (chosen.long_date, chosen.short_date):
        assert {name for _, name, *_ in Formatter().parse(pattern) if name} == {"weekday", "month", "day"}
    for pattern in (chosen.moment, chosen.short_moment):
        assert [name for _, name, *_ in Formatter().parse(pattern) if name] == ["date", "time"]
    assert ("{part}" in chosen.clock) is bool(chosen.parts)


NOTO = {
    "Guru": "Gurmukhi'",
    "Deva": "Devanagari'",
    "Arab": "Arabic'",
    "Hant": "TC'",
    "Hans": "SC'",
    "Kore": "KR'",
}


@pytest.mark.parametrize("language", SUPPORTED)
def test_fonts_are_the_readers_own_and_end_in_a_family_every_reader_has(language: str) -> None:
    fonts = style(language).fonts
    assert "url(" not in fonts
    assert '"' not in fonts
    assert fonts.endswith(", sans-serif")
    assert f"'Noto Sans {NOTO.get(SUPPORTED[language].script, '')}".rstrip() in fonts


@pytest.mark.parametrize("language", ["en-CA", "fr-CA", "fil", "es"])
def test_a_short_date_never_pushes_a_text_out_of_gsm7(language: str) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert all(is_gsm7(format_date(day, language, True)) for day in days)
    assert is_gsm7(format_time(time(14, 30), language))


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
