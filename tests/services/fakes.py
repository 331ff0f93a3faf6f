"""A channel that does what a test says, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import psycopg
from django.db import connection

from campaigns.delivery.channels import Ending, Outcome, Outgoing, Sought
from campaigns.domain.recipients import Channel
from campaigns.models import Message
from campaigns.services.enroll import Enrolled


def accept(outgoing: Outgoing) -> Outcome:
    """What a provider says on a good day."""
    return Outcome(ending=Ending.ACCEPTED, provider_id=f"SM{uuid4().hex}")


@dataclass
class FakeSender:
    """`answer` and `look` say what `send` and `find` give back."""

    answer: Callable[[Outgoing], Outcome] = accept
    look: Callable[[Sought], Outcome | None] = lambda sought: None
    sent: list[Outgoing] = field(default_factory=list)
    sought: list[Sought] = field(default_factory=list)

    def send(self, outgoing: Outgoing) -> Outcome:
        self.sent.append(outgoing)
        return self.answer(outgoing)

    def find(self, sought: Sought) -> Outcome | None:
        self.sought.append(sought)
        return self.look(sought)


def second_connection() -> psycopg.Connection[tuple[object, ...]]:
    """A connection that shares nothing with Django's: it sees what is committed and no more."""
    settings = connection.settings_dict
    return psycopg.connect(
        dbname=settings["NAME"],
        user=settings["USER"] or None,
        password=settings["PASSWORD"] or None,
        host=settings["HOST"] or None,
        port=settings["PORT"] or None,
        autocommit=True,
    )


def due_text(enrolled: Enrolled) -> Message:
    """The text of the first step before a session."""
    return enrolled.patient.messages.get(step="nsaids", channel=Channel.SMS)
