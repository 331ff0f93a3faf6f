"""Messages and answers, read only. A message comes without its words: they are on the patient's page, where
somebody reads them who may."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel

from campaigns.api.asking import Cursor, Key, Limit, holder, one, page, seen, shown
from campaigns.api.replies import AnswerOut, MessageOut, answer_out, message_out
from campaigns.api.shapes import Instant
from campaigns.domain.lifecycle import State
from campaigns.models import Answer, Message

router = Router(tags=["messages"])
answer_router = Router(tags=["answers"])
READ, ANSWERS = Key("messages:read"), Key("answers:read")


class Messages(BaseModel):
    """One page."""

    items: list[MessageOut]
    next: str | None


class Answers(BaseModel):
    """One page."""

    items: list[AnswerOut]
    next: str | None


def mine(request: HttpRequest) -> QuerySet[Message]:
    """The messages of this key's clinic."""
    rows = Message.objects.filter(clinic=holder(request).clinic, patient__forgotten_at=None)
    return rows.defer("subject", "body", "html")


def my_answers(request: HttpRequest) -> QuerySet[Answer]:
    """The answers of this key's clinic."""
    return Answer.objects.filter(patient__clinic=holder(request).clinic, patient__forgotten_at=None)


@router.get("", auth=READ, response=Messages)
def list_messages(
    request: HttpRequest,
    limit: Limit,
    cursor: Cursor,
    patient: UUID | None = None,
    state: State | None = None,
    settled_after: Instant | None = None,
) -> HttpResponse:
    """The messages of the clinic in the order in which they were planned; each that did not go says why."""
    asked = {"patient": patient, "state": state, "settled_at__gt": settled_after}
    rows = mine(request).filter(**{name: value for name, value in asked.items() if value is not None})
    found, after = page(rows, ("pk",), limit, cursor)
    seen(request, "messages", [row.patient_id for row in found])
    return shown(Messages(items=[message_out(row) for row in found], next=after))


@router.get("/{message_id}", auth=READ, response=MessageOut)
def get_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """One message."""
    row = one(mine(request), message_id)
    seen(request, "messages", [row.patient_id])
    return shown(message_out(row))


@answer_router.get("", auth=ANSWERS, response=Answers)
def list_answers(
    request: HttpRequest,
    limit: Limit,
    cursor: Cursor,
    patient: UUID | None = None,
    answered_after: Instant | None = None,
) -> HttpResponse:
    """What patients answered, in the order in which it was understood."""
    asked = {"patient": patient, "answered_at__gt": answered_after}
    rows = my_answers(request).filter(**{name: value for name, value in asked.items() if value is not None})
    found, after = page(rows, ("pk",), limit, cursor)
    seen(request, "answers", [row.patient_id for row in found])
    return shown(Answers(items=[answer_out(row) for row in found], next=after))


@answer_router.get("/{answer_id}", auth=ANSWERS, response=AnswerOut)
def get_answer(request: HttpRequest, answer_id: int) -> HttpResponse:
    """One answer."""
    row = one(my_answers(request), answer_id)
    seen(request, "answers", [row.patient_id])
    return shown(answer_out(row))
