"""Consent and opt-out. The ledger only grows; a suppression stops an address at once, whoever owns it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from campaigns.delivery.pages import page_digest
from campaigns.domain.errors import NotAllowed
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, Consent, ConsentWords, ContactPoint, Patient, Suppression
from campaigns.models.encryption import blind_index
from campaigns.services.compose import approvals, reading_chain
from campaigns.services.record import record

CONSENT = "patient/consent"
"""The page that a patient reads before agreeing."""

PROVIDER = "provider"
"""The source of what a provider told us: it holds a block of its own, and answers STOP and START itself."""

EVERY_TOPIC = tuple(Consent.Topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How something was said: by which way (`source`), written down by whom, with what proof, and the words
    that stood before the patient (their language and digest; empty where there were none)."""

    source: str
    by: str = "patient"
    evidence: str = ""
    language: str = ""
    wording: str = ""


def shown(patient: Patient, page: str, *, source: str, by: str = "patient", evidence: str = "") -> Told:
    """What was said with a page of ours before the patient's eyes, as this clinic has approved it."""
    words = approvals(patient.clinic)
    language = words.page_language(page, reading_chain(patient.clinic, patient.language))
    digest = page_digest(page, language, words.own)
    return Told(source=source, by=by, evidence=evidence, language=language, wording=digest)


def grant(patient: Patient, channel: Channel, *, by: str, source: str, evidence: str, now: datetime) -> None:
    """Record that the patient agreed to every topic on this channel. Call inside a transaction."""
    told = shown(patient, CONSENT, source=source, by=by, evidence=evidence)
    grant_topics(patient, channel, EVERY_TOPIC, told, now)


def grant_topics(
    patient: Patient, channel: Channel, topics: Collection[str], told: Told, now: datetime
) -> None:
    """Record that the patient agrees to these topics on this channel. Call inside a transaction.

    An address that has opted out stays out: only the patient brings it back (`opt_in`).
    """
    _write(patient, channel, topics, Consent.Action.GRANTED, told, now)


def withdraw_topics(
    patient: Patient, channel: Channel, topics: Collection[str], told: Told, now: datetime
) -> bool:
    """Record that the patient wants no more of these topics on this channel; False where nothing of it was
    agreed to. Call inside a transaction.

    Takes the same locks as a claim, so that no claim that saw the old state is still open when this commits.
    """
    list(patient.contact_points.select_for_update().filter(channel=channel).order_by("pk"))
    on = granted(patient, channel)
    ended = [topic for topic in topics if topic in on]
    if ended:
        _write(patient, channel, ended, Consent.Action.WITHDRAWN, told, now)
    return bool(ended)


def newest(patient: Patient, channel: Channel) -> dict[str, Consent]:
    """The line of the ledger that counts, by topic."""
    lines = Consent.objects.filter(patient=patient, channel=channel).order_by("topic", "-id")
    return {line.topic: line for line in lines.distinct("topic")}


def granted(patient: Patient, channel: Channel) -> set[str]:
    """The topics that the patient agrees to on this channel, whatever else stands against it."""
    return {topic for topic, line in newest(patient, channel).items() if _is_granted(line)}


def _is_granted(line: Consent) -> bool:
    return line.action == Consent.Action.GRANTED


def _write(
    patient: Patient,
    channel: Channel,
    topics: Iterable[str],
    action: Consent.Action,
    told: Told,
    now: datetime,
) -> None:
    lines = [
        Consent(
            patient=patient,
            channel=channel,
            topic=topic,
            action=action,
            at=now,
            source=told.source,
            by=told.by,
            language_shown=told.language or patient.language,
            wording_shown=told.wording,
        )
        for topic in topics
    ]
    Consent.objects.bulk_create(lines)
    detail: dict[str, object] = {
        "channel": channel,
        "topics": [line.topic for line in lines],
        "source": told.source,
    }
    if told.evidence:
        ConsentWords.objects.bulk_create(ConsentWords(consent=line, text=told.evidence) for line in lines)
        # The words go when the patient is forgotten. This says of a copy whether it is what was written.
        detail["evidence"] = blind_index(told.evidence)
    record(f"consent_{action}", f"patient {patient.pk}", actor=told.by, now=now, detail=detail)


def opt_out(
    address_index: str,
    channel: Channel,
    *,
    source: str,
    now: datetime,
    by: str = "patient",
    evidence: str = "",
) -> bool:
    """Suppress an address from this instant; False when it already was. Call inside a transaction.

    Where the clinic's scope is all channels, the patient's other address is suppressed too. Takes the same
    locks as a claim, so that no claim that saw the old state is still open when this commits.
    """
    told = Told(source=source, by=by, evidence=evidence)
    owners = ContactPoint.objects.filter(address_index=address_index, channel=channel)
    everywhere = Patient.objects.filter(
        contact_points__in=owners, clinic__opt_out_scope=Clinic.OptOutScope.ALL
    )
    reached = {(address_index, channel.value)} | set(
        ContactPoint.objects.filter(patient__in=everywhere).values_list("address_index", "channel")
    )
    _lock(reached)
    stopped = {address for address in sorted(reached) if _suppress(*address, told.source, now)}
    for index, on in sorted(stopped):
        _withdraw_everything(index, Channel(on), told, now)
    return (address_index, channel.value) in stopped


def _lock(addresses: Collection[tuple[str, str]]) -> None:
    """Hold the addresses as a claim does, in its order, so that the two never wait in a circle."""
    points = ContactPoint.objects.filter(address_index__in={index for index, _ in addresses})
    list(points.select_for_update().order_by("pk").values_list("pk"))


def _suppress(address_index: str, channel: str, source: str, now: datetime) -> bool:
    _, is_new = Suppression.objects.get_or_create(
        address_index=address_index,
        channel=channel,
        lifted_at=None,
        defaults={"source": source, "created_at": now},
    )
    return is_new


def _withdraw_everything(address_index: str, channel: Channel, told: Told, now: datetime) -> None:
    """Say so in the ledger of everyone who has this address. A topic that was off before stays as it was: so
    `opt_in` knows what to bring back."""
    for patient in _owners(address_index, channel):
        on = sorted(granted(patient, channel))
        _write(patient, channel, on, Consent.Action.WITHDRAWN, told, now)


def _owners(address_index: str, channel: Channel) -> Iterable[Patient]:
    owners = Patient.objects.filter(
        contact_points__address_index=address_index, contact_points__channel=channel
    )
    return owners.select_related("clinic").order_by("pk")


def opt_in(
    address_index: str, channel: Channel, *, source: str, now: datetime, page: str = "", evidence: str = ""
) -> bool:
    """Lift the suppression of an address that asked to come back; False when there was none.

    Only what that opt-out ended comes back, not what the patient had switched off before or since. `page` is
    what the patient had before their eyes. Call inside a transaction.
    """
    ended = Suppression.objects.select_for_update().filter(
        address_index=address_index, channel=channel, lifted_at=None
    )
    suppression = ended.first()
    if suppression is None:
        return False
    Suppression.objects.filter(pk=suppression.pk).update(lifted_at=now)
    for patient in _owners(address_index, channel):
        told = _as_shown(patient, page, source, evidence)
        back = [topic for topic, line in newest(patient, channel).items() if _ended_by(suppression, line)]
        _write(patient, channel, back, Consent.Action.GRANTED, told, now)
    return True


def _as_shown(patient: Patient, page: str, source: str, evidence: str) -> Told:
    return shown(patient, page, source=source, evidence=evidence) if page else Told(source=source)


def _ended_by(suppression: Suppression, line: Consent) -> bool:
    return not _is_granted(line) and (line.at, line.source) == (suppression.created_at, suppression.source)


def in_force(address_index: str, channel: Channel) -> Suppression | None:
    """The opt-out of an address that counts now. It outlives whoever had the address."""
    return Suppression.objects.filter(address_index=address_index, channel=channel, lifted_at=None).first()


@transaction.atomic
def withdraw_as_told(
    patient: Patient, channel: Channel, topics: Collection[str], told: Told, now: datetime
) -> None:
    """What somebody told the staff. Every topic at once is an opt-out of the address, as if texted.

    Raises NotAllowed where nothing is there to end.
    """
    if set(topics) >= set(EVERY_TOPIC):
        index = _address(patient, channel).address_index
        said = {"source": told.source, "by": told.by, "evidence": told.evidence}
        if not opt_out(index, channel, now=now, **said):
            raise NotAllowed("This address has opted out already.")
    elif not withdraw_topics(patient, channel, topics, told, now):
        raise NotAllowed("The patient had not agreed to this.")


@transaction.atomic
def grant_as_told(
    patient: Patient, channel: Channel, topics: Collection[str], told: Told, now: datetime
) -> None:
    """What somebody told the staff, with its evidence. Raises NotAllowed without an address."""
    _address(patient, channel)
    proof = shown(patient, CONSENT, source=told.source, by=told.by, evidence=told.evidence)
    grant_topics(patient, channel, topics, proof, now)


def _address(patient: Patient, channel: Channel) -> ContactPoint:
    point = patient.contact_points.filter(channel=channel).first()
    if point is None:
        raise NotAllowed("There is no number or address for this channel.")
    return point
