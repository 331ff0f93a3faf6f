"""What did not go or did not arrive, message by message. Only reader: the page that says why."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from campaigns.models import Message
from campaigns.queries.overview import LOOK_BACK, NOT_ARRIVED


def unsent_messages(clinic_id: UUID, now: datetime, state: str, reason: str) -> QuerySet[Message]:
    """The messages of a clinic that ended in one state for one reason in the last seven days, newest first,
    with patient and visit and without their texts. Nothing where no message ends in that state."""
    if state not in set(NOT_ARRIVED):
        return Message.objects.none()
    rows = Message.objects.filter(
        clinic=clinic_id, state=state, reason=reason, settled_at__gt=now - LOOK_BACK, settled_at__lte=now
    )
    return (
        rows.select_related("patient", "visit")
        .defer("subject", "body", "html")
        .order_by("-settled_at", "-pk")
    )
