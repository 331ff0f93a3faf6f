"""Alerts: listed, taken and closed, each time by a named person of the staff."""

from __future__ import annotations

from typing import Literal

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel

from campaigns.api.asking import Cursor, Key, Limit, MaybeOnce, holder, one, page, seen, shown, write
from campaigns.api.replies import AlertOut, alert_out
from campaigns.api.shapes import ClosedIn, TakenIn
from campaigns.models import Alert
from campaigns.services import alerts_by_key

router = Router(tags=["alerts"])
READ, WRITE = Key("alerts:read"), Key("alerts:write")


class Alerts(BaseModel):
    """One page."""

    items: list[AlertOut]
    next: str | None


def mine(request: HttpRequest) -> QuerySet[Alert]:
    """This clinic's alerts, and those that nobody could be matched to: they must not wait unseen."""
    rows = Alert.objects.filter(Q(clinic=holder(request).clinic) | Q(clinic=None))
    return rows.select_related("acknowledged_by", "closed_by").annotate(further=Count("parts"))


@router.get("", auth=READ, response=Alerts)
def list_alerts(
    request: HttpRequest, limit: Limit, cursor: Cursor, state: Literal["open", "closed"] | None = None
) -> HttpResponse:
    """Alerts in the order in which they were opened. They do not hold the patient's words."""
    rows = mine(request).filter(closed_at__isnull=state == "open") if state else mine(request)
    found, after = page(rows, ("pk",), limit, cursor)
    seen(request, "alerts", [row.patient_id for row in found])
    return shown(Alerts(items=[alert_out(row) for row in found], next=after))


@router.get("/{alert_id}", auth=READ, response=AlertOut)
def get_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """One alert."""
    row = one(mine(request), alert_id)
    seen(request, "alerts", [row.patient_id])
    return shown(alert_out(row))


@router.post("/{alert_id}/acknowledge", auth=WRITE, response=AlertOut)
def acknowledge_alert(
    request: HttpRequest, alert_id: int, body: TakenIn, idempotency_key: MaybeOnce
) -> HttpResponse:
    """Somebody has it in hand: it climbs no further. The first to say so stays named."""
    row, by = one(mine(request), alert_id), holder(request)

    def act() -> AlertOut:
        alerts_by_key.acknowledge(row.pk, body.by, clinic=by.clinic, by=by.name)
        return alert_out(one(mine(request), row.pk))

    return write(request, idempotency_key, act)


@router.post("/{alert_id}/close", auth=WRITE, response=AlertOut)
def close_alert(
    request: HttpRequest, alert_id: int, body: ClosedIn, idempotency_key: MaybeOnce
) -> HttpResponse:
    """Say how it ended. `no_answer` ends nothing: it is put back and climbs again."""
    row, by = one(mine(request), alert_id), holder(request)

    def act() -> AlertOut:
        alerts_by_key.close(
            row.pk, body.by, body.outcome, clinic=by.clinic, by=by.name, note=body.note, seen=body.seen
        )
        return alert_out(one(mine(request), row.pk))

    return write(request, idempotency_key, act)
