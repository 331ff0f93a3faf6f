"""Who deals with a conversation, who has it open just now, and that nothing of it is left to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from campaigns.domain.errors import NotAllowed
from campaigns.models import Alert, Conversation, Patient, Staff
from campaigns.queries import clock, conversations, presence
from campaigns.services.record import record

JUST_NOW = timedelta(minutes=5)
"""So long the page says that somebody has just answered."""


def assignable(clinic_id: UUID) -> list[Staff]:
    """Who a conversation can be given to: everybody at the clinic who may act on it."""
    working = Staff.objects.filter(clinic=clinic_id, is_active=True)
    return list(working.exclude(role__in=[Staff.Role.AUDITOR, Staff.Role.TRANSLATOR]).order_by("name", "pk"))


@transaction.atomic
def assign(patient_id: UUID, to: int | None, staff: Staff, *, shown: int | None) -> Conversation:
    """Give a conversation to somebody, or to nobody. `shown` is whose it was on the page.

    It stops no alert from climbing: only whoever takes the alert does that. Raises NotAllowed when it has
    another owner by now, and for who is not at work at this clinic.
    """
    patient = Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
    found, _ = Conversation.objects.select_related("assigned_to").get_or_create(patient=patient)
    if found.assigned_to_id == to:
        return found
    if found.assigned_to_id != shown:
        name = found.assigned_to.name if found.assigned_to else ""
        raise NotAllowed(f"{name} has it by now." if name else "Somebody has given it back by now.")
    if to is not None and to not in {one.pk for one in assignable(patient.clinic_id)}:
        raise NotAllowed("This person cannot take it.")
    now = clock.now()
    found.assigned_to_id, found.assigned_at = to, now
    found.save(update_fields=["assigned_to", "assigned_at"])
    record("conversation_assigned", f"patient {patient.pk}", actor=staff.email, now=now, detail={"to": to})
    return found


@transaction.atomic
def settle(patient_id: UUID, staff: Staff, *, version: str) -> None:
    """Say that nothing is left to do about words of ours that did not arrive. It touches no alert.

    Raises NotAllowed when somebody has written since the page was shown.
    """
    Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
    if conversations.standing(patient_id).version != version:
        raise NotAllowed("Something was written meanwhile: read it first.")
    now = clock.now()
    # Later than what was written at this very instant.
    Conversation.objects.update_or_create(
        patient_id=patient_id,
        defaults={"handled_at": now + timedelta(milliseconds=1), "handled_by": staff},
    )
    record("conversation_settled", f"patient {patient_id}", actor=staff.email, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who else has the item open; and what was written by hand last, where that is a moment ago."""

    names: tuple[str, ...] = ()
    version: str = ""
    written_by: str = ""
    seconds_ago: int = 0


def arrive(staff: Staff, patient_id: UUID, now: datetime) -> Company:
    """Say that somebody has a conversation open, and learn who else has, by the database's real clock.

    `now` is the time that counts, by which messages by hand are told."""
    names = presence.at_patient(staff.pk, patient_id)
    how = conversations.standing(patient_id)
    recent = how.told_at is not None and now - JUST_NOW < how.told_at <= now and how.told_by != staff.pk
    return Company(
        names=names,
        version=how.version,
        written_by=how.told_by_name if recent else "",
        seconds_ago=int((now - how.told_at).total_seconds()) if recent and how.told_at else 0,
    )


def arrive_at_words(staff: Staff, alert_id: int) -> Company:
    """The same for an alert about words that are nobody's yet."""
    return Company(names=presence.at_alert(staff.pk, alert_id))


def waiting(alerts: Iterable[Alert]) -> list[Alert]:
    """Of a patient's alerts those that wait for their end, the gravest first."""
    rank = list(Alert.Urgency.values).index
    open_ones = [one for one in alerts if one.closed_at is None and one.part_of_id is None]
    return sorted(open_ones, key=lambda alert: (rank(alert.urgency), alert.opened_at, alert.pk))


def joined(alerts: Iterable[Alert]) -> Counter[int | None]:
    """How many texts joined each alert."""
    return Counter(one.part_of_id for one in alerts if one.part_of_id)
