"""Why we may or may not write to a patient: by channel and topic, the newest word and what stands against it.

The verdict is the gates' own (`domain/consent.why_not`). A fixed number of queries, however long the history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery

from campaigns.domain.consent import why_not
from campaigns.domain.lifecycle import Reason
from campaigns.domain.recipients import Channel, mask
from campaigns.models import Consent, ContactPoint, Patient, Suppression

AT_ONCE = 500
"""Patients read together for an export."""


FIELDS = (
    "patient",
    "clinic",
    "status",
    "channel",
    "to",
    "address_state",
    "topic",
    "contactable",
    "reason",
    "action",
    "at",
    "source",
    "by",
    "evidence",
    "language_shown",
    "wording_shown",
    "opted_out_at",
    "opted_out_source",
)
"""What a row of an export holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic on one channel. `reason` is why nothing goes, or None; `newest` the line that counts."""

    name: str
    reason: Reason | None
    newest: Consent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said at one time: one line of the ledger, and all topics that it was said of."""

    topics: Sequence[str]
    line: Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One channel of one patient. `stop` is the opt-out in force; `history` all that was said, newest first;
    `stops` the opt-outs that were lifted. The address is in full; empty where there is none. `others`: how
    many other patients have it, where that was asked."""

    channel: Channel
    address: str
    state: str
    stop: Suppression | None
    stops: Sequence[Suppression]
    topics: Sequence[Topic]
    history: Sequence[Said]
    others: int = 0
    point: ContactPoint | None = None

    @property
    def reason(self) -> Reason | None:
        """Why nothing at all goes on this channel; None where something may."""
        reasons = [topic.reason for topic in self.topics]
        return None if None in reasons else reasons[0]


def reaches(patient: Patient) -> list[Reach]:
    """Each channel of one patient, in three queries."""
    points = ContactPoint.objects.filter(patient=patient).annotate(others=_OTHERS)
    return _reaches([patient], points)[patient.pk]


_OTHERS = Subquery(
    ContactPoint.objects.filter(address_index=OuterRef("address_index"))
    .exclude(patient=OuterRef("patient"))
    .order_by()
    .values("address_index")
    .annotate(n=Count("pk"))
    .values("n")
)
"""How many other patients, of every clinic, have the same address."""


def _reaches(
    patients: Sequence[Patient], addresses: Iterable[ContactPoint] | None = None
) -> dict[UUID, list[Reach]]:
    found = ContactPoint.objects.filter(patient__in=patients) if addresses is None else addresses
    points = {(point.patient_id, point.channel): point for point in found}
    ledger: dict[tuple[UUID, str], list[Consent]] = defaultdict(list)
    for line in Consent.objects.filter(patient__in=patients).select_related("words").order_by("-id"):
        ledger[line.patient_id, line.channel].append(line)
    stops: dict[tuple[str, str], list[Suppression]] = defaultdict(list)
    indexes = {point.address_index for point in points.values()}
    for stop in Suppression.objects.filter(address_index__in=indexes).order_by("-created_at", "-id"):
        stops[stop.address_index, stop.channel].append(stop)
    return {
        patient.pk: [
            _reach(channel, points.get((patient.pk, channel)), ledger[patient.pk, channel], stops)
            for channel in Channel
        ]
        for patient in patients
    }


def _reach(
    channel: Channel,
    point: ContactPoint | None,
    ledger: Sequence[Consent],
    stops: Mapping[tuple[str, str], list[Suppression]],
) -> Reach:
    said = stops.get((point.address_index, channel), []) if point else []
    stop = next((one for one in said if one.lifted_at is None), None)
    state = str(point.state) if point else ""
    return Reach(
        channel=channel,
        address=point.address if point else "",
        state=state,
        stop=stop,
        stops=[one for one in said if one.lifted_at is not None],
        topics=[_topic(channel, topic, ledger, state, stop) for topic in Consent.Topic],
        history=_history(ledger),
        others=getattr(point, "others", None) or 0,
        point=point,
    )


def _history(ledger: Iterable[Consent]) -> list[Said]:
    """Lines of the same moment and kind as one."""
    same = groupby(ledger, lambda line: (line.at, line.action, line.source, line.by, line.proof))
    said = [list(lines) for _, lines in same]
    return [Said(topics=_in_order(lines), line=lines[0]) for lines in said]


def _in_order(lines: Iterable[Consent]) -> list[str]:
    named = {line.topic for line in lines}
    return [topic.value for topic in Consent.Topic if topic in named]


def _topic(
    channel: Channel, name: str, ledger: Iterable[Consent], state: str, stop: Suppression | None
) -> Topic:
    newest = next((line for line in ledger if line.topic == name), None)
    reason = why_not(
        channel,
        address_state=state,
        suppressed=stop is not None,
        consent=newest.action if newest else "",
    )
    return Topic(name=name, reason=reason, newest=newest)


def rows(patients: QuerySet[Patient], *, with_addresses: bool = False) -> Iterator[dict[str, Any]]:
    """One row a patient, channel and topic, for exports. Addresses are masked unless asked for."""
    left = patients.order_by("created_at", "pk").iterator(chunk_size=AT_ONCE)
    while some := list(islice(left, AT_ONCE)):
        found = _reaches(some)
        for patient in some:
            for reach in found[patient.pk]:
                address = reach.address if with_addresses or not reach.address else mask(reach.address)
                yield from (_row(patient, reach, topic, address) for topic in reach.topics)


def _row(patient: Patient, reach: Reach, topic: Topic, address: str) -> dict[str, Any]:
    newest, stop = topic.newest, reach.stop
    said = ("action", "at", "source", "by", "language_shown", "wording_shown")
    row: dict[str, Any] = {
        "patient": patient.pk,
        "clinic": patient.clinic_id,
        "status": patient.status,
        "channel": reach.channel.value,
        "to": address,
        "address_state": reach.state,
        "topic": str(topic.name),
        "contactable": topic.reason is None and patient.status == Patient.Status.ACTIVE,
        "reason": topic.reason or "",
        **{name: getattr(newest, name) if newest else None for name in said},
        "evidence": newest.proof if newest else None,
        "opted_out_at": stop.created_at if stop else None,
        "opted_out_source": stop.source if stop else None,
    }
    return {name: row[name] for name in FIELDS}
