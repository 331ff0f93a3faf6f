"""Tell endpoints what waits for them: claimed in one short transaction, said in none, written down in one.

At least once: what a dead process held is said again when its lease is over, under the same id. Everything
here goes by the database's real clock.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from campaigns.delivery.webhook_http import Rules, post
from campaigns.domain.webhooks import KEPT, PATIENCE, USEFUL, backoff, body, signature
from campaigns.models import ApiAnswer, Installation, WebhookEndpoint, WebhookEvent
from campaigns.models.encryption import Undecipherable
from campaigns.queries import clock
from campaigns.services import endpoints, repeated
from campaigns.services.record import record

log = logging.getLogger(__name__)

EACH = 20
"""Words to one endpoint in one go."""
AT_ONCE = 4
"""Endpoints that are told at the same time."""
LEASE = timedelta(seconds=60)
BUDGET = 15.0
"""Seconds in which an endpoint is told; the rest waits for the next time. With the longest try still less
than the lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One claimed word, ready to go: nothing of it is read from the database while it is said."""

    event: UUID
    endpoint: UUID
    url: str
    secret: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """How it ended; `fault` is empty where the other side took it."""

    word: Word
    fault: str


def tell() -> int:
    """Say what is due; how many words were taken. Nothing while the installation is paused: after a restore
    a copy of the database must not speak for the real one."""
    throw_away_old()
    if Installation.objects.filter(pk=1, paused=True).exists():
        return 0
    now = clock.real_now()
    words = _claim(now)
    rules = endpoints.rules()
    groups = [list(rows) for _, rows in groupby(words, key=lambda word: word.endpoint)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        heard = [
            said for group in threads.map(lambda rows: list(_say(rows, rules, now)), groups) for said in group
        ]
    now = clock.real_now()
    for endpoint, results in groupby(heard, key=lambda said: said.word.endpoint):
        _write_down(endpoint, list(results), now)
    _let_go(words, heard, now)
    return sum(not said.fault for said in heard)


@transaction.atomic
def _claim(now: datetime) -> list[Word]:
    """Up to `EACH` words for every endpoint that may be asked now, the least tried first; leased."""
    ready = WebhookEndpoint.objects.filter(
        Q(retry_at=None) | Q(retry_at__lte=now), removed_at=None, disabled_at=None
    )
    found: list[Word] = []
    for endpoint in ready.defer("url", "secret").order_by("pk"):
        waiting = WebhookEvent.objects.filter(
            endpoint=endpoint, state=WebhookEvent.State.WAITING, due_at__lte=now
        ).select_for_update(skip_locked=True, of=("self",))
        rows = list(waiting.order_by("tries", "due_at", "at")[:EACH])
        if rows:
            WebhookEvent.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now + LEASE)
            found += _words(endpoint, rows)
    return found


def _words(endpoint: WebhookEndpoint, rows: Sequence[WebhookEvent]) -> list[Word]:
    """Opened here: an endpoint that cannot be read stops no other."""
    try:
        url, secret = endpoint.url, endpoint.secret
    except Undecipherable:
        log.error("an endpoint cannot be read", extra={"endpoint": str(endpoint.pk)})
        return []
    return [
        Word(
            event=row.pk,
            endpoint=endpoint.pk,
            url=url,
            secret=secret,
            kind=row.type,
            content=body(str(row.pk), row.type, row.at, row.data),
        )
        for row in rows
    ]


def _say(words: Sequence[Word], rules: Rules, now: datetime) -> Iterator[Said]:
    """One after the other, until the first that is not taken or the time is over."""
    began = monotonic()
    for word in words:
        if monotonic() - began > BUDGET:
            return
        fault = post(word.url, word.content, _headers(word, now), rules)
        yield Said(word, fault)
        if fault:
            return


def _headers(word: Word, now: datetime) -> dict[str, str]:
    timestamp = int(now.timestamp())
    signed = signature(word.secret, str(word.event), timestamp, word.content)
    return {"webhook-id": str(word.event), "webhook-timestamp": str(timestamp), "webhook-signature": signed}


@transaction.atomic
def _write_down(endpoint_id: UUID, results: Sequence[Said], now: datetime) -> None:
    """What became of the words, and what that says about the endpoint."""
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
    taken = [said.word.event for said in results if not said.fault]
    sent = {"state": WebhookEvent.State.SENT, "settled_at": now, "fault": ""}
    WebhookEvent.objects.filter(pk__in=taken, state=WebhookEvent.State.WAITING).update(**sent)
    if taken:
        endpoint.failures, endpoint.failing_since, endpoint.retry_at = 0, None, None
    for said in results:
        if said.fault:
            _failed(endpoint, said, now)
    since = endpoint.failing_since
    if since and since < now - PATIENCE and endpoint.disabled_at is None:
        endpoint.disabled_at = now
        endpoints.give_up(endpoint, "the endpoint was given up", now)
    endpoint.save(update_fields=["failures", "failing_since", "retry_at", "disabled_at"])
    if endpoint.disabled_at == now:
        record("webhook_given_up", f"webhook_endpoint {endpoint.pk}", actor="system", now=clock.now())


def _failed(endpoint: WebhookEndpoint, said: Said, now: datetime) -> None:
    """Leave the endpoint alone for a while; a word that is too old by now is given up."""
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.retry_at = now + backoff(endpoint.failures)
    event = WebhookEvent.objects.select_for_update().get(pk=said.word.event)
    event.tries, event.fault, event.due_at = event.tries + 1, said.fault[:80], endpoint.retry_at
    if event.created_at < now - USEFUL:
        event.state, event.settled_at = WebhookEvent.State.DEAD, now
    event.save(update_fields=["tries", "fault", "due_at", "state", "settled_at"])


def _let_go(words: Sequence[Word], heard: Sequence[Said], now: datetime) -> None:
    """What was claimed and not said waits as before; its endpoint's pause holds it where there is one."""
    said = {one.word.event for one in heard}
    left = [word.event for word in words if word.event not in said]
    WebhookEvent.objects.filter(pk__in=left, state=WebhookEvent.State.WAITING).update(due_at=now)


def throw_away_old() -> int:
    """Delete what nobody looks up any more: settled words, and answers kept for repeats; how many."""
    now = clock.real_now()
    old = WebhookEvent.objects.filter(created_at__lt=now - KEPT).exclude(state=WebhookEvent.State.WAITING)
    answers = ApiAnswer.objects.filter(created_at__lt=now - repeated.KEPT)
    return old.delete()[0] + answers.delete()[0]
