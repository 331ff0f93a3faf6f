"""One patient's story: messages with their tries, texts both ways, answers. A fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from campaigns.models import Answer, Attempt, Message, Reply

BEFORE, AFTER = 5, 5
"""Texts shown beside an alert: before it came in, and since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One text on the patient's phone. `at` is UTC; `language` is empty where it is not known."""

    at: datetime
    text: str
    from_patient: bool
    language: str
    state: str
    """The message's state, or what became of the reply."""
    channel: str = "sms"
    reply: int = 0
    """The reply, where it was a mail whose original is kept."""
    whole: str = ""
    """All that the mail said, where a part was left out of `text`."""
    files: int = 0
    """Pictures that came with it and stay with the provider."""
    proven: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything about one patient's messages, oldest first."""

    messages: Sequence[Message]
    replies: Sequence[Reply]
    answers: Sequence[Answer]

    @property
    def phone(self) -> list[Bubble]:
        """The texts as the patient's phone shows them."""
        sent = [_sent(m) for m in self.messages if m.channel == "sms" and m.sent_at and m.body]
        received = [_received(reply) for reply in self.replies if reply.channel == "sms"]
        return sorted([*sent, *received], key=_as_told)

    @property
    def letters(self) -> list[Bubble]:
        """What the patient wrote by e-mail or on a form, oldest first."""
        written = [reply for reply in self.replies if reply.channel == "email" and reply.body]
        return [_received(reply) for reply in written]

    @property
    def mailbox(self) -> list[Message]:
        """The e-mails that left, newest first."""
        mails = [m for m in self.messages if m.channel == "email" and m.sent_at and m.subject]
        return sorted(mails, key=lambda m: (m.sent_at or m.send_at, m.pk), reverse=True)


def story(patient_id: UUID) -> Story:
    """Read one patient's story. The HTML of e-mails stays where it is: it is read one at a time."""
    tries = Prefetch("attempts", Attempt.objects.order_by("started_at"))
    messages = Message.objects.filter(patient=patient_id).select_related("visit").prefetch_related(tries)
    replies = _with_mail(Reply.objects.filter(patient=patient_id)).order_by("received_at", "pk")
    answers = (
        Answer.objects.filter(patient=patient_id)
        .select_related("message")
        .defer("message__subject", "message__body", "message__html")
    )
    return Story(
        messages=list(messages.defer("html").order_by("send_at", "pk")),
        replies=list(replies),
        answers=list(answers.order_by("answered_at", "pk")),
    )


def conversations(patient_ids: Iterable[UUID]) -> dict[UUID, list[Bubble]]:
    """The texts with each of these patients, oldest first."""
    ids = list(patient_ids)
    found: dict[UUID, list[Bubble]] = {patient_id: [] for patient_id in ids}
    sent = Message.objects.filter(patient__in=ids, channel="sms", sent_at__isnull=False)
    for message in sent.only("patient_id", "sent_at", "send_at", "body", "language", "state"):
        found[message.patient_id].append(_sent(message))
    for reply in _with_mail(Reply.objects.filter(patient__in=ids)):
        if reply.patient_id is not None and (reply.body or reply.channel == "sms"):
            found[reply.patient_id].append(_received(reply))
    for bubbles in found.values():
        bubbles.sort(key=_as_told)
    return found


def around(bubbles: Sequence[Bubble], at: datetime) -> list[Bubble]:
    """The texts about an instant: what led to it, and what came of it."""
    place = sum(bubble.at <= at for bubble in bubbles)
    return list(bubbles[max(0, place - BEFORE) : place + AFTER])


def _as_told(bubble: Bubble) -> tuple[datetime, bool]:
    """By time; a reply comes before our answer of the same instant."""
    return bubble.at, not bubble.from_patient


def _sent(message: Message) -> Bubble:
    return Bubble(
        at=message.sent_at or message.send_at,
        text=message.body,
        from_patient=False,
        language=message.language,
        state=message.state,
    )


def _received(reply: Reply) -> Bubble:
    mail = getattr(reply, "mail", None)
    return Bubble(
        at=reply.received_at,
        text=reply.body,
        from_patient=True,
        language=reply.language,
        state=reply.outcome,
        channel=reply.channel,
        reply=reply.pk if mail else 0,
        whole=mail.words if mail else "",
        files=reply.files,
        proven=mail is None or bool(mail.trust),
    )


def _with_mail(replies: QuerySet[Reply]) -> QuerySet[Reply]:
    """The mail that a reply came in, without its bytes."""
    return replies.select_related("mail").defer("mail__raw")
