"""What the workers have to do again and again, and which of it has fallen silent.

Each duty says that it ran, in a row of its own. Whoever watches reads the rows: `/readyz`, `doctor`, the
alerts page, the heartbeat to an outside service, and `campaigns watch`, which shares nothing with them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, TypeVar

from django.conf import settings

from campaigns.queries import ticks
from campaigns.queries.ticks import Age

STALE = timedelta(minutes=2)
"""After this long beyond its own rhythm a duty counts as silent (promise I25)."""


class Duty(StrEnum):
    """One thing that must go on being done."""

    SENDING = "sending"
    SETTLING = "settling"
    CLIMBING = "climbing"
    READING = "reading"
    READING_MAIL = "reading_mail"
    FETCHING = "fetching"
    PLANNING = "planning"


NAMES = {
    Duty.SENDING: "looking for due messages",
    Duty.SETTLING: "settling tries in doubt",
    Duty.CLIMBING: "climbing the alert ladder",
    Duty.READING: "reading replies that wait",
    Duty.READING_MAIL: "reading mail that was stored",
    Duty.FETCHING: "fetching the mailbox",
    Duty.PLANNING: "planning anew what has changed",
}
"""Each duty in words."""

EVERY = {Duty.PLANNING: timedelta(minutes=10), Duty.FETCHING: timedelta(minutes=1)}
"""The rhythm of those that are not done every few seconds, as worker.py has it."""

P = ParamSpec("P")
T = TypeVar("T")


def fulfils(duty: Duty) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Say that the duty ran whenever the function has come to its end. One that raises has not done it."""

    def around(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def told(*args: P.args, **kwargs: P.kwargs) -> T:
            result = function(*args, **kwargs)
            ticks.mark(duty)
            return result

        return told

    return around


def expected() -> list[Duty]:
    """The duties of this installation: those about mail only where mail is taken."""
    left_out = set()
    if not settings.INBOUND_IMAP_URL:
        left_out.add(Duty.FETCHING)
        if not (settings.REPLY_DOMAIN or settings.MAIL_WEBHOOK_SECRET):
            left_out.add(Duty.READING_MAIL)
    return [duty for duty in Duty if duty not in left_out]


def has_begun() -> bool:
    """Whether a worker has ever looked for due messages here."""
    return Duty.SENDING in ticks.ages()


def silent() -> list[Duty]:
    """The duties that have not run for too long. None before a worker has ever looked for due messages."""
    ages = ticks.ages()
    begun = ages.get(Duty.SENDING)
    return [duty for duty in expected() if begun and _is_silent(duty, ages.get(duty), begun)]


def _is_silent(duty: Duty, age: Age | None, begun: Age) -> bool:
    """One that never ran is as old as the first look for due messages."""
    return (age.last if age else begun.first) > STALE + EVERY.get(duty, timedelta(0))


def seconds_since(duty: Duty) -> int | None:
    """How long ago it ran; None where it never did."""
    age = ticks.ages().get(duty)
    return int(age.last.total_seconds()) if age else None
