"""The words of the inbox and of writing by hand: places, filters, and the names of the texts."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.utils.translation import pgettext_lazy as _p

from campaigns.queries.inbox import Place, Show
from campaigns.services.conversations import Company

Words = dict[str, str | Promise]

PLACES: Words = {
    Place.EMERGENCY: _p("inbox", "Emergencies"),
    Place.URGENT: _p("inbox", "Urgent"),
    Place.ROUTINE: _p("inbox", "Questions and other words to read"),
    Place.UNSENT: _p("inbox", "Your answer did not arrive"),
    Place.DONE: _p("inbox", "Dealt with in the last 7 days"),
}

SHOWS: Words = {
    Show.OPEN: _p("inbox", "Open"),
    Show.MINE: _p("inbox", "Mine"),
    Show.UNASSIGNED: _p("inbox", "Nobody's"),
    Show.DONE: _p("inbox", "Closed"),
    Show.ALL: _p("inbox", "All"),
}

EMPTY: Words = {
    Show.OPEN: _("Nobody waits for an answer. What patients write appears here."),
    Show.MINE: _("Nothing is assigned to you, and you have no alert in hand."),
    Show.UNASSIGNED: _("Everything that is open has somebody who deals with it."),
    Show.DONE: _("Nothing was closed or answered in the last 7 days."),
    Show.ALL: _("Nothing is open, and nothing was closed or answered in the last 7 days."),
}


def names(people: Sequence[str]) -> str:
    """Several names in one sentence."""
    return ", ".join(people)


def looking(company: Company) -> str:
    """Who else has the item open, in a sentence; nothing where nobody has."""
    if not company.names:
        return ""
    said = ngettext("%(names)s is looking at this.", "%(names)s are looking at this.", len(company.names))
    return said % {"names": names(company.names)}


def answered(company: Company) -> str:
    """That a colleague wrote a moment ago."""
    if not company.written_by:
        return ""
    what = {"name": company.written_by, "n": company.seconds_ago}
    if company.seconds_ago < 60:
        return str(_("%(name)s answered %(n)d s ago.") % what)
    minutes = company.seconds_ago // 60
    said = ngettext("%(name)s answered %(n)d minute ago.", "%(name)s answered %(n)d minutes ago.", minutes)
    return said % {"name": company.written_by, "n": minutes}
