"""How staff pages write times, numbers and states. Every time is the wall clock at the clinic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import get_language

from campaigns.delivery import formats
from campaigns.domain.languages import SUPPORTED
from campaigns.models import Clinic
from campaigns.web import wording


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


def iso(instant: datetime) -> str:
    """For the `datetime` attribute: UTC, to the second."""
    return instant.isoformat(timespec="seconds")


def language(tag: str) -> str:
    """The language's own name, with the English one where it differs."""
    known = SUPPORTED.get(tag)
    if known is None:
        return tag
    return known.name if known.name == known.english_name else f"{known.name} ({known.english_name})"


def direction(tag: str) -> str:
    """`rtl` or `ltr`."""
    return SUPPORTED[tag].direction if tag in SUPPORTED else "auto"


def money(amount: Decimal) -> str:
    """To the cent; small sums keep a tenth of a cent, which is what a text costs."""
    return f"{amount:.2f}" if amount >= 1 else f"{amount:.3f}"


FILTERS: dict[str, Callable[..., Any]] = {
    "clock": clock,
    "day": day,
    "direction": direction,
    "iso": iso,
    "language": language,
    "moment": moment,
    "money": money,
    "phone": formats.format_phone,
    **wording.FILTERS,
}
