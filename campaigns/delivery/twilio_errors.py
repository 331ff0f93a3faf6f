"""What Twilio's error codes mean for a message, as data.

The same codes come back from the create request and, later, in status callbacks. Codes not listed here are
treated as a refusal that a person looks at; nothing unknown is tried again for ever.
Meanings follow Twilio's error dictionary (https://www.twilio.com/docs/api/errors).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from campaigns.delivery.channels import Ending
from campaigns.domain.lifecycle import Reason


class Verdict(NamedTuple):
    """How a try ends that Twilio answered with a code of this kind, and the reason staff read."""

    ending: Ending
    reason: Reason | None


class Kind(Enum):
    """Codes that call for the same action."""

    RETRY = Verdict(Ending.NOT_SENT, None)
    UNCERTAIN = Verdict(Ending.UNCERTAIN, None)
    # Our own set-up is at fault: nothing was sent, and messages wait until somebody mends it.
    CONFIG = Verdict(Ending.NOT_SENT, Reason.PROVIDER_CONFIG)
    BAD_ADDRESS = Verdict(Ending.REJECTED, Reason.BAD_ADDRESS)
    LANDLINE = Verdict(Ending.REJECTED, Reason.LANDLINE)
    OPTED_OUT = Verdict(Ending.REJECTED, Reason.OPTED_OUT)
    UNREACHABLE = Verdict(Ending.REJECTED, Reason.UNREACHABLE)
    FILTERED = Verdict(Ending.REJECTED, Reason.FILTERED)
    EXPIRED = Verdict(Ending.REJECTED, Reason.EXPIRED)
    TOO_LONG = Verdict(Ending.REJECTED, Reason.TOO_LONG)
    REFUSED = Verdict(Ending.REJECTED, Reason.PROVIDER_REFUSED)


_CODES: dict[Kind, tuple[int, ...]] = {
    # 20429 too many requests; 20503 service unavailable, back off; 21611 this sender's queue is full.
    Kind.RETRY: (20429, 20503, 21611),
    # 20500 and 20504 are an internal error and a time-out: Twilio warns that the message may still go out.
    Kind.UNCERTAIN: (20500, 20502, 20504),
    Kind.BAD_ADDRESS: (21211, 21217, 21604, 30005),
    # 21614 "is not a mobile number"; 30006 landline or carrier that takes no texts; 21635 landline.
    Kind.LANDLINE: (21614, 21635, 30006),
    Kind.OPTED_OUT: (21610,),
    # Phone off, carrier queue full, unknown carrier error, blocked by the carrier, time-out at the carrier.
    Kind.UNREACHABLE: (30001, 30003, 30004, 30008, 30410, 30500),
    Kind.FILTERED: (30007,),
    Kind.CONFIG: (
        *(20003, 20005, 20008, 20403, 20404),  # credentials, closed account, test credentials, address
        *(
            21212,
            21408,
            21603,
            21606,
            21608,
            21612,
        ),  # the sender's number, region not permitted, trial account
        *(21701, 21703, 21704, 21705),  # the messaging service: unknown, empty, inactive
        *(21609, 21659, 21660, 21661),  # status callback address, sender not ours or without SMS
        *(30002, 30032, 30033, 30034, 30035),  # suspended account, unverified or unregistered sender
    ),
    Kind.EXPIRED: (30036,),
    Kind.TOO_LONG: (21617,),
}

KINDS: dict[int, Kind] = {code: kind for kind, codes in _CODES.items() for code in codes}


def kind_of(code: int) -> Kind:
    """The kind of a Twilio error code."""
    if 35000 <= code <= 35999:  # the messaging service's own configuration
        return Kind.CONFIG
    return KINDS.get(code, Kind.REFUSED)


_STATUS_KINDS = {401: Kind.CONFIG, 403: Kind.CONFIG, 404: Kind.CONFIG, 407: Kind.CONFIG, 429: Kind.RETRY}


def kind_of_answer(status: int, code: int) -> Kind:
    """The kind of an answer that is not 2xx: Twilio's code where there is one, else the HTTP status.

    A redirect, a time-out at a gateway and any 5xx without a code say nothing about the message.
    """
    if code in KINDS or 35000 <= code <= 35999:
        return kind_of(code)
    if status >= 500 or status < 400 or status == 408:
        return Kind.UNCERTAIN
    return _STATUS_KINDS.get(status, Kind.REFUSED)
