"""Who is told of alerts: the list of a clinic, the hours of those on it, and how fast the ladder climbs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from campaigns.domain import ladder
from campaigns.domain.errors import NotAllowed
from campaigns.domain.ladder import ClinicTime, Duty, Ladder, Pace, Person, When
from campaigns.domain.recipients import Channel, normalise_email, normalise_phone
from campaigns.models import Clinic, OnCall, Staff
from campaigns.queries import clock, zones
from campaigns.services.record import record

log = logging.getLogger(__name__)

SPOKEN = ("en-CA", "fr-CA")
"""The languages that staff are told in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What an administrator says of one person. Addresses as typed; times are wall times at the clinic."""

    staff_id: int
    place: int
    email: str
    phone: str
    language: str
    when: str
    starts: time | None = None
    ends: time | None = None
    is_lead: bool = False


def clinic_time(clinic: Clinic | None) -> ClinicTime:
    """The hours and closed days of a clinic; without one, none: then the ladder's longest wait counts."""
    zone = zones.known(clinic.time_zone) if clinic else None
    if clinic is None or zone is None:
        return ClinicTime(zone=ZoneInfo("UTC"), hours={})
    return ClinicTime(zone=zone, hours=hours_of(clinic), holidays=_closed_days(clinic))


def hours_of(clinic: Clinic) -> dict[int, tuple[time, time]]:
    """The staffed hours by weekday (Monday is 0), wall time. A day that cannot be read counts as closed: then
    nobody is told that somebody is there, and what has to be seen goes on waiting and climbing."""
    found = {}
    for day, span in clinic.staffed_hours.items():
        try:
            if span:
                found[int(day)] = (time.fromisoformat(span[0]), time.fromisoformat(span[1]))
        except (ValueError, TypeError, LookupError):
            log.error("staffed hours cannot be read", extra={"clinic": str(clinic.pk), "day": str(day)[:9]})
    return found


def _closed_days(clinic: Clinic) -> frozenset[date]:
    found = set()
    for day in clinic.holidays:
        with suppress(ValueError, TypeError):
            found.add(date.fromisoformat(day))
    return frozenset(found)


def ladder_of(clinic: Clinic | None) -> Ladder:
    """How fast this clinic's alerts climb."""
    return ladder.tightened(clinic.alert_ladder if clinic else {})


def whose(clinic: Clinic | None) -> Clinic | None:
    """The clinic whose clock an alert goes by: its own; where nobody could be matched, the first one's."""
    return clinic or Clinic.objects.order_by("created_at").first()


def first_step_at(clinic: Clinic | None, urgency: str, since: datetime) -> datetime:
    """When the first step of an alert is due."""
    own = whose(clinic)
    return ladder.next_step(Pace(urgency), since, 0, clinic_time(own), ladder_of(own)).at


def rows(clinic: Clinic | None) -> QuerySet[OnCall]:
    """The list of a clinic in the order of its ladder; of every clinic where an alert belongs to none."""
    listed = OnCall.objects.filter(staff__is_active=True).select_related("staff", "clinic")
    return (listed.filter(clinic=clinic) if clinic else listed).order_by("place", "pk")


def duty_of(row: OnCall) -> Duty:
    """The hours of one person."""
    return Duty(when=When(row.when), starts=row.starts, ends=row.ends)


def paths_of(row: OnCall) -> tuple[Channel, ...]:
    """The channels that reach this person."""
    by = {Channel.EMAIL: row.email, Channel.SMS: row.phone}
    return tuple(channel for channel, address in by.items() if address)


def person_of(row: OnCall, now: datetime) -> Person:
    """Somebody on the list, as the rules know them."""
    return Person(
        key=row.staff_id,
        paths=paths_of(row),
        on_duty=duty_of(row).covers(now, clinic_time(row.clinic)),
        is_lead=row.is_lead,
    )


def on_duty(clinic: Clinic, now: datetime) -> list[OnCall]:
    """Those whom an alert would reach now by text or e-mail, in order."""
    return [row for row in rows(clinic) if paths_of(row) and person_of(row, now).on_duty]


def is_watched(clinic: Clinic, now: datetime) -> bool:
    """Whether a person learns of an alert now: because the clinic is open, or because somebody is on call.

    What a patient in danger is told hangs on it: "we have told our staff" only where it is so.
    """
    return clinic_time(clinic).is_open(now) or bool(on_duty(clinic, now))


# --- settings


def may_set(staff: Staff) -> bool:
    """Whether this person may change the list."""
    return staff.is_active and staff.role == Staff.Role.ADMINISTRATOR


def _require(staff: Staff) -> None:
    if not may_set(staff):
        raise NotAllowed("Only an administrator may do this.")


@transaction.atomic
def put_on_list(by: Staff, listed: Listed) -> OnCall:
    """Put somebody of this clinic on the list, or change what it says of them.

    Raises NotAllowed for the role, for somebody of another clinic, and where no channel or no hours are
    given; InvalidAddress for an address that is none.
    """
    _require(by)
    staff = Staff.objects.filter(pk=listed.staff_id, clinic=by.clinic_id, is_active=True).first()
    if staff is None:
        raise NotAllowed("This person has no account at this clinic.")
    said = _checked(listed)
    row, _ = OnCall.objects.update_or_create(staff=staff, defaults={"clinic": staff.clinic, **said})
    channels = ",".join(channel.value for channel in paths_of(row))
    detail = {"place": row.place, "when": row.when, "channels": channels, "lead": row.is_lead}
    record("on_call_set", f"staff {staff.pk}", actor=by.email, now=clock.now(), detail=detail)
    return row


def _checked(listed: Listed) -> dict[str, object]:
    when = When(listed.when) if listed.when in list(When) else When.ALWAYS
    between = when is When.BETWEEN
    if between and (listed.starts is None or listed.ends is None or listed.starts == listed.ends):
        raise NotAllowed("Say from when to when.")
    if not (listed.email or listed.phone):
        raise NotAllowed("Give an e-mail address or a mobile number, better both.")
    return {
        "place": max(1, min(99, listed.place)),
        "email": normalise_email(listed.email) if listed.email else "",
        "phone": normalise_phone(listed.phone) if listed.phone else "",
        "language": listed.language if listed.language in SPOKEN else SPOKEN[0],
        "when": when.value,
        "starts": listed.starts if between else None,
        "ends": listed.ends if between else None,
        "is_lead": listed.is_lead,
    }


@transaction.atomic
def take_off_list(by: Staff, staff_id: int) -> None:
    """Nobody is told there any more. Raises NotAllowed for the role; who is not on it stays off."""
    _require(by)
    if OnCall.objects.filter(staff=staff_id, clinic=by.clinic_id).delete()[0]:
        record("on_call_removed", f"staff {staff_id}", actor=by.email, now=clock.now())


@transaction.atomic
def set_ladder(by: Staff, minutes: Mapping[str, int]) -> Ladder:
    """Make the ladder of this clinic faster. Raises NotAllowed for the role, and for a step that would be
    slower than the default or out of order: nobody switches the ladder off."""
    _require(by)
    chosen = {name: int(minutes[name]) for name in LIMITS if name in minutes}
    found = ladder.tightened(chosen)
    if any(getattr(found, name) != value for name, value in chosen.items()):
        raise NotAllowed("Each step may come sooner than the default, not later, and none before the last.")
    Clinic.objects.filter(pk=by.clinic_id).update(alert_ladder=chosen)
    now = clock.now()
    record("alert_ladder_set", f"clinic {by.clinic_id}", actor=by.email, now=now, detail=chosen)
    return found


LIMITS: Mapping[str, int] = {
    name: getattr(ladder.SLOWEST, name) for name in ("next_person", "everybody", "incident", "urgent")
}
"""The default of each step in minutes, which is also the latest."""
