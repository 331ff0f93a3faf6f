"""Alerts: opened by rules, closed only by a named person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from campaigns.domain.errors import NotAllowed
from campaigns.models import Alert, Clinic, Patient, Reply, Staff
from campaigns.queries import clock
from campaigns.services.record import record


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
    """Put something before the staff. Call in the transaction that stores what it is about."""
    return Alert.objects.create(
        clinic=clinic,
        reply=reply,
        patient=patient,
        urgency=urgency,
        rule=rule,
        matched=list(matched),
        opened_at=now,
    )


@transaction.atomic
def acknowledge(alert_id: int, staff: Staff) -> Alert:
    """Somebody has it in hand. The first to say so stays named; a second acknowledgement changes nothing."""
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    if alert.acknowledged_at is None:
        now = clock.now()
        alert.acknowledged_at, alert.acknowledged_by = now, staff
        alert.save(update_fields=["acknowledged_at", "acknowledged_by"])
        record("alert_acknowledged", f"alert {alert.pk}", actor=staff.email, now=now)
    return alert


@transaction.atomic
def close(alert_id: int, staff: Staff, outcome: str) -> Alert:
    """Close with an outcome from `Alert.Outcome`. Raises NotAllowed without one, or when closed."""
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    if outcome not in Alert.Outcome.values:
        raise NotAllowed("Say how it ended before you close it.")
    if alert.closed_at is not None:
        raise NotAllowed("This alert is closed already.")
    now = clock.now()
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by = now, staff
    alert.closed_at, alert.closed_by, alert.outcome = now, staff, outcome
    alert.save(update_fields=["acknowledged_at", "acknowledged_by", "closed_at", "closed_by", "outcome"])
    record("alert_closed", f"alert {alert.pk}", actor=staff.email, now=now, detail={"outcome": outcome})
    return alert
