"""What every channel takes and gives back.

A channel sends one message to one address and says what became of it. It never decides whether to send, never
retries, and never raises for anything the outside world does: every ending is an `Outcome`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from types import MappingProxyType
from typing import NamedTuple, Protocol
from uuid import UUID

from campaigns.domain.errors import CampaignsError
from campaigns.domain.lifecycle import Ending as Ending  # channels and their callers know it from here
from campaigns.domain.lifecycle import Reason


class InvalidSetting(CampaignsError):
    """A setting of a channel is missing or cannot be used."""


class Outgoing(NamedTuple):
    """One rendered message on its way to one address. Times are aware.

    `leave_by` is of this process's monotonic clock: no first byte leaves after it, because what was asked
    right before may have changed. Whoever slept meanwhile finds that it is over.
    """

    attempt_id: UUID
    to: str
    text: str
    expires_at: datetime
    now: datetime
    status_callback: str = ""
    subject: str = ""
    html: str = ""
    language: str = "en-CA"
    from_name: str = ""
    message_id: str = ""
    reply_to: str = ""
    unsubscribe_url: str = ""
    calendar: bytes | None = None
    calendar_method: str = "PUBLISH"
    headers: Mapping[str, str] = MappingProxyType({})
    leave_by: float = inf


TOO_LATE = "too long since the last question"
"""The detail of an outcome that is `NOT_SENT` because `leave_by` was over."""


class Outcome(NamedTuple):
    """What became of one try.

    `reason` says why for staff; `error_code` is the provider's own code; `retry_after` is in seconds and is
    given only where the provider asked for it. `detail` never holds an address or a text.
    """

    ending: Ending
    provider_id: str = ""
    error_code: str = ""
    reason: Reason | None = None
    retry_after: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """An attempt whose fate is unknown, for the provider's list. `since` is when it began (aware).

    `known` holds the provider ids that other attempts already own, so that an earlier message of the same
    words to the same number is not taken for this one. `message_id` is the `Message-ID` of an e-mail.
    """

    attempt_id: UUID
    to: str
    text: str
    since: datetime
    known: frozenset[str] = frozenset()
    message_id: str = ""


class Sender(Protocol):
    """One channel. `send` may be called from several threads at once."""

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send now; return within the channel's own time-out (10 s and a little)."""
        ...

    def find(self, sought: Sought) -> Outcome | None:
        """What the provider knows of an attempt: ACCEPTED with its id, NOT_SENT when it is not on the list.

        UNCERTAIN when the provider could not be asked just now, None where it never can (SMTP). Lists lag
        behind, so one NOT_SENT is not yet proof.
        """
        ...
