"""The states of a message and the only moves between them.

    planned -> attempting -> accepted -> delivered | undelivered | unknown
                  |-> waiting      proven not sent, to be tried again
                  |-> rejected     proven refused
                  '-> uncertain    only the reconciler leaves this state
    any state before attempting -> skipped(reason) | cancelled(reason)

An attempt is committed before a byte leaves. `uncertain` means that bytes may have left: the reconciler finds
out (accepted, or waiting when the provider proves that nothing arrived) or gives up (unresolved).
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a message is on its way."""

    PLANNED = "planned"
    WAITING = "waiting"
    ATTEMPTING = "attempting"
    UNCERTAIN = "uncertain"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    UNRESOLVED = "unresolved"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why a message did not go, or did not arrive. The list is closed; staff read a sentence for each."""

    EXPIRED = "expired"
    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    NO_ADDRESS = "no_address"
    BAD_ADDRESS = "bad_address"
    LANDLINE = "landline"
    VISIT_CANCELLED = "visit_cancelled"
    VISIT_MOVED = "visit_moved"
    VISIT_DONE = "visit_done"
    VISIT_MISSED = "visit_missed"
    COURSE_CLOSED = "course_closed"
    PATIENT_PAUSED = "patient_paused"
    PATIENT_LEFT = "patient_left"
    PATIENT_DECEASED_OR_MERGED = "patient_deceased_or_merged"
    ENROLLMENT_STOPPED = "enrollment_stopped"
    QUIET_HOURS_NO_WINDOW = "quiet_hours_no_window"
    CAP_REACHED = "cap_reached"
    TEMPLATE_MISSING = "template_missing"
    TRANSLATION_MISSING = "translation_missing"
    TRANSLATION_NOT_APPROVED = "translation_not_approved"
    RENDER_ERROR = "render_error"
    TOO_LONG = "too_long"
    CHANNEL_PAUSED = "channel_paused"
    PROVIDER_CONFIG = "provider_config"
    PROVIDER_REFUSED = "provider_refused"
    UNREACHABLE = "unreachable"
    FILTERED = "filtered"
    RETRIES_USED_UP = "retries_used_up"
    UNCERTAIN_EXPIRED = "uncertain_expired"
    OPERATOR_CANCELLED = "operator_cancelled"
    SUPERSEDED = "superseded"
    ANSWERED = "answered"
    NOT_NEEDED = "not_needed"
    PROVIDER_DOWN = "provider_down"
    QUESTION_OPEN = "question_open"
    SENDER_BUSY = "sender_busy"


class Purpose(StrEnum):
    """What a message is for."""

    STEP = "step"
    CORRECTION = "correction"
    AUTO_REPLY = "auto_reply"
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    SAFETY = "safety"
    MANUAL = "manual"
    STAFF_ALERT = "staff_alert"


PLANNED_PRIORITY = 3
"""The first priority of what is planned. 0 to 2 are answers to what a patient just wrote and safety texts."""

UNSENT = frozenset({State.PLANNED, State.WAITING})
"""States from which a message may still be re-timed, skipped or cancelled."""

ONE_WAY_ONLY = frozenset({Reason.BAD_ADDRESS, Reason.LANDLINE, Reason.UNREACHABLE, Reason.FILTERED})
"""Reasons that hold for one channel alone: what could not arrive there may be said on the other."""

REACHED_PROVIDER = frozenset({State.ACCEPTED, State.DELIVERED, State.UNDELIVERED, State.UNKNOWN})
"""States of a message that the provider has said yes to."""

MOVES: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.ATTEMPTING, State.WAITING, State.SKIPPED, State.CANCELLED}),
    State.WAITING: frozenset({State.ATTEMPTING, State.SKIPPED, State.CANCELLED}),
    State.ATTEMPTING: frozenset({State.ACCEPTED, State.WAITING, State.REJECTED, State.UNCERTAIN}),
    State.UNCERTAIN: frozenset({State.ACCEPTED, State.WAITING, State.UNRESOLVED, State.REJECTED}),
    State.ACCEPTED: frozenset({State.DELIVERED, State.UNDELIVERED, State.UNKNOWN, State.WAITING}),
    State.UNKNOWN: frozenset({State.DELIVERED, State.UNDELIVERED}),
}
"""Every allowed move. A state that is not a key is final.

From `accepted` back to `waiting` leads one way only: the provider has proven that the handset was not
reached, and a later try is worth it. That is a new attempt of the same message.

`skipped` alone may be planned again by the planner (an address was added, a pause ended); that is a new plan
of the same occurrence, and no attempt exists for it.
"""


def may_move(old: State, new: State) -> bool:
    """Whether a message in `old` may go to `new`."""
    return new in MOVES.get(old, frozenset())


def after_event(current: State, reported: State) -> State:
    """The state after the provider reported `reported`: forward only; repeats and late news change nothing.

    A callback can overtake our own record of the acceptance, so news from the provider also proves that a
    message still `attempting` or `uncertain` was accepted; and one that was believed unsent and is `waiting`.
    """
    if current in {State.ATTEMPTING, State.UNCERTAIN, State.WAITING} and reported in REACHED_PROVIDER:
        return reported
    return reported if may_move(current, reported) else current
