"""Where a clinic's other programs want to be told: named, tried, taken up again, taken away.

What an endpoint is told is written by triggers where it happens; services/outbox sends it.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from campaigns.delivery.webhook_http import Rules, allowed_address, networks
from campaigns.domain.errors import NotAllowed
from campaigns.domain.webhooks import KINDS, SECRET_MARK
from campaigns.models import Clinic, WebhookEndpoint, WebhookEvent
from campaigns.queries import clock
from campaigns.services.record import record

MOST = 10
"""Endpoints of one clinic: each is told of everything, and takes its time."""
TEST = "test.ping"


def rules() -> Rules:
    """Where this installation's words may go."""
    return Rules(own=networks(settings.WEBHOOK_NETWORKS), demo=settings.DEMO)


def check(url: str) -> None:
    """Refuse an address that words must not go to. Raises NotAllowed. Reads DNS, so call it outside of a
    transaction."""
    try:
        allowed_address(url, rules())
    except (OSError, UnicodeError):
        raise NotAllowed("No machine has this address. Check its spelling.") from None


@transaction.atomic
def create(clinic_id: UUID, url: str, events: Sequence[str], *, by: str) -> WebhookEndpoint:
    """A new endpoint with a secret of its own. Call `check` first. Raises NotAllowed for the eleventh, and
    for a kind of events that does not exist."""
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic_id)
    if not events or set(events) - set(KINDS):
        raise NotAllowed(f"Choose from these: {', '.join(KINDS)}.")
    if current(clinic_id).count() >= MOST:
        raise NotAllowed(f"A clinic can have {MOST} endpoints.")
    endpoint = WebhookEndpoint.objects.create(
        clinic_id=clinic_id,
        url=url,
        secret=SECRET_MARK + base64.b64encode(secrets.token_bytes(32)).decode(),
        events=sorted(set(events)),
        created_at=clock.real_now(),
        created_by=by,
    )
    _record("webhook_created", endpoint, by)
    return endpoint


@transaction.atomic
def remove(endpoint_id: UUID, *, by: str) -> None:
    """Tell it nothing more; what it has not been told yet is given up."""
    endpoint = _locked(endpoint_id)
    endpoint.removed_at = clock.real_now()
    endpoint.save(update_fields=["removed_at"])
    give_up(endpoint, "removed", endpoint.removed_at)
    _record("webhook_removed", endpoint, by)


@transaction.atomic
def test(endpoint_id: UUID, *, by: str) -> WebhookEvent:
    """Say a word that means nothing, to see whether it arrives. Raises NotAllowed where it is disabled."""
    endpoint = _locked(endpoint_id)
    if endpoint.disabled_at:
        raise NotAllowed("This endpoint was given up. Resume it first.")
    event = WebhookEvent.objects.create(endpoint=endpoint, type=TEST, at=clock.now())
    _record("webhook_tested", endpoint, by)
    return event


@transaction.atomic
def resume(endpoint_id: UUID, *, by: str) -> int:
    """Tell it again, also what had been given up; how many words. Receivers know repeats by their id."""
    endpoint = _locked(endpoint_id)
    endpoint.disabled_at = endpoint.failing_since = endpoint.retry_at = None
    endpoint.failures = 0
    endpoint.save(update_fields=["disabled_at", "failing_since", "retry_at", "failures"])
    now = clock.real_now()
    dead = WebhookEvent.objects.filter(endpoint=endpoint, state=WebhookEvent.State.DEAD)
    count = dead.update(
        state=WebhookEvent.State.WAITING, tries=0, due_at=now, created_at=now, fault="", settled_at=None
    )
    _record("webhook_resumed", endpoint, by)
    return count


def give_up(endpoint: WebhookEndpoint, why: str, at: datetime) -> int:
    """Mark what an endpoint still waits for as dead. Call inside a transaction."""
    waiting = WebhookEvent.objects.filter(endpoint=endpoint, state=WebhookEvent.State.WAITING)
    return waiting.update(state=WebhookEvent.State.DEAD, fault=why, settled_at=at)


def current(clinic_id: UUID) -> QuerySet[WebhookEndpoint]:
    """The endpoints of a clinic that were not taken away."""
    return WebhookEndpoint.objects.filter(clinic=clinic_id, removed_at=None)


def counted(clinic_id: UUID) -> QuerySet[WebhookEndpoint]:
    """The same, each with how many words are `waiting`, `sent` and `dead`."""
    by_state = {name: Count("told", filter=Q(told__state=name)) for name in WebhookEvent.State.values}
    return current(clinic_id).annotate(**{f"{name}_words": count for name, count in by_state.items()})


def _locked(endpoint_id: UUID) -> WebhookEndpoint:
    return WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)


def _record(action: str, endpoint: WebhookEndpoint, by: str) -> None:
    detail = {"events": endpoint.events}
    record(action, f"webhook_endpoint {endpoint.pk}", actor=by, now=clock.now(), detail=detail)
