"""How staff pages write times, numbers and states. Every time is the wall clock at the clinic."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from markupsafe import Markup, escape

from campaigns.delivery import formats
from campaigns.delivery.translations import language_of
from campaigns.domain.languages import SUPPORTED
from campaigns.models import Clinic
from campaigns.web import lexicon_names, names, patient_words, told, words

_PLACEHOLDER = re.compile(r"%\(\w+\)s")
_WITH_HYPHENS = re.compile(r"\d+(?:-\d+)+")


def page_language() -> str:
    """The tag of ours for the language of the page."""
    return "fr-CA" if (get_language() or "").startswith("fr") else "en-CA"


def local(instant: datetime, clinic: Clinic) -> datetime:
    """Wall clock at the clinic, naive."""
    return instant.astimezone(ZoneInfo(clinic.time_zone)).replace(tzinfo=None)


def _year(day: date) -> str:
    return "" if day.year == timezone.now().year else f" {day.year}"


def day(value: date) -> str:
    """Weekday, day and month; the year where it is not this one."""
    return formats.format_date(value, page_language(), short=True) + _year(value)


def clock(value: time) -> str:
    """Time of day."""
    return formats.format_time(value, page_language())


def moment(instant: datetime, clinic: Clinic) -> str:
    """Day and time at the clinic."""
    at = local(instant, clinic)
    return f"{day(at.date())}, {clock(at.time())}"


def hour_of(instant: datetime, clinic: Clinic) -> str:
    """Time of day at the clinic."""
    return clock(local(instant, clinic).time())


def iso(instant: datetime) -> str:
    """For the `datetime` attribute: UTC, to the second."""
    return instant.isoformat(timespec="seconds")


def language(tag: str) -> str:
    """The language's own name, with the one in the language of the page where it differs."""
    return names.language_name(tag)


def edition(tag: str) -> str:
    """The same; of the variant without special letters, that too."""
    known = language(language_of(tag))
    return known if language_of(tag) == tag else f"{known} ({_('plain letters')})"


def own_name(tag: str) -> str:
    """What the language is called in itself."""
    return SUPPORTED[tag].name if tag in SUPPORTED else tag


def direction(tag: str) -> str:
    """`rtl` or `ltr`."""
    known = language_of(tag)
    return SUPPORTED[known].direction if known in SUPPORTED else "auto"


def money(amount: Decimal) -> str:
    """To the cent; small sums keep a tenth of a cent, which is what a text costs."""
    said = f"{amount:.2f}" if amount >= 1 else f"{amount:.3f}"
    return said.replace(".", ",") if page_language() == "fr-CA" else said


def placeholders(text: str) -> Markup:
    """A text with each placeholder as it is typed, also between letters that run from right to left."""
    return Markup(_PLACEHOLDER.sub(r'<bdi dir="ltr" class="hole">\g<0></bdi>', str(escape(text))))  # noqa: S704


def together(text: str) -> Markup:
    """A text whose numbers with hyphens, such as those to call, stay on one line."""
    return Markup(_WITH_HYPHENS.sub(r'<span class="together">\g<0></span>', str(escape(text))))  # noqa: S704


FILTERS: dict[str, Callable[..., Any]] = {
    "clock": clock,
    "day": day,
    "direction": direction,
    "edition": edition,
    "own_name": own_name,
    "hour_of": hour_of,
    "iso": iso,
    "language": language,
    "moment": moment,
    "money": money,
    "placeholders": placeholders,
    "phone": formats.format_phone,
    "together": together,
    "told": told.told,
    **words.FILTERS,
    **names.FILTERS,
    **lexicon_names.FILTERS,
    **patient_words.FILTERS,
}
