"""What a change would do to one patient's messages, message by message, with the words that the patient would
read: done for real, composed, rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.domain.lifecycle import UNSENT, Purpose
from campaigns.models import Message
from campaigns.queries import clock
from campaigns.services.plan import Changes
from campaigns.services.preview import PreviewedMessage, as_read


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One message as it would be. `before` is when it would have gone until now (UTC), None for a new one.
    `words` are there for what is read before deciding: corrections, and the first other new message."""

    message: Message
    before: datetime | None
    words: PreviewedMessage | None

    @property
    def goes(self) -> bool:
        """Whether it would be sent."""
        return self.message.state in UNSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """All that a change would do: the counts, and each message that it makes, moves or stops, by time."""

    changes: Changes
    effects: tuple[Effect, ...]

    @property
    def corrections(self) -> list[Effect]:
        """What tells the patient that something they were told is no longer true."""
        return [one for one in self.effects if one.goes and one.message.purpose == Purpose.CORRECTION]

    @property
    def untold(self) -> list[Effect]:
        """Corrections that are owed and cannot go: a person must tell the patient."""
        new = [one for one in self.effects if one.before is None and not one.goes]
        return [one for one in new if one.message.purpose == Purpose.CORRECTION]

    @property
    def next_word(self) -> Effect | None:
        """The first new message that is no correction: what the patient hears next because of this."""
        return next((one for one in self.effects if one.words and one not in self.corrections), None)


def foresee(patient_id: UUID, act: Callable[[], Changes]) -> Outlook:
    """Run `act` and undo it. Raises what `act` raises."""
    with transaction.atomic():
        before = {row.pk: _stand(row) for row in _rows(patient_id)}
        changes = act()
        effects = tuple(_effects(_rows(patient_id), before))
        transaction.set_rollback(True)
    return Outlook(changes=changes, effects=effects)


def reads(patient_id: UUID, act: Callable[[], object]) -> list[PreviewedMessage]:
    """Every message that is still to go, as the patient would read it after `act`; undone. Raises what `act`
    raises."""
    with transaction.atomic():
        act()
        found = _words([row for row in _rows(patient_id) if row.state in UNSENT])
        transaction.set_rollback(True)
    return found


Stand = tuple[datetime, str, str]


def _rows(patient_id: UUID) -> list[Message]:
    rows = Message.objects.filter(patient=patient_id).select_related("visit", "patient__clinic")
    return list(rows.defer("subject", "body", "html").order_by("send_at", "pk"))


def _stand(row: Message) -> Stand:
    return row.send_at, row.state, row.reason


def _effects(rows: list[Message], before: dict[int, Stand]) -> Iterator[Effect]:
    touched = [row for row in rows if before.get(row.pk) != _stand(row)]
    new = [row for row in touched if row.pk not in before and row.state in UNSENT]
    read = [row for row in new if row.purpose == Purpose.CORRECTION]
    read += [row for row in new if row not in read][:1]
    words = dict(zip((row.pk for row in read), _words(read), strict=True))
    for row in touched:
        known = before.get(row.pk)
        yield Effect(message=row, before=known[0] if known else None, words=words.get(row.pk))


def _words(messages: list[Message]) -> list[PreviewedMessage]:
    return as_read(messages, messages[0].patient.clinic, clock.now()) if messages else []
