"""The further pages of the site, behind "More" at the top of each page: what this person may open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.models import Staff
from campaigns.services import accounts, check_chain, import_files

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise  # the name that the type stubs give a lazy text


def anybody(staff: Staff) -> bool:
    """Whoever is signed in."""
    return staff.is_active


@dataclass(frozen=True, slots=True)
class Further:
    """One page: its route, what its template calls itself (`here`), its name, and who may open it."""

    route: str
    here: str
    name: _StrPromise
    may: Callable[[Staff], bool] = anybody


PAGES = (
    Further("alerts", "alerts", _("Alerts")),
    Further("call-list", "call-list", _("Call list")),
    Further("readiness", "readiness", _("Who is ready")),
    Further("sequences", "sequences", _("Sequences")),
    Further("imports", "imports", _("Import a file"), import_files.may),
    Further("held", "held", _("Waits for a second person")),
    Further("reports", "reports", _("Reports")),
    Further("wordings", "wording", _("Wording")),
    Further("lexicons", "words", pgettext_lazy("the word lists by which replies are understood", "Words")),
    Further("clinic", "clinic", _("Clinic settings")),
    Further("staff", "staff", _("Staff"), accounts.may),
    Further("audit", "audit", pgettext_lazy("a page of the site", "Audit"), check_chain.may),
)


def further(staff: Staff) -> list[Further]:
    """The pages that this person may open, in the order in which they are listed."""
    return [page for page in PAGES if page.may(staff)]
