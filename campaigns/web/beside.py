"""What stands beside an alert: how long until the visit, and whose words from a shared phone these may be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.domain.replies import READINESS
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import VisitState
from campaigns.models import Alert, Clinic, ContactPoint, Patient

HOUR = timedelta(hours=1)
IN_DAYS = 48
"""From so many hours on, days say more."""


@dataclass(frozen=True, slots=True)
class Beside:
    """`visit_in` is a sentence, empty where the alert is about no visit; `candidates` share the phone."""

    visit_in: str
    candidates: list[Patient]


def all_of(alerts: Sequence[Alert], clinic: Clinic, now: datetime) -> dict[int, Beside]:
    """What stands beside each of these alerts, in one query. `now` is UTC."""
    phones = _sharing(alerts, clinic)
    return {
        alert.pk: Beside(
            visit_in=_visit_in(alert, clinic, now),
            candidates=phones.get(alert.reply.address_index, []) if alert.reply and not alert.patient else [],
        )
        for alert in alerts
    }


def _sharing(alerts: Sequence[Alert], clinic: Clinic) -> dict[str, list[Patient]]:
    """The patients of this clinic who have the phones of texts that are nobody's yet."""
    nobodys = [alert.reply.address_index for alert in alerts if alert.reply and not alert.patient_id]
    found: dict[str, list[Patient]] = defaultdict(list)
    if nobodys:
        points = ContactPoint.objects.filter(address_index__in=nobodys, channel="sms", patient__clinic=clinic)
        for point in points.select_related("patient").order_by("patient__created_at", "patient"):
            found[point.address_index].append(point.patient)
    return found


def _visit_in(alert: Alert, clinic: Clinic, now: datetime) -> str:
    """How long staff have until the visit that the patient is not ready for, or does not come to."""
    asked = alert.reply.message if alert.reply else None
    if asked is None or asked.asks not in READINESS or asked.visit is None:
        return ""
    visit = asked.visit
    if visit.state != VisitState.BOOKED:
        return ""
    return time_left(to_instant(visit.on_date, visit.at_time, ZoneInfo(clinic.time_zone)) - now)


def time_left(left: timedelta) -> str:
    """The time until a visit in whole hours, or days where it is far."""
    hours = left // HOUR
    if left <= timedelta(0):
        return _("The visit has begun.")
    if hours < 1:
        return _("Visit in less than an hour")
    if hours >= IN_DAYS:
        days = hours // 24
        return ngettext("Visit in %(days)d day", "Visit in %(days)d days", days) % {"days": days}
    return ngettext("Visit in %(hours)d h", "Visit in %(hours)d h", hours) % {"hours": hours}
