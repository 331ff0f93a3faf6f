"""The words of a patient's page: why messages are paused, what a course follows, what was changed; and the
sentences with which the services behind it refuse something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as _n
from django.utils.translation import pgettext_lazy as _p

from campaigns.services.courses import Stop
from campaigns.services.pausing import Why

Words = dict[str, str | Promise]

PAUSES: Words = {
    Why.ASKED: _p("why messages are paused", "The patient asked"),
    Why.AWAY: _p("why messages are paused", "The patient is away"),
    Why.HOSPITAL: _p("why messages are paused", "The patient is in hospital"),
    Why.OTHER: _p("why messages are paused", "Another reason"),
}

STOPS: Words = {
    Stop.PATIENT_ASKED: _p("why a sequence was stopped", "The patient asked"),
    Stop.CLINIC_DECIDED: _p("why a sequence was stopped", "The clinic decided"),
    Stop.MISTAKE: _p("why a sequence was stopped", "It was a mistake"),
    "the patient is not in care": _p("why a sequence was stopped", "The patient is not in care"),
}

FOLLOWS: Words = {
    "active": _p("a sequence", "Running"),
    "paused": _p("a sequence", "Paused"),
    "finished": _p("a sequence", "Finished"),
    "stopped": _p("a sequence", "Stopped"),
}

COURSES: Words = {
    "open": _p("a course", "Under way"),
    "completed": _p("a course", "Complete"),
    "closed": _p("a course", "Closed"),
}

CARE: Words = {
    "active": _("In care"),
    "paused": _p("a patient", "Paused"),
    "left": _p("a patient", "Left"),
    "deceased": _p("a patient", "Deceased"),
}

ADDRESS_MARKS: Words = {
    "good": _("It works"),
    "bad": _("It does not work"),
    "landline": _("It is a landline, which takes no texts"),
}

DONE: Words = {
    "patient_enrolled": _p("in a history", "Enrolled"),
    "call_recorded": _p("in a history", "Call written down"),
    "patient_registered": _p("in a history", "Taken into care"),
    "patient_status": _p("in a history", "In care, left or died"),
    "patient_paused": _p("in a history", "Messages paused"),
    "language_changed": _p("in a history", "Another language"),
    "time_zone_changed": _p("in a history", "Another time zone"),
    "address_written": _p("in a history", "Number or address written down"),
    "address_marked": _p("in a history", "Number or address: works or not"),
    "address_paused": _p("in a history", "Number or address paused: perhaps the wrong person"),
    "address_confirmed": _p("in a history", "Number or address confirmed"),
    "consent_granted": _p("in a history", "Agreed to messages"),
    "consent_withdrawn": _p("in a history", "Wants no more of these messages"),
    "course_opened": _p("in a history", "New course"),
    "course_completed": _p("in a history", "Course complete"),
    "visit_booked": _p("in a history", "Visit booked"),
    "visit_moved": _p("in a history", "Visit moved"),
    "visit_completed": _p("in a history", "Visit took place"),
    "visit_no_show": _p("in a history", "Patient did not come"),
    "visit_cancelled": _p("in a history", "Visit cancelled"),
    "enrollment_begun": _p("in a history", "Sequence begun"),
    "enrollment_stopped": _p("in a history", "Sequence stopped"),
    "patient_exported": _p("in a history", "Data taken away as a file"),
    "chart_exported": _p("in a history", "File for the chart taken away"),
    "patient_forgotten": _p("in a history", "Data erased"),
}

REFUSALS = (
    _n("Look again."),
    _n("This visit is {state} by now."),
    _n("Somebody moved this visit to {day} {time}."),
    _n("Somebody booked visit {number} meanwhile."),
    _n("Somebody opened a course for this patient meanwhile."),
    _n("Somebody has taken this patient back into care meanwhile."),
    _n("Somebody has paused the messages to this patient meanwhile."),
    _n("Somebody has noted meanwhile that this patient has left."),
    _n("Somebody has noted meanwhile that this patient has died."),
    _n("Somebody changed the language to {name} meanwhile."),
    _n("Somebody changed the time zone meanwhile."),
    _n("Somebody changed this number or address meanwhile."),
    _n("Say whether the number or address works."),
    _n("Say how the patient agreed: in which words, or where it is written."),
    _n("This course follows that sequence already."),
    _n("This course has ended."),
    _n("This patient is not in care."),
    _n("This was stopped already."),
    _n("That time has already passed."),
    _n("There is no such time zone."),
    _n("Write it like America/Vancouver."),
)
"""Each sentence of services/stale, visits, courses, pausing and contact_points by itself, for web/told."""


def _lookup(table: Words) -> Callable[[object], str]:
    def words(value: object) -> str:
        return str(table.get(str(value), str(value).replace("_", " ")))

    return words


FILTERS: dict[str, Callable[..., Any]] = {
    "care": _lookup(CARE),
    "course_state": _lookup(COURSES),
    "done": _lookup(DONE),
    "follow_state": _lookup(FOLLOWS),
    "pause_reason": _lookup(PAUSES),
    "stop_reason": _lookup(STOPS),
}
