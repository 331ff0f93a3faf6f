"""Take one mail: stored first, then read. Every way in calls `receive_mail` and says yes once it returns.

Storing and reading are two transactions: a mail that cannot be read is kept and shown to a person, and one
whose reader died is read by the next tick. The same mail brought again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from campaigns.domain.mail_kinds import Kind, kind_of
from campaigns.domain.mime import Mail, take_apart
from campaigns.domain.recipients import Channel
from campaigns.domain.replies import PARSER_VERSION
from campaigns.models import Alert, Clinic, InboundMail, Reply
from campaigns.queries import clock
from campaigns.services.duties import Duty, fulfils
from campaigns.services.escalate import open_alert
from campaigns.services.mail_reply import take_reply, take_words
from campaigns.services.mail_reports import take_bounce, take_complaint
from campaigns.services.mail_sender import Sender, identify

log = logging.getLogger(__name__)

LARGEST_KEPT = 10 * 1024 * 1024
"""Bytes kept of one mail; what is over is cut, and staff are told."""
LARGEST_TAKEN = 15 * 1024 * 1024
"""Bytes that a way in takes at all."""
MOST_TRIES = 3
AT_ONCE = 50
"""Mails that one tick reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One mail as a way in brought it. `size` is all that came, of which `raw` may be only the beginning.

    `sender` is the one of the envelope: empty for the null sender, None where the way in does not know it.
    """

    raw: bytes
    way: str
    sender: str | None = None
    recipients: Sequence[str] = ()
    size: int = 0


def is_ours(address: str) -> bool:
    """Whether mail to this address is for us: the reply domain, or the address that our mail comes from."""
    bare = address.strip().strip("<>").lower()
    domain = bare.rpartition("@")[2]
    return (bool(settings.REPLY_DOMAIN) and domain == settings.REPLY_DOMAIN) or bare in own_addresses()


def own_addresses() -> frozenset[str]:
    """The addresses that our own mail comes from, in lower case."""
    return frozenset({settings.EMAIL_FROM.rpartition("<")[2].strip(" >").lower()})


def receive_mail(delivered: Delivered) -> int:
    """Store one mail durably and read it; its id. Raises only where it could not be stored."""
    stored = _store(delivered)
    try:
        read_mail(stored)
    except Exception as error:
        # It is stored, so the answer is yes; the next tick reads it, or shows it to a person.
        log.error("a mail waits to be read", extra={"mail": stored, "why": type(error).__name__})
    return stored


def digest_of(raw: bytes) -> str:
    """What makes two deliveries the same mail: its id and its content, not what relays add on top."""
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    named = re.search(rb"(?im)^message-id:\s*(\S+)", head[:200_000])
    content = body.rstrip(b"\n") if named else raw
    return hashlib.sha256((named[1] if named else b"") + b"\n" + content).hexdigest()


def _store(delivered: Delivered) -> int:
    digest = digest_of(delivered.raw)
    known = InboundMail.objects.filter(digest=digest).values_list("pk", flat=True).first()
    if known is not None:
        return known
    kept = delivered.raw[:LARGEST_KEPT]
    size = max(delivered.size, len(delivered.raw))
    envelope = {"from": delivered.sender, "to": list(delivered.recipients)[:100]}
    with transaction.atomic():
        mail, _ = InboundMail.objects.get_or_create(
            digest=digest,
            defaults={
                "way": delivered.way,
                "raw": kept,
                "size": size,
                "envelope": json.dumps(envelope),
                "received_at": clock.now(),
                "damaged": size > len(kept),
            },
        )
    return mail.pk


@fulfils(Duty.READING_MAIL)
def read_waiting() -> int:
    """Read what is stored and was not read, since its reader died; how many there were."""
    waiting = InboundMail.objects.filter(state=InboundMail.State.STORED).order_by("id")
    found = list(waiting.values_list("pk", flat=True)[:AT_ONCE])
    for mail in found:
        try:
            read_mail(mail)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.error("a mail could not be read", extra={"mail": mail, "why": type(error).__name__})
    return len(found)


def read_mail(mail_id: int) -> None:
    """Read one stored mail and act on it, once. An error counts as a try; after the last a person is told."""
    try:
        with transaction.atomic():
            unread = InboundMail.objects.select_for_update(skip_locked=True, of=("self",))
            stored = unread.filter(pk=mail_id, state=InboundMail.State.STORED).first()
            if stored is not None:
                _read(stored)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        _note_failure(mail_id)
        raise


def _read(stored: InboundMail) -> None:
    envelope = json.loads(stored.envelope or "{}")
    mail = take_apart(stored.raw)
    stored.damaged = stored.damaged or mail.damaged
    kind = kind_of(mail, envelope.get("from"), own_addresses())
    sender = identify(mail, envelope.get("to", ()), stored.received_at)
    stored.kind, stored.trust, stored.files = kind, sender.trust, mail.files
    stored.reply = _act(mail, kind, stored, sender)
    stored.state = InboundMail.State.READ
    fields = ["kind", "trust", "files", "damaged", "words", "reply", "state"]
    stored.save(update_fields=fields)


def _act(mail: Mail, kind: Kind, stored: InboundMail, sender: Sender) -> Reply | None:
    now = stored.received_at
    match kind:
        case Kind.LOOP:
            return None  # our own words come back: there is nothing to learn and nobody to answer
        case Kind.AUTOMATIC if not _unsubscribes(mail, sender):
            return take_words(mail, stored, sender, now)
        case Kind.BOUNCE:
            known = take_bounce(mail, stored.digest, now)
            return take_words(mail, stored, sender, now, "" if known else "mail came back")
        case Kind.COMPLAINT:
            known = take_complaint(mail, now)
            return None if known else take_words(mail, stored, sender, now, "report about our mail")
    return take_reply(mail, kind, stored, sender, now)


def _unsubscribes(mail: Mail, sender: Sender) -> bool:
    """Whether a mail program asks to stop for the patient: the subject that `List-Unsubscribe` told it."""
    return sender.trust == InboundMail.Trust.TOKEN and mail.get("subject").lower() == "unsubscribe"


@transaction.atomic
def _note_failure(mail_id: int) -> None:
    """Count a try. After the last one the mail is shown to a person as it came."""
    stored = InboundMail.objects.select_for_update(of=("self",)).defer("raw").get(pk=mail_id)
    stored.tries += 1
    if stored.tries >= MOST_TRIES and stored.state == InboundMail.State.STORED:
        stored.state, stored.damaged = InboundMail.State.FAILED, True
        stored.reply = _unread_reply(stored)
    stored.save(update_fields=["tries", "state", "damaged", "reply"])


def _unread_reply(stored: InboundMail) -> Reply:
    clinics = list(Clinic.objects.all()[:2])
    clinic = clinics[0] if len(clinics) == 1 else None
    reply = Reply.objects.create(
        provider_id=f"mail:{stored.digest}",
        clinic=clinic,
        channel=Channel.EMAIL,
        body="",
        received_at=stored.received_at,
        parser_version=PARSER_VERSION,
        outcome=Reply.Outcome.ALERT,
    )
    open_alert(
        clinic=clinic,
        reply=reply,
        patient=None,
        urgency=Alert.Urgency.URGENT,
        rule="mail cut or damaged",
        matched=[],
        now=stored.received_at,
    )
    return reply
