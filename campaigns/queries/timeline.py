"""One patient's story: messages with their tries, texts both ways, answers. A fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from campaigns.models import Answer, AnswerCorrection, Attempt, Message, Reply

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
class Try:
    """One try to send a message. `started_at` is UTC; the rest as the provider said it."""

    started_at: datetime
    outcome: str
    error_code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What an answer was until a person put it right; `became` is empty where it was none. `at` is UTC."""

    asks: str
    was: str
    became: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything about one patient's messages, oldest first. `tries` and `corrections` by their message."""

    messages: Sequence[Message]
    replies: Sequence[Reply]
    answers: Sequence[Answer]
    tries: dict[int, list[Try]]
    corrections: Sequence[Correction]

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
    """Read one patient's story, in two queries. The HTML of e-mails stays where it is: it is read one at a
    time."""
    messages = list(
        Message.objects.filter(patient=patient_id)
        .select_related("visit")
        .annotate(found=_TRIES)
        .defer("html")
        .order_by("send_at", "pk")
    )
    replies = list(
        _with_mail(Reply.objects.filter(patient=patient_id))
        .select_related("parsed_answer")
        .annotate(found=_CORRECTIONS)
        .order_by("received_at", "pk")
    )
    answers = [reply.parsed_answer for reply in replies if hasattr(reply, "parsed_answer")]
    corrections = [_correction(row) for reply in replies for row in _found(reply)]
    return Story(
        messages=messages,
        replies=replies,
        answers=sorted(answers, key=lambda answer: (answer.answered_at, answer.pk)),
        tries={message.pk: [_try(row) for row in _found(message)] for message in messages},
        corrections=sorted(corrections, key=lambda one: one.at),
    )


_TRIES = ArraySubquery(
    Attempt.objects.filter(message=OuterRef("pk"))
    .order_by("started_at")
    .values(
        row=JSONObject(started_at="started_at", outcome="outcome", error_code="error_code", detail="detail")
    )
)
_CORRECTIONS = ArraySubquery(
    AnswerCorrection.objects.filter(reply=OuterRef("pk"))
    .order_by("at")
    .values(row=JSONObject(asks=F("message__asks"), was="was", became="became", by=F("by__name"), at="at"))
)
"""Rows that hang on a row, beside it: a page asks the database few times, however long a story is."""


def _found(row: Message | Reply) -> list[dict[str, Any]]:
    return list(getattr(row, "found", None) or ())


def _try(row: dict[str, Any]) -> Try:
    return Try(**row | {"started_at": datetime.fromisoformat(row["started_at"])})


def _correction(row: dict[str, Any]) -> Correction:
    return Correction(**row | {"at": datetime.fromisoformat(row["at"])})


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
