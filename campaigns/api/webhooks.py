"""Endpoints that are told of what happens, and what they were told."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel

from campaigns.api.asking import Cursor, Key, Limit, MaybeOnce, Once, holder, one, page, shown, write
from campaigns.api.replies import (
    Changed,
    EndpointOut,
    EventOut,
    NewEndpoint,
    changed,
    endpoint_out,
    event_out,
)
from campaigns.api.shapes import EndpointIn
from campaigns.models import WebhookEndpoint, WebhookEvent
from campaigns.services import endpoints

router = Router(tags=["webhooks"])
READ, WRITE = Key("webhooks:read"), Key("webhooks:write")


class Endpoints(BaseModel):
    """All of the clinic's."""

    items: list[EndpointOut]


class Events(BaseModel):
    """One page."""

    items: list[EventOut]
    next: str | None


def mine(request: HttpRequest) -> QuerySet[WebhookEndpoint]:
    """The endpoints of this key's clinic."""
    return endpoints.counted(holder(request).clinic)


@router.get("", auth=READ, response=Endpoints)
def list_endpoints(request: HttpRequest) -> HttpResponse:
    """The endpoints of the clinic. No secret is shown again."""
    return shown(Endpoints(items=[endpoint_out(row) for row in mine(request).order_by("created_at", "pk")]))


@router.post("", auth=WRITE, response={201: NewEndpoint})
def create_endpoint(request: HttpRequest, body: EndpointIn, idempotency_key: Once) -> HttpResponse:
    """Have another program told. Its secret is in this answer and in no other."""
    by = holder(request)
    endpoints.check(body.url)

    def act() -> NewEndpoint:
        row = endpoints.create(by.clinic, body.url, body.events, by=by.name)
        return NewEndpoint(**endpoint_out(row).model_dump(), secret=row.secret)

    return write(request, idempotency_key, act, 201)


@router.get("/{endpoint_id}", auth=READ, response=EndpointOut)
def get_endpoint(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """One endpoint, and how many words wait for it, were taken, were given up."""
    return shown(endpoint_out(one(mine(request), endpoint_id)))


@router.delete("/{endpoint_id}", auth=WRITE, response=Changed)
def delete_endpoint(request: HttpRequest, endpoint_id: UUID, idempotency_key: MaybeOnce) -> HttpResponse:
    """Tell it nothing more."""
    row, by = one(mine(request), endpoint_id), holder(request).name

    def act() -> Changed:
        endpoints.remove(row.pk, by=by)
        return changed(row.pk, None)

    return write(request, idempotency_key, act)


@router.post("/{endpoint_id}/test", auth=WRITE, response={201: EventOut})
def test_endpoint(request: HttpRequest, endpoint_id: UUID, idempotency_key: MaybeOnce) -> HttpResponse:
    """Say a word that means nothing (`test.ping`) within seconds, to see whether it arrives."""
    row, by = one(mine(request), endpoint_id), holder(request).name
    return write(request, idempotency_key, lambda: event_out(endpoints.test(row.pk, by=by)), 201)


@router.post("/{endpoint_id}/resume", auth=WRITE, response=EndpointOut)
def resume_endpoint(request: HttpRequest, endpoint_id: UUID, idempotency_key: MaybeOnce) -> HttpResponse:
    """Tell it again, also what had been given up. What happened in between it reads from the lists."""
    row, by = one(mine(request), endpoint_id), holder(request).name

    def act() -> EndpointOut:
        endpoints.resume(row.pk, by=by)
        return endpoint_out(one(mine(request), row.pk))

    return write(request, idempotency_key, act)


@router.get("/{endpoint_id}/events", auth=READ, response=Events)
def list_events(
    request: HttpRequest,
    endpoint_id: UUID,
    limit: Limit,
    cursor: Cursor,
    state: Literal["waiting", "sent", "dead"] | None = None,
) -> HttpResponse:
    """What it was told, is to be told or could not be told, the oldest first. Kept for 30 days."""
    row = one(mine(request), endpoint_id)
    rows = WebhookEvent.objects.filter(endpoint=row)
    found, after = page(rows.filter(state=state) if state else rows, ("created_at", "pk"), limit, cursor)
    return shown(Events(items=[event_out(event) for event in found], next=after))
