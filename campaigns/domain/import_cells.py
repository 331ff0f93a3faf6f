"""One cell at a time: dates, times, yes and no, states of a visit, languages. Never a guess: what can be read
in two ways is a fault that says so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo

from campaigns.domain.errors import UnknownLanguage
from campaigns.domain.import_terms import DateOrder, Fault, Problem, Status
from campaigns.domain.languages import SUPPORTED, resolve
from campaigns.domain.visits import VisitKind


class Unreadable(Exception):
    """A cell that says nothing we can take."""

    def __init__(self, fault: Fault, said: str = "") -> None:
        super().__init__(fault.value)
        self.problem = Problem(fault, said)


@cache
def fold(text: str) -> str:
    """Letters and digits alone, in lower case, without accents, words apart by one space."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(re.findall(r"[^\W_]+", bare.casefold()))


# --- dates

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janv janvier",
            "feb february fev fevr fevrier",
            "mar march mars",
            "apr april avr avril",
            "may mai",
            "jun june juin",
            "jul july juil juillet",
            "aug august aout",
            "sep sept september septembre",
            "oct october octobre",
            "nov november novembre",
            "dec december decembre",
        ),
        start=1,
    )
    for name in names.split()
}
_WEEKDAY = re.compile(
    r"^(mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim)\w*\.?,?\s+(?=\d|[^\W\d])", re.IGNORECASE
)
_FIGURES = re.compile(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})")
_DAY_NAMED = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er)?[-\s]+([^\W\d]+)\.?,?[-\s]+(\d{2,4})")
_NAMED_DAY = re.compile(r"([^\W\d]+)\.?[-\s]+(\d{1,2})(?:st|nd|rd|th)?,?[-\s]+(\d{2,4})")
_WITH_TIME = re.compile(r"(.*?\d)(?:T|,?\s+(?:at\s+|à\s+)?)(\d{1,2}\s*[:hH].*|\d{1,2}\s*[aApP]\.?\s*[mM]\.?)")


def divide(text: str) -> tuple[str, str]:
    """A date and the time that stands behind it, which may be empty."""
    found = _WITH_TIME.fullmatch(text.strip())
    return (found.group(1).rstrip(","), found.group(2)) if found else (text.strip(), "")


def read_date(text: str, order: DateOrder | None) -> date:
    """The day that a cell names. Raises Unreadable."""
    parts = _parts(text, order)
    if parts is None:
        raise Unreadable(Fault.BAD_DATE, text)
    year, month, day = parts
    if year < 100:
        raise Unreadable(Fault.TWO_DIGIT_YEAR, text)
    try:
        return date(year, month, day)
    except ValueError:
        raise Unreadable(Fault.BAD_DATE, text) from None


def _parts(text: str, order: DateOrder | None) -> tuple[int, int, int] | None:
    """Year, month, day; None where no date can be seen."""
    text = text.strip()
    if found := _FIGURES.fullmatch(text):
        return _by_order((found.group(1), found.group(2), found.group(3)), order)
    # `mar` is a Tuesday in French and a month everywhere: with a whole date behind it, it is the Tuesday.
    return _named(text) or _named(_WEEKDAY.sub("", text))


def _named(text: str) -> tuple[int, int, int] | None:
    if (found := _DAY_NAMED.fullmatch(text)) and (month := _MONTHS.get(fold(found.group(2)))):
        return int(found.group(3)), month, int(found.group(1))
    if (found := _NAMED_DAY.fullmatch(text)) and (month := _MONTHS.get(fold(found.group(1)))):
        return int(found.group(3)), month, int(found.group(2))
    return None


def _by_order(figures: tuple[str, str, str], order: DateOrder | None) -> tuple[int, int, int] | None:
    first, second, third = map(int, figures)
    if len(figures[0]) == 4:
        return first, second, third
    if order is DateOrder.DAY_FIRST:
        return third, second, first
    if order is DateOrder.MONTH_FIRST:
        return third, first, second
    return None


def orders(texts: Iterable[str]) -> set[DateOrder]:
    """In which orders all of these dates can be read. Those with a named month fit every order."""
    possible = set(DateOrder)
    for text in texts:
        found = _FIGURES.fullmatch(divide(text)[0])
        if found:
            possible &= {order for order in DateOrder if _fits(found, order)}
    return possible


def _fits(found: re.Match[str], order: DateOrder) -> bool:
    is_year_first = len(found.group(1)) == 4
    if order is DateOrder.YEAR_FIRST or is_year_first:
        return is_year_first and order is DateOrder.YEAR_FIRST
    try:
        year, month, day = _by_order((found.group(1), found.group(2), found.group(3)), order) or (0, 0, 0)
        date(max(year, 1), month, day)
    except ValueError:
        return False
    return True


def only_order(texts: Iterable[str]) -> DateOrder | None:
    """The one order in which all of these dates can be read; None where there are several, or none."""
    possible = orders(texts)
    return next(iter(possible)) if len(possible) == 1 else None


def must_ask(texts: Iterable[str]) -> bool:
    """Whether some of these dates are figures that begin with a day or a month, and could be either."""
    shown = [text for text in texts if _is_open(text)]
    return bool(shown) and len(orders(shown)) != 1


def _is_open(text: str) -> bool:
    found = _FIGURES.fullmatch(divide(text)[0])
    return found is not None and len(found.group(1)) < 4


# --- times

_TIME = re.compile(
    r"(\d{1,2})\s*(?:[:hH.]\s*(\d{2}))?(?::\d{2}(?:\.\d+)?)?\s*([hH]|[aApP]\.?\s?[mM]?\.?)?"
    r"(Z|[+-]\d{2}:?\d{2})?"
)
NIGHT = range(1, 6)
"""Hours at which no clinic treats: a bare 2:30 is an afternoon that lost its p.m., or a mistake."""


def read_time(text: str) -> time:
    """The wall-clock time that a cell names: `14:30`, `2:30 PM`, `14 h 30`. Raises Unreadable."""
    found = _TIME.fullmatch(text.strip())
    if found is None or not (found.group(2) or found.group(3)):
        raise Unreadable(Fault.BAD_TIME, text)
    hour, minute, half = int(found.group(1)), int(found.group(2) or 0), (found.group(3) or "").casefold()
    if half.startswith(("a", "p")):
        if not 1 <= hour <= 12:
            raise Unreadable(Fault.BAD_TIME, text)
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    elif hour in NIGHT:
        raise Unreadable(Fault.TIME_AT_NIGHT, text)
    if hour > 23 or minute > 59:
        raise Unreadable(Fault.BAD_TIME, text)
    return time(hour, minute)


def read_start(text: str, order: DateOrder | None, zone: ZoneInfo) -> tuple[date, time | None]:
    """A date with the time that stands behind it, on the wall clock of `zone`. Raises Unreadable."""
    day, clock = divide(text)
    found = _TIME.fullmatch(clock.strip()) if clock else None
    if found and found.group(4):
        return _from_instant(text, zone)
    return read_date(day, order), read_time(clock) if clock else None


def _from_instant(text: str, zone: ZoneInfo) -> tuple[date, time]:
    """What is written with its distance from UTC is an instant: its wall time here follows."""
    try:
        wall = datetime.fromisoformat(text.strip()).astimezone(zone)
    except ValueError:
        raise Unreadable(Fault.BAD_DATE, text) from None
    return wall.date(), wall.time().replace(second=0, microsecond=0)


def about_clocks(day: date, at: time, zone: ZoneInfo) -> Problem | None:
    """What is odd about a wall time: it does not exist where clocks jump over it (by the zone data, never by
    a rule of ours), and comes twice where they go back; then the first is meant."""
    first, second = (datetime.combine(day, at.replace(fold=fold), zone) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return None
    back = first.astimezone(UTC).astimezone(zone)
    is_gap = back.time() != at.replace(fold=0)
    said = f"{day} {at:%H:%M}"
    return Problem(Fault.TIME_DOES_NOT_EXIST if is_gap else Fault.TIME_TWICE, said)


# --- words

_YES = frozenset(
    {"yes", "y", "true", "t", "1", "x", "checked", "granted", "agreed", "agrees", "consented", "opted in"}
    | {"oui", "o", "vrai", "coche", "accepte", "acceptee", "d accord"}
)
_NO = frozenset(
    {"", "no", "n", "false", "f", "0", "none", "unchecked", "declined", "refused", "opted out", "not given"}
    | {"non", "faux", "refuse", "refusee"}
)

_TICKS = frozenset("✓✔☑✅")


def read_yes(text: str) -> bool:
    """Whether somebody agreed. An empty cell is no. Raises Unreadable for another word."""
    word = fold(text)
    if word in _YES or text.strip() in _TICKS:
        return True
    if word in _NO and (word or not text.strip()):
        return False
    raise Unreadable(Fault.BAD_YES_NO, text)


_STATUSES = {
    word: status
    for status, words in {
        Status.BOOKED: (
            "booked,scheduled,confirmed,unconfirmed,upcoming,rescheduled,active,pending,new,"
            "reserve,confirme,prevu,planifie,a venir,en attente"
        ),
        Status.COMPLETED: (
            "arrived,completed,complete,checked in,checked out,attended,fulfilled,seen,done,"
            "arrive,complete,termine,present,vu,effectue"
        ),
        Status.NO_SHOW: "no show,noshow,missed,did not attend,dna,absent,non presente,absence,manque",
        Status.CANCELLED: (
            "cancelled,canceled,late cancellation,late cancel,cancelled late,cancellation,deleted,removed,"
            "annule,annulee,annulation,annulation tardive,supprime"
        ),
    }.items()
    for word in words.split(",")
}


def read_status(text: str) -> Status:
    """What a booking program says of a visit; nothing said is booked. Raises Unreadable for another word."""
    word = fold(text)
    if not word:
        return Status.BOOKED
    if word not in _STATUSES:
        raise Unreadable(Fault.BAD_STATUS, text)
    return _STATUSES[word]


_CONSULTATION = ("consult", "initial", "assessment", "evaluation", "new patient", "premiere visite", "bilan")


def read_kind(text: str) -> VisitKind:
    """A consultation where the name of the appointment says so; everything else is a treatment."""
    word = fold(text)
    return VisitKind.CONSULTATION if any(one in word for one in _CONSULTATION) else VisitKind.SESSION


_FRENCH = {
    "anglais": "en-CA",
    "francais": "fr-CA",
    "pendjabi": "pa",
    "panjabi": "pa",
    "tagalog": "fil",
    "pilipino": "fil",
    "coreen": "ko",
    "persan": "fa",
    "farsi": "fa",
    "dari": "fa",
    "espagnol": "es",
    "vietnamien": "vi",
    "arabe": "ar",
    "hindi": "hi",
    "russe": "ru",
    "ukrainien": "uk",
    "simplified chinese": "zh-Hans",
    "traditional chinese": "zh-Hant",
    "chinois simplifie": "zh-Hans",
    "chinois traditionnel": "zh-Hant",
}
TWO_WRITTEN = frozenset({"chinese", "chinois", "mandarin", "cantonese", "cantonais"})
"""Names of what is spoken, where two ways of writing exist: nobody but the patient knows which."""


@cache
def _language_names() -> dict[str, str]:
    names = dict(_FRENCH)
    for tag, language in SUPPORTED.items():
        for name in (language.name, language.staff_name, language.written or language.english_name):
            names[fold(name)] = tag
    return names


def read_language(text: str) -> str:
    """Our tag for a tag, or for a name in English, French or the language itself. Raises Unreadable, with
    tags that may be meant."""
    word = fold(text)
    if word in TWO_WRITTEN:
        raise Unreadable(Fault.UNKNOWN_LANGUAGE, f"{text}|zh-Hant zh-Hans")
    if found := _language_names().get(word):
        return found
    try:
        return resolve(text).tag
    except UnknownLanguage:
        close = get_close_matches(word, _language_names(), n=3, cutoff=0.6)
        tags = dict.fromkeys(_language_names()[one] for one in close)
        raise Unreadable(Fault.UNKNOWN_LANGUAGE, f"{text[:60]}|{' '.join(tags)}") from None
