"""What something would change for one patient's messages, without changing it: done for real, rolled back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.models import Message
from campaigns.services.plan import Changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One message as it would be. `message` is None for one that is new. `send_at` is UTC."""

    message: int | None
    sequence: str
    step: str
    channel: str
    send_at: datetime
    state: str
    reason: str


def rehearse(patient_id: UUID, act: Callable[[], Changes]) -> tuple[Changes, list[Effect]]:
    """Run `act` and undo it: its counts, and every message that it made, moved or stopped, by time.

    Raises what `act` raises.
    """
    with transaction.atomic():
        before = {row.pk: _stand(row) for row in _rows(patient_id)}
        changes = act()
        effects = [
            _effect(row, known=row.pk in before)
            for row in _rows(patient_id)
            if before.get(row.pk) != _stand(row)
        ]
        transaction.set_rollback(True)
    return changes, effects


def _rows(patient_id: UUID) -> list[Message]:
    rows = Message.objects.filter(patient=patient_id).defer("subject", "body", "html", "stated")
    return list(rows.order_by("send_at", "pk"))


def _stand(row: Message) -> tuple[datetime, str, str]:
    return row.send_at, row.state, row.reason


def _effect(row: Message, *, known: bool) -> Effect:
    return Effect(
        message=row.pk if known else None,
        sequence=row.sequence,
        step=row.step,
        channel=row.channel,
        send_at=row.send_at,
        state=row.state,
        reason=row.reason,
    )
