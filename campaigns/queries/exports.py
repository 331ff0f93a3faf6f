"""Everything, one object a line. Times are UTC with microseconds; addresses are masked unless asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from campaigns.domain.recipients import mask
from campaigns.models import Alert, Attempt, AuditEntry, Consent, ContactPoint, Message, Patient, Reply
from campaigns.queries import contactability as reach

Row = dict[str, Any]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value


def _rows(query: QuerySet[Any, Any]) -> Iterator[Row]:
    for row in query.iterator(chunk_size=2000):
        yield {name: _plain(value) for name, value in row.items()}


def messages(with_addresses: bool) -> Iterator[Row]:
    """Every message with its state and reason, and the address it goes to."""
    query = Message.objects.order_by("id").values(
        "id",
        "sequence",
        "step",
        "visit_version",
        "channel",
        "send_at",
        "expires_at",
        "state",
        "reason",
        "language",
        "wording_digest",
        "segments",
        "purpose",
        "duplicate_possible",
        "group",
        "created_at",
        "sent_at",
        patient_=F("patient_id"),
        clinic_=F("clinic_id"),
        visit_=F("visit_id"),
    )
    addresses = _addresses(with_addresses)
    for row in _rows(query):
        patient = row.pop("patient_")
        row |= {"patient": patient, "clinic": row.pop("clinic_"), "visit": row.pop("visit_")}
        row["to"] = addresses.get((patient, row["channel"]), "")
        yield row


def _addresses(in_full: bool) -> dict[tuple[str, str], str]:
    points = ContactPoint.objects.only("patient_id", "channel", "address")
    return {
        (str(point.patient_id), point.channel): point.address if in_full else mask(point.address)
        for point in points.iterator(chunk_size=2000)
    }


def attempts(with_addresses: bool) -> Iterator[Row]:
    """Every try. `started_at` was committed before a byte left."""
    query = Attempt.objects.order_by("started_at", "id").values(
        "id",
        "channel",
        "started_at",
        "finished_at",
        "outcome",
        "provider_id",
        "error_code",
        message_=F("message_id"),
    )
    for row in _rows(query):
        yield row | {"message": row.pop("message_")}


def replies(with_addresses: bool) -> Iterator[Row]:
    """Every reply and what it was understood as; never its words."""
    query = Reply.objects.order_by("id").values(
        "id",
        "provider_id",
        "channel",
        "received_at",
        "language",
        "keyword",
        "answer",
        "urgency",
        "outcome",
        patient_=F("patient_id"),
        message_=F("message_id"),
    )
    for row in _rows(query):
        yield row | {"patient": row.pop("patient_"), "message": row.pop("message_")}


def alerts(with_addresses: bool) -> Iterator[Row]:
    """Every alert and who dealt with it."""
    query = Alert.objects.order_by("id").values(
        "id",
        "urgency",
        "rule",
        "opened_at",
        "acknowledged_at",
        "closed_at",
        "outcome",
        "steps",
        reply_=F("reply_id"),
        patient_=F("patient_id"),
        acknowledged_by_=F("acknowledged_by__email"),
    )
    for row in _rows(query):
        names = ("reply", "patient", "acknowledged_by")
        yield row | {name: row.pop(f"{name}_") for name in names}


def consents(with_addresses: bool) -> Iterator[Row]:
    """The consent ledger, oldest first."""
    query = Consent.objects.order_by("id").values(
        "channel",
        "topic",
        "action",
        "at",
        "source",
        "by",
        "evidence",
        patient_=F("patient_id"),
        proof_=F("words__text"),
    )
    for row in _rows(query):
        yield row | {"patient": row.pop("patient_"), "evidence": row.pop("proof_") or row["evidence"]}


def contactability(with_addresses: bool) -> Iterator[Row]:
    """Why each patient may or may not be written to, by channel and topic."""
    for row in reach.rows(Patient.objects.all(), with_addresses=with_addresses):
        yield {name: _plain(value) for name, value in row.items()}


def audit(with_addresses: bool) -> Iterator[Row]:
    """The audit chain."""
    yield from _rows(
        AuditEntry.objects.order_by("seq").values(
            "seq", "at", "actor", "action", "object", "detail", "clinic", "digest", "previous"
        )
    )


EXPORTS: dict[str, Callable[[bool], Iterator[Row]]] = {
    "messages": messages,
    "attempts": attempts,
    "replies": replies,
    "alerts": alerts,
    "consents": consents,
    "contactability": contactability,
    "audit": audit,
}
