"""Everything about a run that the judge needs: the exports of the product's own command, what the providers
logged, and from the database the real moments of a few commits."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from tests.chaos.history import Attempt, Change, History, Message, Post, Request
from tests.chaos.programs import Programs
from tests.chaos.stack import Stack, message_name

SLACK = timedelta(seconds=1)
"""Between asking and the byte, on machines that do other things as well."""

_VISITS = """
SELECT substring(object FROM 7), coalesce((detail->>'version')::int, 0), pg_xact_commit_timestamp(xmin),
       action = 'visit_cancelled'
FROM audit_entry WHERE action IN ('visit_moved', 'visit_cancelled')
"""
_STOPS = """
SELECT c.patient_id::text || ' ' || c.channel, 0, pg_xact_commit_timestamp(s.xmin), false
FROM suppression s JOIN contact_point c USING (address_index, channel) WHERE s.lifted_at IS NULL
"""


def exported(programs: Programs, kind: str) -> list[dict[str, Any]]:
    """What `campaigns export KIND` prints."""
    lines = programs.run(f"export-{kind}", ["campaigns", "export", kind], seconds=300).splitlines()
    return [json.loads(line) for line in lines]


def gather(stack: Stack, posts: Sequence[Post], healed: datetime) -> History:
    """The history of a run that has settled."""
    from campaigns.domain.lifecycle import Reason
    from campaigns.services.deliver import FRESH_SECONDS

    programs = stack.programs
    messages, attempts = exported(programs, "messages"), exported(programs, "attempts")
    with psycopg.connect(stack.database, autocommit=True) as connection:
        visits, stops = _changes(connection, _VISITS), _changes(connection, _STOPS)
        news = _news(connection)
    return History(
        messages=[_message(row) for row in messages],
        attempts=[_attempt(row) for row in attempts],
        requests=[*_texts(stack.state / "sms.log", attempts), *_mails(stack.state / "mail.log", messages)],
        reasons=frozenset(Reason),
        visits=visits,
        stops=stops,
        news=news,
        clock=list(stack.clock.shown),
        posts=posts,
        replies=[row["provider_id"] for row in exported(programs, "replies")],
        healed=healed,
        allowance=timedelta(seconds=FRESH_SECONDS) + SLACK,
    )


def _message(row: dict[str, Any]) -> Message:
    return Message(
        id=row["id"],
        channel=row["channel"],
        purpose=row["purpose"],
        sequence=row["sequence"],
        patient=row["patient"],
        visit=row["visit"],
        visit_version=row["visit_version"],
        send_at=datetime.fromisoformat(row["send_at"]),
        expires_at=datetime.fromisoformat(row["expires_at"]),
        state=row["state"],
        reason=row["reason"],
        duplicate_possible=row["duplicate_possible"],
    )


def _attempt(row: dict[str, Any]) -> Attempt:
    return Attempt(
        id=row["id"], message=row["message"], outcome=row["outcome"], provider_id=row["provider_id"]
    )


def _texts(log: Path, attempts: Iterable[dict[str, Any]]) -> Iterator[Request]:
    """A text carries its try in the callback address. The provider's list does not show that, so of two texts
    to one phone in the same words either may be taken for the other: then it is whose record has its id."""
    rows = list(attempts)
    owner = {row["id"]: row["message"] for row in rows}
    claims: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        claims[row["provider_id"]].add(row["message"])
    for row in _lines(log):
        mine = owner.get(row["attempt"], 0)
        claimed = claims[row["sid"]] if row["sid"] else set()
        yield _request(claimed.copy().pop() if len(claimed) == 1 else mine, row["attempt"], row)


def _mails(log: Path, messages: Iterable[dict[str, Any]]) -> Iterator[Request]:
    """A mail carries its message in the Message-ID."""
    mails = (row for row in messages if row["channel"] == "email")
    owner = {message_name(UUID(row["clinic"]), row["id"]): row["id"] for row in mails}
    for row in _lines(log):
        yield _request(owner.get(row["message_id"], 0), row["message_id"], row)


def _request(message: int, attempt: str, row: dict[str, Any]) -> Request:
    return Request(
        message=message,
        attempt=attempt,
        came=datetime.fromisoformat(row["came"]),
        at=datetime.fromisoformat(row["at"]) if row["at"] else None,
        on_record=row["on_record"],
    )


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    with log.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _changes(connection: psycopg.Connection[Any], query: Any) -> list[Change]:
    rows = connection.execute(query).fetchall()
    return [
        Change(about=about, version=version, at=at, ended=ended) for about, version, at, ended in rows if at
    ]


def _news(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for attempt, status in connection.execute(
        "SELECT attempt_id::text, status FROM delivery_event ORDER BY id"
    ):
        found[attempt].append(status)
    return found
