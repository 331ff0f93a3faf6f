"""Provider news about a message that it already took, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from campaigns.delivery.twilio_errors import kind_of
from campaigns.domain.lifecycle import Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """One status callback.

    `word` is the provider's own status, kept so that (provider_id, word) is unique. `state` is None for a
    word we do not know: such news is stored and changes nothing.
    """

    provider_id: str
    word: str
    state: State | None
    error_code: str = ""
    reason: Reason | None = None
    num_segments: int | None = None


TWILIO_STATES: dict[str, State] = {
    "accepted": State.ACCEPTED,
    "scheduled": State.ACCEPTED,
    "queued": State.ACCEPTED,
    "sending": State.ACCEPTED,
    "sent": State.ACCEPTED,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "failed": State.UNDELIVERED,
    "canceled": State.UNDELIVERED,
}

# Why a text did not arrive when the callback carries no error code.
_WITHOUT_CODE: dict[str, Reason] = {
    "undelivered": Reason.UNREACHABLE,
    "failed": Reason.PROVIDER_REFUSED,
    "canceled": Reason.OPERATOR_CANCELLED,
}

_LONGEST = 64  # of any value we keep from a callback
_LONGEST_WORD = 20  # and of a status or an error code: the length of its column


def from_twilio(params: Mapping[str, str]) -> DeliveryEvent:
    """Read a Twilio status callback. Whatever it holds, this never raises."""
    word = _field(params, "MessageStatus", "SmsStatus").lower()[:_LONGEST_WORD]
    code = _field(params, "ErrorCode")[:_LONGEST_WORD]
    state = TWILIO_STATES.get(word)
    return DeliveryEvent(
        provider_id=_field(params, "MessageSid", "SmsSid"),
        word=word,
        state=state,
        error_code=code,
        reason=_reason(word, code) if state is State.UNDELIVERED else None,
        num_segments=_number(_field(params, "NumSegments")),
    )


def _reason(word: str, code: str) -> Reason:
    number = _number(code)
    if not number:
        return _WITHOUT_CODE[word]
    return kind_of(number).value.reason or Reason.UNREACHABLE


def _field(params: Mapping[str, str], *names: str) -> str:
    """The first of the named values that is not empty, cut short and free of control characters."""
    value = next((params[name] for name in names if params.get(name)), "")
    return "".join(letter for letter in value[:_LONGEST] if letter.isprintable())


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
