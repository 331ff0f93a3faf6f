"""Whose mail this is, and which message of ours it answers. What is not proven, a person decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from campaigns.domain.errors import InvalidAddress
from campaigns.domain.mail_trust import is_proven, sender_of
from campaigns.domain.mime import Mail
from campaigns.domain.recipients import Channel, normalise_email
from campaigns.models import Clinic, ContactPoint, InboundMail, Message, Patient, PatientLink
from campaigns.models.encryption import blind_index
from campaigns.services.compose import LINK_LIFE, token_hash
from campaigns.services.send import message_id_header

Trust = InboundMail.Trust

ADDRESSED = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-forwarded-to", "resent-to")
"""Headers that may hold the address that a mail was sent to."""

LOOKED_BACK = timedelta(days=90)
"""How old a mail of ours may be that a mail or a report without a token speaks of."""

MOST_TOKENS = 20
MOST_OURS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who wrote. `patient` only where that is proven; `asked` is the message that is answered.

    `owners` are the patients who have the address that the mail says it comes from; `address_index` is the
    patient's own address where the patient is known.
    """

    trust: Trust
    patient: Patient | None
    asked: Message | None
    owners: Sequence[Patient]
    address_index: str
    clinic: Clinic | None


def identify(mail: Mail, recipients: Iterable[str], now: datetime) -> Sender:
    """Who sent this mail, by its reply token or else by what our own server vouches for."""
    address = _written(mail)
    index = blind_index(address) if address else ""
    owners = _owners(index)
    link = _answered(mail, recipients, now)
    if link is not None:
        return _known(Trust.TOKEN, link.patient, link.message, owners, index)
    results = mail.all("authentication-results")
    if len(owners) == 1 and is_proven(address, results, settings.MAIL_AUTHSERV_ID):
        asked = _referred(mail, owners[0], now)
        return _known(Trust.DOMAIN, owners[0], asked, owners, index)
    clinics = {owner.clinic for owner in owners} or set(Clinic.objects.all()[:2])
    clinic = clinics.pop() if len(clinics) == 1 else None
    return Sender(
        trust=Trust.NONE, patient=None, asked=None, owners=owners, address_index=index, clinic=clinic
    )


def _known(
    trust: Trust, patient: Patient, asked: Message | None, owners: Sequence[Patient], written: str
) -> Sender:
    point = patient.contact_points.filter(channel=Channel.EMAIL).first()
    return Sender(
        trust=trust,
        patient=patient,
        asked=asked,
        owners=owners,
        address_index=point.address_index if point else written,
        clinic=patient.clinic,
    )


def _written(mail: Mail) -> str:
    """The address in `From`, in the form in which addresses are stored."""
    try:
        return normalise_email(sender_of(mail.all("from")))
    except InvalidAddress:
        return ""


def _owners(index: str) -> list[Patient]:
    found = Patient.objects.filter(contact_points__address_index=index, contact_points__channel=Channel.EMAIL)
    return list(found.select_related("clinic").order_by("pk")) if index else []


def _answered(mail: Mail, recipients: Iterable[str], now: datetime) -> PatientLink | None:
    """The link of the reply token that this mail was sent to; tokens of several patients prove nothing."""
    written = [value for name in ADDRESSED for value in mail.all(name)]
    links = links_of(tokens_in("\n".join([*recipients, *written])), PatientLink.Purpose.REPLY, now)
    return links[0] if len({link.patient_id for link in links}) == 1 else None


def tokens_in(text: str) -> list[str]:
    """The reply tokens that a text names; case does not matter in an address."""
    if not settings.REPLY_DOMAIN:
        return []
    found = re.findall(rf"\br\+([0-9a-f]{{32}})@{re.escape(settings.REPLY_DOMAIN)}", text.lower())
    return list(dict.fromkeys(found))[:MOST_TOKENS]


def links_of(tokens: Iterable[str], purpose: str, now: datetime) -> list[PatientLink]:
    """The links of these tokens that are good now, the newest first."""
    links = PatientLink.objects.select_related("patient__clinic", "message__clinic", "message__visit")
    hashes = [token_hash(token) for token in tokens]
    return list(links.filter(token_hash__in=hashes, purpose=purpose, expires_at__gt=now).order_by("-message"))


def _referred(mail: Mail, patient: Patient, now: datetime) -> Message | None:
    """The message that the mail says it answers, or the one question that is open."""
    ids = re.findall(r"<[^<>\s]+>", mail.get("in-reply-to") + mail.get("references"))
    named = message_by_id(ids, [patient], now)
    if named is not None:
        return named
    since = now - LINK_LIFE[PatientLink.Purpose.CHECK_IN]
    mails = Message.objects.filter(patient=patient, channel=Channel.EMAIL, sent_at__gt=since, answers=None)
    asked = list(mails.exclude(asks="").select_related("visit", "clinic")[:2])
    return asked[0] if len(asked) == 1 else None


def message_by_id(ids: Iterable[str], patients: Iterable[Patient], now: datetime) -> Message | None:
    """The e-mail to one of these patients that has one of these `Message-ID`s. Nobody can guess one."""
    wanted = set(ids)
    if not wanted:
        return None
    sent = Message.objects.filter(patient__in=list(patients), channel=Channel.EMAIL)
    recent = sent.filter(sent_at__gt=now - LOOKED_BACK).select_related("clinic", "visit").order_by("-sent_at")
    ours = recent.defer("subject", "body", "html")[:MOST_OURS]
    return next((one for one in ours if message_id_header(one.clinic, one.pk) in wanted), None)


def patients_at(addresses: Iterable[str]) -> list[Patient]:
    """The patients who have one of these addresses; what is no address is passed over."""
    indexes = []
    for address in addresses:
        try:
            indexes.append(blind_index(normalise_email(address)))
        except InvalidAddress:
            continue
    points = ContactPoint.objects.filter(address_index__in=indexes, channel=Channel.EMAIL)
    return [point.patient for point in points.select_related("patient__clinic")]
