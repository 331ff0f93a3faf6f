"""What the reports say: titles, the names of rows, and how figures are written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_skeleton
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import pgettext_lazy as _p

from campaigns.queries.reports import FEWEST
from campaigns.web import names
from campaigns.web.filters import page_language
from campaigns.web.words import Words

HOURS: Words = {
    "staffed": _p("an alert came", "clinic open"),
    "closed": _p("an alert came", "clinic closed"),
}
KNOWN: Words = {
    "confirmed": gettext_lazy("Said yes: ready, or coming"),
    "reminded": gettext_lazy("Reminder arrived, no yes"),
    "neither": gettext_lazy("No reminder arrived"),
}


def _written(text: str) -> str:
    """A figure as Python writes it, 1,234.5, in the page's language. Babel is slow where they are many."""
    return text.translate(_FRENCH) if page_language() == "fr-CA" else text


_FRENCH = str.maketrans({",": "\u00a0", ".": ",", "%": "\u00a0%"})


def number(value: float) -> str:
    """A whole number."""
    return _written(f"{value:,.0f}")


def mean(value: float) -> str:
    """A mean, always to one decimal."""
    return _written(f"{value:,.1f}")


def percent(share: float) -> str:
    """A share of 1 in percent."""
    return _written(f"{share:.0%}")


def money(amount: Decimal) -> str:
    """To the cent."""
    return _written(f"{amount:,.2f}")


def month(value: date) -> str:
    """A month and its year."""
    return _month(value, page_language().replace("-", "_"))


@lru_cache(maxsize=256)
def _month(value: date, locale: str) -> str:
    return str(format_skeleton("yMMM", value, locale=locale))


def too_few() -> str:
    """What stands in the place of a figure that would speak of single patients."""
    return _("fewer than %(n)s") % {"n": FEWEST}


def duration(seconds: int) -> str:
    """A time to wait, in the two largest units."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return _("under a minute")
    if minutes < 60:
        return _("%(n)s min") % {"n": minutes}
    if minutes < 48 * 60:
        return _("%(hours)s h %(minutes)s min") % {"hours": minutes // 60, "minutes": minutes % 60}
    return ngettext("%(n)s day", "%(n)s days", minutes // 1440) % {"n": minutes // 1440}


def of_course(length: str) -> str:
    """The title of a small chart: courses of one length."""
    return ngettext("Courses of %(n)s visit", "Courses of %(n)s visits", int(length)) % {"n": length}


def language(tag: str) -> str:
    """A language, or that none is known."""
    return names.language_name(tag) if tag else _("not known")
