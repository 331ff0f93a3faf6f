"""Hold texts back that a clinic's number cannot carry yet. The rule is domain/pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from campaigns.domain.lifecycle import PLANNED_PRIORITY
from campaigns.domain.pace import AHEAD, Pace
from campaigns.domain.recipients import Channel
from campaigns.models import ChannelState
from campaigns.queries.queue import Claimed
from campaigns.services.gates import Context


class Senders:
    """The numbers of a batch, locked until its transaction ends, so that two workers share one pace."""

    def __init__(self, known: Mapping[UUID, Context], claimed: Sequence[Claimed], now: datetime) -> None:
        texting = {row.clinic_id for row in claimed if row.channel == Channel.SMS}
        limited = sorted(key for key in texting & known.keys() if known[key].clinic.segments_per_second > 0)
        rows = [ChannelState(clinic_id=key, channel=Channel.SMS) for key in limited]
        self._rows: dict[UUID, ChannelState] = {}
        self._paces: dict[UUID, Pace] = {}
        if rows:
            ChannelState.objects.bulk_create(rows, ignore_conflicts=True)
            held = ChannelState.objects.filter(clinic__in=limited, channel=Channel.SMS)
            for row in held.select_for_update().order_by("pk"):
                self._rows[row.clinic_id] = row
                rate = known[row.clinic_id].clinic.segments_per_second
                self._paces[row.clinic_id] = Pace(rate, min(row.free_at or now, now + 2 * AHEAD))

    def take(self, row: Claimed, segments: int, now: datetime) -> datetime | None:
        """Hand over a text; or when to ask again."""
        pace = self._paces.get(row.clinic_id) if row.channel == Channel.SMS else None
        return pace.take(segments, now, urgent=row.priority < PLANNED_PRIORITY) if pace else None

    def write_down(self) -> None:
        """Keep what was handed over."""
        for key, row in self._rows.items():
            row.free_at = self._paces[key].free_at
            row.save(update_fields=["free_at"])
