"""How long a text is: segments with the longest values, variants, length beside the English, sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache

from campaigns.delivery import wording
from campaigns.delivery.checks.findings import Text
from campaigns.delivery.checks.parity import NAME, bare
from campaigns.delivery.formats import format_date, format_time, is_rtl
from campaigns.delivery.glossaries import glossary
from campaigns.delivery.translations import GSM_ENTRY
from campaigns.delivery.wording import SAMPLE
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import Segmented, is_gsm7, normalise, segment

SHORT = 40  # letters of English below which a ratio of lengths says nothing
MOST = 3  # segments that any language may take
ROOMY = 2  # times the limit of a sentence at which a note becomes an error
_SENTENCE = re.compile(r"(?<=[.!?;:؟۔।])\s+|(?<=[。！？；：])|\s[-–—]\s")
_HYPHENATED = re.compile(r"\d+(?:-\d+)+")
_MARK = "\u200e"


@cache
def longest_values(language: str) -> dict[str, str]:
    """The sample values of an SMS, with the longest date and time that the language can write."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    day = max(days, key=lambda each: len(format_date(each, language, short=True)))
    clock = [time(hour, minute) for hour in range(7, 22) for minute in (30, 45)]
    at = max(clock, key=lambda each: len(format_time(each, language)))
    filled = wording.values(SAMPLE, Channel.SMS, language)
    shown = {"date": format_date(day, language, short=True), "time": format_time(at, language)}
    opens = wording.values(_opening(day, at), Channel.SMS, language)["opens"]
    counted = {name: str(number) for name, number in wording.numbers(SAMPLE).items()}
    named = {"num": "10", "language_name": SUPPORTED[language].english_name}
    old = {f"old_{name}": value for name, value in shown.items()}
    return filled | counted | named | shown | old | {"opens": opens}


def _opening(day: date, at: time) -> wording.Facts:
    return wording.Facts(clinic="x", phone="x", opens=datetime.combine(day, at))


def as_sent(message: str, language: str) -> Segmented:
    """How an SMS travels with the longest values, the marks that keep numbers in order counted."""
    filled = longest_values(language)
    text = normalise(NAME.sub(lambda match: filled.get(match.group(1), ""), message))
    return segment(_HYPHENATED.sub(rf"{_MARK}\g<0>", text) if is_rtl(language) else text)


def segments(text: Text) -> Iterator[str]:
    """Check 10: an SMS within the budget of the language, whatever the date."""
    if not text.is_sms:
        return
    used, most = as_sent(text.target, text.language).segments, text.known.segments
    if is_costly(text.source) or (text.known.variants and not _is_cheap(text)):
        most = MOST  # of a text with a variant, the variant is sent, and keeps the budget
    if used > most:
        yield f"{used} segments with the longest values, {most} is the budget"


def is_costly(source: str) -> bool:
    """Whether a text holds the names of all languages, each in its own script."""
    return "%(languages)s" in source


def variant(text: Text, standard: str) -> Iterator[str]:
    """Of a variant that must travel in the small alphabet: that it does, and that it saves something."""
    sent = as_sent(text.target, text.language)
    if not is_gsm7(normalise(NAME.sub("", text.target))):
        outside = sorted({c for c in NAME.sub("", text.target) if not is_gsm7(c)})
        yield f"not in the GSM-7 alphabet: {' '.join(outside)}"
    elif sent.segments >= as_sent(standard, text.language).segments:
        yield f"takes {sent.segments} segments, as many as the text it stands in for: remove it"


def wants_variant(text: Text) -> bool:
    """Whether a text needs a variant: it costs more than one segment only for its letters."""
    if text.context.endswith(GSM_ENTRY) or is_costly(text.source) or _is_cheap(text):
        return False
    return text.is_sms and text.known.variants and as_sent(text.target, text.language).segments > 1


def _is_cheap(text: Text) -> bool:
    """Whether a text stays in the small alphabet of SMS, the values apart."""
    return is_gsm7(normalise(bare(text.target)))


def length(text: Text) -> Iterator[str]:
    """Check 11: neither cut short nor padded, beside the English."""
    ours, theirs = len("".join(bare(text.target).split())), len("".join(bare(text.source).split()))
    if text.is_source or theirs < SHORT:
        return
    percent = 100 * ours // theirs
    if not text.known.least <= percent <= text.known.most:
        yield f"{percent}% as long as the English; {text.known.least} to {text.known.most} is usual"


def sentences(text: Text) -> Iterator[str]:
    """Part of check 11: no sentence far over the limit that the English keeps."""
    longest = max((_size(one, text.language) for one in _SENTENCE.split(text.target)), default=0)
    most = text.known.characters or text.known.words
    allowed = max(ROOMY * most, _allowed_by_english(text))
    if most and longest > allowed:
        unit = "characters" if text.known.characters else "words"
        yield f"a sentence of {longest} {unit}; {most} is the aim, {allowed} the most here"


def _allowed_by_english(text: Text) -> int:
    """A sentence may be as long as its English one, half as much again, in words; twice that in Han."""
    words = max((_size(one, SOURCE) for one in _SENTENCE.split(text.source)), default=0)
    return words * 3 if text.known.characters else words * 3 // 2


def _size(sentence: str, language: str) -> int:
    if glossary(language).characters:
        return len("".join(bare(sentence).split()))
    return len(re.findall(r"[^\s()]*[^\W_][^\s()]*", sentence))
