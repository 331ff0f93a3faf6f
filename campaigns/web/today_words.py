"""What the first page calls things."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.domain.lifecycle import Reason

EXPECTED = frozenset(
    {
        Reason.VISIT_CANCELLED,
        Reason.VISIT_MOVED,
        Reason.VISIT_DONE,
        Reason.VISIT_MISSED,
        Reason.COURSE_CLOSED,
        Reason.OPERATOR_CANCELLED,
        Reason.SUPERSEDED,
        Reason.ANSWERED,
        Reason.NOT_NEEDED,
        Reason.NO_ADDRESS,
        Reason.OPTED_OUT,
        Reason.PATIENT_PAUSED,
        Reason.PATIENT_LEFT,
        Reason.PATIENT_DECEASED_OR_MERGED,
        Reason.ENROLLMENT_STOPPED,
        Reason.PATIENT_FORGOTTEN,
    }
)
"""Reasons that follow from what somebody did or chose (nobody is enrolled without any address).

Every other one may need a person."""


def change(kind: str, n: int) -> str:
    """What has happened so many times, as a heading for the names."""
    said: Mapping[str, str] = {
        "enrolled": ngettext("%(n)s patient enrolled", "%(n)s patients enrolled", n),
        "visit_moved": ngettext("%(n)s visit moved", "%(n)s visits moved", n),
        "visit_cancelled": ngettext("%(n)s visit cancelled", "%(n)s visits cancelled", n),
        "visit_no_show": ngettext("%(n)s visit missed", "%(n)s visits missed", n),
        "answered": ngettext("%(n)s answer", "%(n)s answers", n),
        "opted_out": ngettext(
            "%(n)s patient wants fewer messages, or none",
            "%(n)s patients want fewer messages, or none",
            n,
        ),
        "alert_closed": ngettext("%(n)s alert closed", "%(n)s alerts closed", n),
    }
    return said.get(kind, kind.replace("_", " ")) % {"n": n}


def approvals_waiting(drafts: int, reviewed: int, going: int) -> str:
    """What is to be done for a language, and what it holds up."""
    parts = []
    if reviewed:
        parts.append(ngettext("%(n)s text to approve", "%(n)s texts to approve", reviewed) % {"n": reviewed})
    if drafts:
        parts.append(
            ngettext("%(n)s text to read first", "%(n)s texts to read first", drafts) % {"n": drafts}
        )
    if going:
        waits = ngettext(
            "%(n)s message of the next three days waits or goes in English",
            "%(n)s messages of the next three days wait or go in English",
            going,
        )
        parts.append(waits % {"n": going})
    return " · ".join(parts)


def unready(standing: str) -> str:
    """Why a visit needs a call beforehand."""
    said = {
        "no": _("Said no"),
        "silent": _("Has not answered"),
        "not_asked": _("Could not be asked"),
    }
    return said.get(standing, standing)
