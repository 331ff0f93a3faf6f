"""Who may have written: the patients who have the address that an unproven mail says it is from."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from campaigns.models import Alert, ContactPoint, Patient


def of_replies(clinic_id: UUID | None, alerts: Iterable[Alert]) -> dict[int, list[Patient]]:
    """Reply -> patients of this clinic, for alerts about e-mail that is attached to nobody. One query."""
    replies = [alert.reply for alert in alerts if alert.reply and alert.patient_id is None]
    loose = {reply.pk: reply.address_index for reply in replies if reply.channel == "email"}
    points = ContactPoint.objects.filter(
        channel="email", address_index__in=set(loose.values()) - {""}, patient__clinic=clinic_id
    )
    found = list(points.select_related("patient").order_by("patient"))
    return {
        reply: [point.patient for point in found if point.address_index == index]
        for reply, index in loose.items()
    }
