"""What mail servers tell us about our own mail: it came back (RFC 3464), or was marked as junk (RFC 5965).

Anybody can write such a report. It is believed where it returns something that only our mail held: the token
of its reply address or of its way out, or its `Message-ID`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from campaigns.delivery.email import reason_of_status
from campaigns.delivery.events import DeliveryEvent as News
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.mime import Mail
from campaigns.domain.recipients import Channel
from campaigns.models import Alert, Message, PatientLink
from campaigns.models.encryption import blind_index
from campaigns.services import consent
from campaigns.services.escalate import open_alert
from campaigns.services.mail_sender import links_of, message_by_id, patients_at, tokens_in
from campaigns.services.track import track

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_WAY_OUT = re.compile(r"/u/([\w-]{16,64})")
_ID = re.compile(r"(?im)^message-id:\s*(<[^<>\s]+>)")

NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "dmarc"})
"""Kinds of feedback reports by which nobody asks us to stop."""


def take_bounce(mail: Mail, digest: str, now: datetime) -> bool:
    """Note on the message that came back, and on its address where that does not exist. False where a person
    must look: no part of the report says which mail of ours it means. Call inside a transaction."""
    blocks = [block for block in mail.fields if block.get("action")]
    failed = [block for block in blocks if block["action"].lower().startswith("failed")]
    if blocks and not failed:
        return True  # late or relayed: whoever says so goes on trying
    named = {address for block in failed for address in _addresses(block)}
    message = _message(mail, named, now)
    attempt = message.attempts.order_by("-started_at").first() if message else None
    if message is None or attempt is None or not failed:
        return False
    status = _status(failed[0])
    news = News(
        provider_id=f"dsn:{digest}",
        word="bounced",
        state=State.UNDELIVERED,
        error_code=status,
        reason=_reason(status, named, message),
    )
    return track(attempt.pk, news)


def _addresses(block: Mapping[str, str]) -> list[str]:
    fields = (block.get(name, "") for name in ("original-recipient", "final-recipient"))
    return [value.rpartition(";")[2].strip().strip("<>") for value in fields if value]


def _status(block: Mapping[str, str]) -> str:
    """The enhanced status code; where the field says nothing, the one in the server's own words."""
    said = [
        found for field in ("status", "diagnostic-code") for found in _STATUS.findall(block.get(field, ""))
    ]
    return next((code for code in said if not code.endswith(".0.0")), said[0] if said else "")


def _reason(status: str, named: set[str], message: Message) -> Reason:
    """Why. An address is called bad only while it is still the one that the patient has."""
    reason = reason_of_status(status)
    points = message.patient.contact_points.filter(channel=Channel.EMAIL)
    known = points.filter(address_index__in=[blind_index(address) for address in named]).exists()
    return reason if known or reason is not Reason.BAD_ADDRESS else Reason.UNREACHABLE


def _message(mail: Mail, named: set[str], now: datetime) -> Message | None:
    """Our message that the report returns."""
    returned = mail.returned
    links = links_of(tokens_in(returned), PatientLink.Purpose.REPLY, now) or links_of(
        _WAY_OUT.findall(returned)[:5], PatientLink.Purpose.UNSUBSCRIBE, now
    )
    if links:
        return links[0].message
    return message_by_id(_ID.findall(returned), patients_at(named), now)


def take_complaint(mail: Mail, now: datetime) -> bool:
    """Stop writing to who marked our mail as junk, and tell staff. False where a person must look."""
    fields = {name: value for block in mail.fields for name, value in block.items()}
    kind = fields.get("feedback-type", "").lower()
    if kind in NO_COMPLAINT:
        return True
    named = {fields[name].strip("<> ") for name in ("original-rcpt-to",) if name in fields}
    message = _message(mail, named, now)
    if message is None:
        return False
    for point in message.patient.contact_points.filter(channel=Channel.EMAIL):
        consent.opt_out(point.address_index, Channel.EMAIL, source="complaint", now=now)
    open_alert(
        clinic=message.clinic,
        reply=None,
        patient=message.patient,
        urgency=Alert.Urgency.ROUTINE,
        rule="marked our mail as junk",
        matched=[],
        now=now,
    )
    return True
