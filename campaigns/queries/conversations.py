"""One conversation: texts and e-mails both ways, what was made of them, who wrote by hand. A few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F, Q

from campaigns.domain.lifecycle import UNSENT, Purpose
from campaigns.domain.visits import VisitState
from campaigns.models import Alert, Answer, HandWritten, Message, Reply, Visit

SHOWN = 30
"""Newest texts of a conversation, each way."""
MOST_ALERTS = 100
"""Of one patient. The open ones come first."""
PAINS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One text or e-mail, either way. `at` is UTC: when it came or went, or will go.

    From the patient: `reply` with the `answer` it was taken for, and the alerts it opened. From us:
    `message`, and `by` where a person wrote it. `body` may be empty: a picture, a button pressed.
    """

    at: datetime
    body: str
    language: str
    channel: str
    reply: Reply | None = None
    answer: Answer | None = None
    alerts: Sequence[Alert] = ()
    message: Message | None = None
    by: str = ""

    @property
    def from_patient(self) -> bool:
        """Which side it stands on."""
        return self.reply is not None


_STANDING = """
SELECT coalesce((SELECT max(r.id) FROM reply r WHERE r.patient_id = %(patient)s), 0),
       h.message_id, h.at, h.by_id, s.name
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (SELECT * FROM hand_written w WHERE w.patient_id = %(patient)s
                   ORDER BY w.at DESC, w.message_id DESC LIMIT 1) AS h ON true
LEFT JOIN staff s ON s.id = h.by_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a conversation has come: the newest reply, and the newest message by hand with its writer."""

    heard: int = 0
    told: int = 0
    told_at: datetime | None = None
    told_by: int = 0
    told_by_name: str = ""

    @property
    def version(self) -> str:
        """What changes with each word of the patient and each message by hand."""
        return f"{self.heard}-{self.told}"


def standing(patient_id: UUID) -> Standing:
    """One query."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"patient": patient_id})
        heard, told, at, by, name = cursor.fetchone()
    return Standing(heard=heard, told=told or 0, told_at=at, told_by=by or 0, told_by_name=name or "")


def turns(patient_id: UUID, alerts: Sequence[Alert]) -> list[Turn]:
    """The newest turns, oldest first, in two queries. `alerts` are the patient's (`alerts_of`). They begin
    where both sides are known: answers without what they answer would mislead."""
    said, written = _replies(patient_id, alerts), _messages(patient_id)
    begins = max(
        (min(turn.at for turn in side) for side in (said, written) if len(side) == SHOWN), default=None
    )
    known = [turn for turn in (*said, *written) if begins is None or turn.at >= begins]
    return sorted(known, key=lambda turn: (turn.at, not turn.from_patient))


def alerts_of(patient_id: UUID) -> list[Alert]:
    """The newest alerts of a patient, and every open one with what joined it."""
    rows = Alert.objects.filter(patient=patient_id).select_related("acknowledged_by", "tried_by")
    return list(rows.order_by(F("closed_at").desc(nulls_first=True), "-opened_at", "-pk")[:MOST_ALERTS])


def _replies(patient_id: UUID, alerts: Sequence[Alert]) -> list[Turn]:
    rows = Reply.objects.filter(patient=patient_id).select_related("mail", "parsed_answer")
    opened: dict[int | None, list[Alert]] = defaultdict(list)
    for alert in sorted(alerts, key=lambda one: (one.opened_at, one.pk)):
        opened[alert.reply_id].append(alert)
    return [
        Turn(
            at=reply.received_at,
            body=reply.body,
            language=reply.language,
            channel=reply.channel,
            reply=reply,
            answer=getattr(reply, "parsed_answer", None),
            alerts=opened[reply.pk],
        )
        for reply in rows.defer("mail__raw").order_by("-received_at", "-pk")[:SHOWN]
    ]


def _messages(patient_id: UUID) -> list[Turn]:
    """What went, and what was written by hand whatever became of it."""
    gone = Q(sent_at__isnull=False) | Q(purpose=Purpose.MANUAL)
    rows = Message.objects.filter(gone, patient=patient_id).select_related("by_hand__by").defer("html")
    return [_written(message) for message in rows.order_by("-send_at", "-pk")[:SHOWN]]


def _written(message: Message) -> Turn:
    hand = getattr(message, "by_hand", None)
    body = message.subject if message.channel == "email" and not hand else message.body
    return Turn(
        at=message.sent_at or message.send_at,
        body=(hand.words if hand and hand.words and not body else body),
        language=message.language,
        channel=message.channel,
        message=message,
        by=hand.by.name if hand else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What stands beside a conversation: the next visit, and the last answers to pain, newest first."""

    visit: Visit | None
    pains: Sequence[Answer]


def known(patient_id: UUID, today: date) -> Known:
    """Two queries. `today` is the date at the clinic."""
    pains = Answer.objects.filter(patient=patient_id, question="pain").order_by("-answered_at", "-pk")
    return Known(visit=next_visit(patient_id, today), pains=list(pains[:PAINS]))


def next_visit(patient_id: UUID, today: date) -> Visit | None:
    """The next visit that is booked, today's included."""
    booked = Visit.objects.filter(course__patient=patient_id, state=VisitState.BOOKED, on_date__gte=today)
    return booked.order_by("on_date", "at_time").first()


def said_lately(patient_id: UUID, template: str, now: datetime, within: timedelta) -> list[HandWritten]:
    """The same text by hand within a time, as long as it goes or went."""
    rows = HandWritten.objects.filter(patient=patient_id, at__gt=now - within, message__template=template)
    alive = Q(message__state__in=UNSENT) | Q(message__sent_at__isnull=False)
    return list(rows.filter(alive).select_related("by", "message").order_by("-at"))


def heard_since(patient_id: UUID, since: datetime) -> bool:
    """Whether the patient has written since then, by whatever way."""
    return Reply.objects.filter(patient=patient_id, received_at__gt=since).exists()
