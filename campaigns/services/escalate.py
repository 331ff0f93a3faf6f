"""Alerts: opened by rules, taken and closed only by a named person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from campaigns.domain import ladder
from campaigns.domain.errors import NotAllowed
from campaigns.domain.ladder import Pace
from campaigns.models import Alert, Clinic, Patient, Reply, Staff
from campaigns.queries import clock
from campaigns.services import on_call
from campaigns.services.record import record

LONGEST_NOTE = 1_000
"""Characters of one note; a note of several tries keeps the newest words."""

_GRAVEST_FIRST = tuple(Alert.Urgency)


def open_alert(
    *,
    clinic: Clinic | None,
    reply: Reply | None,
    patient: Patient | None,
    urgency: str,
    rule: str,
    matched: Sequence[str],
    now: datetime,
) -> Alert:
    """Put something before the staff. Call in the transaction that stores what it is about.

    More words of a patient whose alert nobody has taken yet join it, unless they are graver: that one is as
    urgent, climbs already, and staff have one case before them. Words after somebody took it are a new alert.
    """
    joined = _waiting(patient, urgency) if patient and reply else None
    return Alert.objects.create(
        clinic=clinic,
        reply=reply,
        patient=patient,
        urgency=urgency,
        rule=rule,
        matched=list(matched),
        opened_at=now,
        part_of=joined,
        climbs_from=now,
        next_step_at=None if joined else on_call.first_step_at(clinic, urgency, now),
    )


def _waiting(patient: Patient, urgency: str) -> Alert | None:
    """The alert of this patient that nobody has taken, at least as urgent, locked until the new words are in.

    One that somebody is taking or closing at this moment is passed over: the new words must not end with it.
    """
    as_grave = _GRAVEST_FIRST[: _GRAVEST_FIRST.index(Alert.Urgency(urgency)) + 1]
    open_ones = Alert.objects.filter(patient=patient, closed_at=None, acknowledged_at=None, part_of=None)
    found = open_ones.filter(urgency__in=as_grave).select_for_update(skip_locked=True, of=("self",))
    return min(found, key=lambda alert: _GRAVEST_FIRST.index(Alert.Urgency(alert.urgency)), default=None)


@transaction.atomic
def acknowledge(alert_id: int, staff: Staff) -> Alert:
    """Somebody has it in hand, and with it all that joined it; it stops climbing.

    The first to say so stays named; a second acknowledgement changes nothing, and the caller sees by whom.
    """
    alert = _locked(alert_id)
    if alert.acknowledged_at is None:
        now = clock.now()
        _update_whole(alert, acknowledged_at=now, acknowledged_by=staff)
        record("alert_acknowledged", f"alert {alert.pk}", actor=staff.email, now=now)
    return alert


@transaction.atomic
def close(alert_id: int, staff: Staff, outcome: str, *, note: str = "", seen: int | None = None) -> Alert:
    """Close with an outcome from `Alert.Outcome`, and all that joined it.

    Nobody reached, and trying again, ends nothing: the alert is put back and climbs again later. `seen` is
    how many further texts the page showed. Raises NotAllowed without an outcome, where one needs a note, when
    somebody has closed it, and when the patient has written more than was seen.
    """
    alert = _locked(alert_id)
    _check(alert, outcome, note, seen)
    now = clock.now()
    alert.note = _joined(alert.note, note)
    if outcome == Alert.Outcome.NO_ANSWER:
        _put_back(alert, staff, now)
        record("alert_tried", f"alert {alert.pk}", actor=staff.email, now=now, detail={"tries": alert.tries})
        return alert
    taken = alert.acknowledged_at, alert.acknowledged_by
    acknowledged_at, acknowledged_by = taken if alert.acknowledged_at else (now, staff)
    _update_whole(
        alert,
        acknowledged_at=acknowledged_at,
        acknowledged_by=acknowledged_by,
        closed_at=now,
        closed_by=staff,
        outcome=outcome,
    )
    alert.save(update_fields=["note"])
    record("alert_closed", f"alert {alert.pk}", actor=staff.email, now=now, detail={"outcome": outcome})
    return alert


def _locked(alert_id: int) -> Alert:
    """The alert itself, or the one that it joined; locked. Without its people: whoever waited for the lock
    would be given the row as it is now, joined with the people of before."""
    rows = Alert.objects.select_for_update()
    alert = rows.get(pk=alert_id)
    return rows.get(pk=alert.part_of_id) if alert.part_of_id else alert


def _check(alert: Alert, outcome: str, note: str, seen: int | None) -> None:
    if outcome not in Alert.Outcome.values:
        raise NotAllowed("Say how it ended before you close it.")
    if alert.closed_at is not None:
        by = alert.closed_by.name if alert.closed_by else ""
        raise NotAllowed(f"This alert was closed already, by {by}.")
    if outcome == Alert.Outcome.HANDED_ON and not note.strip():
        raise NotAllowed("Write in the note to whom you handed it on.")
    if seen is not None and alert.parts.count() > seen:
        raise NotAllowed("The patient has written again: read it before you close.")


def _joined(before: str, note: str) -> str:
    """The note with what was added; the newest words stay when it grows too long."""
    return "\n".join(part for part in (before, note.strip()) if part)[-LONGEST_NOTE:]


def _put_back(alert: Alert, staff: Staff, now: datetime) -> None:
    """Nobody picked up: it waits for anybody again, quiet for a while, and then climbs from the start."""
    own = on_call.whose(alert.clinic)
    again = ladder.again_at(Pace(alert.urgency), now, on_call.clinic_time(own), on_call.ladder_of(own))
    alert.tries, alert.tried_at, alert.tried_by = alert.tries + 1, now, staff
    alert.climbs_from, alert.climbed, alert.next_step_at = again, 0, again
    alert.save(
        update_fields=["note", "tries", "tried_at", "tried_by", "climbs_from", "climbed", "next_step_at"]
    )
    _update_whole(alert, acknowledged_at=None, acknowledged_by=None)


def _update_whole(alert: Alert, **values: object) -> None:
    """Write the same on the alert and on what joined it."""
    for name, value in values.items():
        setattr(alert, name, value)
    alert.save(update_fields=list(values))
    alert.parts.update(**values)
