"""Five senders that are broken on purpose, as others break theirs: each must be caught by the judge.

Each is a small patch of the real services, put in place by the zygote before it forks. Product code knows
nothing of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """What is broken, in words, how, and which promises it must be caught by (one of them at least)."""

    words: str
    breaks: Callable[[], None]
    caught_by: frozenset[str]


def _send_then_record() -> None:
    """The try is written once the provider has answered. Until then the row is due for everybody."""
    from campaigns.models import Message
    from campaigns.queries import queue

    write, record = queue.begin_attempts, queue.record
    unwritten: dict[UUID, queue.Beginning] = {}

    def begin_later(beginnings: Sequence[queue.Beginning], now: datetime) -> dict[int, int]:
        unwritten.update({one.attempt_id: one for one in beginnings})
        rows = Message.objects.filter(pk__in=[one.message_id for one in beginnings])
        return {pk: epoch + 1 for pk, epoch in rows.values_list("pk", "epoch")}

    def record_all(records: Sequence[queue.Record], now: datetime) -> int:
        epochs = write([unwritten.pop(one.attempt_id) for one in records], now)
        known = [one for one in records if one.message_id in epochs]
        return record([one._replace(epoch=epochs[one.message_id]) for one in known], now)

    _patch(queue, begin_attempts=begin_later, record=record_all, hold=set)


def _due_again() -> None:
    """A try whose worker died is simply due again: no doubt, no question to the provider."""
    from campaigns.queries import hot

    statements = hot.statements()
    lapsed = statements["lapsed"]
    statements["lapsed"] = lapsed.replace(
        "SET state = 'uncertain'", "SET state = 'waiting', due_at = send_at"
    )
    assert statements["lapsed"] != lapsed


def _no_expiry() -> None:
    """Whatever is due goes, however late."""
    from campaigns.domain import consent
    from campaigns.queries import hot

    statements = hot.statements()
    _change(statements, "expire", r"expires_at <= %\(now\)s", "false")
    _change(statements, "claim", r"AND m\.expires_at \+ interval '0' > %\(now\)s", "")
    _change(statements, "still_allowed", r"m\.expires_at <= %\(now\)s", "false")
    _patch(consent, _useful=lambda facts, now: None)


def _opt_out_ignored() -> None:
    """Who may be written to is asked when a message is planned, and not when it is sent."""
    from campaigns.queries import hot
    from campaigns.services import gates, send

    ask = gates.gate_facts

    def as_planned(*words: Any) -> Any:
        return ask(*words)._replace(suppressed=False, consent="granted")

    _change(hot.statements(), "still_allowed", r"m\.purpose <> 'opt_out_confirmation'", "false")
    _patch(send, gate_facts=as_planned)


AHEAD = timedelta(seconds=20)
"""How early a message is handed to its task, by the installation's clock; two seconds of real time."""


def _eta() -> None:
    """What is due soon goes to a task with a countdown, which sends it without asking anybody again."""
    from django.db import transaction

    import worker
    from campaigns.delivery.channels import Ending
    from campaigns.delivery.registry import senders
    from campaigns.domain.recipients import Channel
    from campaigns.models import Attempt
    from campaigns.queries import clock, queue
    from campaigns.services import send

    begin = send._begin
    handed: dict[str, Any] = {}

    def send_batch(limit: int = send.BATCH) -> send.Batch:
        now = clock.now() + AHEAD
        with transaction.atomic():
            claimed = queue.claim(now, limit)
            ready = begin(claimed, now) if claimed else []
        for one in ready:
            handed[str(one.outgoing.attempt_id)] = one
            task.apply_async(args=[str(one.outgoing.attempt_id)], countdown=AHEAD.total_seconds() / 10)
        return send.Batch(len(claimed), len(ready), False)

    def send_one(attempt_id: str) -> None:
        attempt = Attempt.objects.select_related("message").filter(pk=attempt_id).first()
        if attempt is None:
            return
        ready = handed.pop(attempt_id, None)
        outgoing = ready.outgoing if ready else _remake(attempt)
        outcome = senders()[Channel(attempt.channel)].send(outgoing)
        accepted = outcome.ending is Ending.ACCEPTED
        state = "accepted" if accepted else "waiting"
        now = clock.now()
        Attempt.objects.filter(pk=attempt_id).update(
            finished_at=now, outcome=outcome.ending, provider_id=outcome.provider_id
        )
        type(attempt.message).objects.filter(pk=attempt.message_id, state="attempting").update(
            state=state, due_at=now + AHEAD
        )

    task = worker.app.task(name="send_one", acks_late=True)(send_one)
    worker.app.conf.broker_transport_options = {
        **worker.app.conf.broker_transport_options,
        "visibility_timeout": 1,
    }
    _patch(send, send_batch=send_batch)


def _remake(attempt: Any) -> Any:
    """What is to be sent, from the rows alone: the worker that wrote them is another one."""
    from django.conf import settings

    from campaigns.delivery.channels import Outgoing
    from campaigns.models import ContactPoint
    from campaigns.services.send import message_id_header

    message = attempt.message
    point = ContactPoint.objects.get(patient=message.patient_id, channel=message.channel)
    is_email = message.channel == "email"
    return Outgoing(
        attempt_id=attempt.pk,
        to=point.address,
        text=message.body,
        subject=message.subject,
        html=message.html,
        language=message.language,
        expires_at=message.expires_at,
        now=message.send_at,
        status_callback=f"{settings.PUBLIC_BASE_URL}/webhooks/twilio/status/{attempt.pk}",
        from_name=message.clinic.name if is_email else message.clinic.sms_number,
        message_id=message_id_header(message.clinic, message.pk) if is_email else "",
    )


def _change(statements: dict[str, str], name: str, pattern: str, by: str) -> None:
    """Another condition in one statement. The product has changed where it is not found."""
    changed, times = re.subn(pattern, by, statements[name])
    assert times, f"{name} has no {pattern} any more"
    statements[name] = changed


def _patch(module: Any, **names: Any) -> None:
    for name, value in names.items():
        assert hasattr(module, name), f"{module.__name__} has no {name} any more"
        setattr(module, name, value)


MUTANTS: dict[str, Mutant] = {
    "send-then-record": Mutant(
        words="the try is written after the provider has answered",
        breaks=_send_then_record,
        caught_by=frozenset({"I2", "I3"}),
    ),
    "due-again": Mutant(
        words="a try whose worker died is simply due again",
        breaks=_due_again,
        caught_by=frozenset({"I2"}),
    ),
    "no-expiry": Mutant(
        words="nobody asks whether it is too late",
        breaks=_no_expiry,
        caught_by=frozenset({"I4"}),
    ),
    "opt-out-ignored": Mutant(
        words="an opt-out counts when messages are planned, not when they are sent",
        breaks=_opt_out_ignored,
        caught_by=frozenset({"I11"}),
    ),
    "eta": Mutant(
        words="a task with a countdown sends without asking again",
        breaks=_eta,
        caught_by=frozenset({"I2", "I4", "I11"}),
    ),
}
