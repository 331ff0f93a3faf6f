"""One question open at a time on a phone: a check-in waits until the one before it is answered or over.

A question about a visit does not wait, because the visit does not; it closes the older one. A safety check-in
waits, but not until it is lost: its warnings must go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.domain.dialogue import LEAST_LIFE, About, Asked, about, open_for, open_question
from campaigns.domain.recipients import Channel
from campaigns.queries import questions
from campaigns.queries.queue import Claimed

CHECK_INS = "check_ins"


@dataclass(slots=True)
class Turns:
    """What is open on the phones of one claimed batch, what this batch asks included."""

    _phones: dict[int, str] = field(default_factory=dict)
    _about: dict[int, About] = field(default_factory=dict)
    _open: dict[str, Asked | None] = field(default_factory=dict)
    _taken: dict[str, tuple[About, datetime]] = field(default_factory=dict)

    def until(self, row: Claimed, now: datetime) -> datetime | None:
        """Until when this question must wait, or None when it may go. Nothing but a texted check-in waits."""
        phone = self._phones.get(row.id)
        if phone is None or row.topic != CHECK_INS:
            return None
        latest = row.expires_at if row.capped else row.expires_at - LEAST_LIFE
        asked = self._taken.get(phone)
        before = self._open.get(phone)
        if asked is None and before is not None:
            asked = (before.about, before.open_until)
        if asked is None or asked[0] == self._about[row.id] or latest <= now:
            return None
        return min(asked[1], latest)

    def note(self, row: Claimed, now: datetime) -> None:
        """This one goes: the next of this batch on the same phone waits for its answer."""
        phone = self._phones.get(row.id)
        if phone is not None:
            asked = self._about[row.id]
            self._taken[phone] = (asked, now + open_for(asked[1]))


def _about(row: Claimed) -> About:
    return about(row.id, row.enrollment_id, row.group, row.visit_id, row.visit_version, row.asks)


def turns(claimed: Sequence[Claimed], now: datetime) -> Turns:
    """Look at the phones of the questions in a batch, and keep them until the transaction ends."""
    asking = [row for row in claimed if row.asks and row.channel == Channel.SMS]
    if not asking:
        return Turns()
    phones = questions.lock_phones([row.id for row in asking])
    owners = questions.owners(phones.values())
    found: dict[str, list[Asked]] = {phone: [] for phone in phones.values()}
    for asked in questions.asked_by_text(owners.keys(), now):
        found[owners[asked.patient]].append(asked)
    return Turns(
        _phones=phones,
        _about={row.id: _about(row) for row in asking},
        _open={phone: open_question(asked, now) for phone, asked in found.items()},
    )
