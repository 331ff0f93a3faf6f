"""After an outage: what still helps goes first and in order; what is too late is marked, not rendered."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import Any

from django.db import connection

from campaigns.domain.lifecycle import Reason, State
from campaigns.models import Clinic, Message
from campaigns.queries import hot
from campaigns.services import send
from tests.factories import make_patient, set_now
from tests.services.fakes import FakeSender, due_text

OVERDUE = 50_000


def test_what_is_overdue_goes_by_urgency_and_then_by_what_expires_soonest(
    clinic: Clinic, provider: FakeSender, settings: Any
) -> None:
    settings.SENDER_THREADS = 1
    texts = [due_text(make_patient(clinic, email="", phone=f"+1604555010{n}")) for n in range(4)]
    now = texts[0].send_at
    for text, minutes, priority in zip(texts, (50, 10, 90, 30), (5, 5, 0, 5), strict=True):
        expires = now + timedelta(minutes=minutes)
        Message.objects.filter(pk=text.pk).update(expires_at=expires, priority=priority)
    set_now(now)
    send.drain(limit=2)  # a claim takes the most urgent first, too
    assert [outgoing.to[-1] for outgoing in provider.sent] == ["2", "1", "3", "0"]


def _overdue(text: Message) -> None:
    """So many copies of a text that expired an hour ago."""
    _copies(text, OVERDUE, expires_at="send_at - interval '1 hour'")


def _copies(text: Message, count: int, **columns: str) -> None:
    """So many copies of a text, with some columns as SQL says."""
    given = {"enrollment_id": "NULL"} | columns
    every = [str(field.column) for field in Message._meta.concrete_fields if not field.primary_key]
    chosen = ", ".join(given.get(column, f'"{column}"') for column in every)
    names = ", ".join(f'"{column}"' for column in every)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO message ({names}) "  # noqa: S608
            f"SELECT {chosen} FROM message, generate_series(1, %s) WHERE id = %s",
            [count, text.pk],
        )


def test_a_large_backlog_is_marked_in_seconds_and_holds_up_nothing(
    clinic: Clinic, provider: FakeSender
) -> None:
    useful = due_text(make_patient(clinic, email=""))
    _overdue(useful)
    set_now(useful.send_at)
    began = monotonic()
    assert send.send_batch().tried == len(provider.sent) == 1
    waiting = Message.objects.filter(enrollment=None, state=State.PLANNED)
    ticks = 1
    while waiting.exists():
        send.send_batch()
        ticks += 1
    assert (ticks, monotonic() - began < 30) == (5, True)
    marked = Message.objects.filter(state=State.SKIPPED, reason=Reason.EXPIRED, body="", subject="", html="")
    assert (marked.count(), len(provider.sent)) == (OVERDUE, 1)


def test_a_look_for_due_messages_reads_what_is_due_and_not_all_that_waits(
    clinic: Clinic, provider: FakeSender
) -> None:
    text = due_text(make_patient(clinic, email=""))
    now = text.send_at
    late = "send_at + interval '30 days'"
    _copies(text, 20_000, due_at=late, expires_at="send_at + interval '31 days'")
    _copies(text, 20_000, state="'delivered'", expires_at="send_at - interval '1 day'")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE message")
        given: dict[str, Any] = {"now": now, "ahead": now, "planned": 3, "limit": 100}
        cursor.execute("EXPLAIN " + hot.statements()["claim"], given)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "message_due" in plan
    assert "message_expiring" not in plan


def test_what_is_due_is_read_once_a_look_though_statistics_know_of_none(
    clinic: Clinic, provider: FakeSender
) -> None:
    text = due_text(make_patient(clinic, email=""))
    now = text.send_at
    _copies(text, 5_000, due_at="send_at + interval '30 days'", expires_at="send_at + interval '31 days'")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE message")
        given: dict[str, Any] = {"now": now, "ahead": now, "planned": 3, "limit": 100}
        cursor.execute("EXPLAIN " + hot.statements()["claim"], given)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert plan.count("message_due") == 1
