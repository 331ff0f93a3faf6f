"""Consent and opt-out. The ledger only grows; a suppression stops an address at once, whoever owns it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from campaigns.delivery.pages import page_digest
from campaigns.domain.languages import fallback_chain
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, Consent, ContactPoint, Patient, Suppression
from campaigns.services.compose import approvals
from campaigns.services.record import record

CONSENT = "patient/consent"
"""The page that a patient reads before agreeing."""


def grant(patient: Patient, channel: Channel, *, by: str, source: str, evidence: str, now: datetime) -> None:
    """Record that the patient agreed to every topic on this channel. Call inside a transaction."""
    words = approvals(patient.clinic)
    language = words.page_language(CONSENT, fallback_chain(patient.language))
    shown = page_digest(CONSENT, language, words.own)
    Consent.objects.bulk_create(
        Consent(
            patient=patient,
            channel=channel,
            topic=topic,
            action=Consent.Action.GRANTED,
            at=now,
            source=source,
            by=by,
            evidence=evidence,
            language_shown=language,
            wording_shown=shown,
        )
        for topic in Consent.Topic
    )
    record("consent_granted", f"patient {patient.pk}", actor=by, now=now, detail={"channel": channel})


def opt_out(address_index: str, channel: Channel, *, source: str, now: datetime) -> bool:
    """Suppress an address from this instant; False when it already was. Call inside a transaction.

    Takes the same locks as a claim, so that no claim that saw the old state is still open when this commits.
    """
    owners = ContactPoint.objects.select_for_update().filter(address_index=address_index, channel=channel)
    patients = [point.patient_id for point in owners]
    _, is_new = Suppression.objects.get_or_create(
        address_index=address_index,
        channel=channel,
        lifted_at=None,
        defaults={"source": source, "created_at": now},
    )
    if is_new:
        _ledger(patients, channel, Consent.Action.WITHDRAWN, source, now)
    return is_new


def opt_in(address_index: str, channel: Channel, *, source: str, now: datetime) -> bool:
    """Lift the suppression of an address that asked to come back; False when there was none.

    Only topics that the patient had agreed to before come back. Call inside a transaction.
    """
    lifted = Suppression.objects.filter(address_index=address_index, channel=channel, lifted_at=None).update(
        lifted_at=now
    )
    if lifted:
        owners = ContactPoint.objects.filter(address_index=address_index, channel=channel)
        _ledger([point.patient_id for point in owners], channel, Consent.Action.GRANTED, source, now)
    return bool(lifted)


def _ledger(
    patients: list[UUID], channel: Channel, action: Consent.Action, source: str, now: datetime
) -> None:
    for patient in Patient.objects.filter(pk__in=patients):
        known = Consent.objects.filter(patient=patient, channel=channel)
        Consent.objects.bulk_create(
            Consent(
                patient=patient,
                channel=channel,
                topic=topic,
                action=action,
                at=now,
                source=source,
                by="patient",
                language_shown=patient.language,
            )
            for topic in Consent.Topic
            if known.filter(topic=topic).exists()
        )
        record(
            f"consent_{action}", f"patient {patient.pk}", actor="patient", now=now, detail={"source": source}
        )


def contactable(clinic: Clinic, patient: Patient, channel: Channel) -> str:
    """Why this patient can or cannot be reached on this channel: granted, withdrawn, opted_out, no_address or
    no_consent."""
    point = patient.contact_points.filter(channel=channel).first()
    if point is None:
        return "no_address"
    if Suppression.objects.filter(
        address_index=point.address_index, channel=channel, lifted_at=None
    ).exists():
        return "opted_out"
    newest = Consent.objects.filter(patient=patient, channel=channel).order_by("-id").first()
    return newest.action if newest else "no_consent"
