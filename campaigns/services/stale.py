"""A page that was open while somebody else changed the same thing: what is done from it is refused in words.

A page sends along the mark of what it showed; the service holds it against the row under its lock. A caller
that showed nothing to anybody, such as another program, sends none and is not asked.
"""

from __future__ import annotations

import hashlib

from campaigns.domain.errors import InvalidVisit, NotAllowed
from campaigns.domain.languages import SUPPORTED
from campaigns.models import ContactPoint, Patient, Visit

AGAIN = "Look again."

_STATUS = {
    Patient.Status.ACTIVE: "Somebody has taken this patient back into care meanwhile.",
    Patient.Status.PAUSED: "Somebody has paused the messages to this patient meanwhile.",
    Patient.Status.LEFT: "Somebody has noted meanwhile that this patient has left.",
    Patient.Status.DECEASED: "Somebody has noted meanwhile that this patient has died.",
}


def visit_mark(visit: Visit) -> str:
    """What a page shows of a visit: its date and time, as a version, and its state."""
    return f"{visit.version}.{visit.state}"


def status_mark(patient: Patient) -> str:
    """What a page shows of whether a patient is in care, and of a pause."""
    until = patient.paused_until.isoformat() if patient.paused_until else ""
    return f"{patient.status}.{until}"


def preferences_mark(patient: Patient) -> str:
    """What a page shows of a patient's language and time zone."""
    return f"{patient.language}.{patient.time_zone}"


def address_mark(point: ContactPoint | None) -> str:
    """What a page shows of a number or address. A digest: in a form it tells nothing by itself."""
    if point is None:
        return "none"
    return hashlib.sha256(f"{point.address_index} {point.state}".encode()).hexdigest()[:16]


def check_visit(visit: Visit, shown: str | None) -> None:
    """Refuse where the visit is another one than was shown. Raises InvalidVisit: what it is now."""
    if shown is None or shown == visit_mark(visit):
        return
    if not shown.endswith(f".{visit.state}"):
        raise InvalidVisit(f"This visit is {visit.state.replace('_', ' ')} by now. {AGAIN}")
    raise InvalidVisit(f"Somebody moved this visit to {visit.on_date} {visit.at_time:%H:%M}. {AGAIN}")


def check_status(patient: Patient, shown: str | None) -> None:
    """Refuse where the patient's care or pause is another one than was shown. Raises NotAllowed."""
    if shown is not None and shown != status_mark(patient):
        raise NotAllowed(f"{_STATUS[Patient.Status(patient.status)]} {AGAIN}")


def check_preferences(patient: Patient, shown: str | None) -> None:
    """Refuse where the language or the zone is another one than was shown. Raises NotAllowed."""
    if shown is None or shown == preferences_mark(patient):
        return
    if shown.partition(".")[0] != patient.language:
        known = SUPPORTED.get(patient.language)
        name = known.name if known else patient.language
        raise NotAllowed(f"Somebody changed the language to {name} meanwhile. {AGAIN}")
    raise NotAllowed(f"Somebody changed the time zone meanwhile. {AGAIN}")


def check_address(point: ContactPoint | None, shown: str | None) -> None:
    """Refuse where the number or address is another one, or in another state. Raises NotAllowed."""
    if shown is not None and shown != address_mark(point):
        raise NotAllowed(f"Somebody changed this number or address meanwhile. {AGAIN}")
