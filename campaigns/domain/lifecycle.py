"""The states of a message and the only moves between them.

    planned -> attempting -> accepted -> delivered | undelivered | unknown
                  |-> waiting      proven not sent, to be tried again
                  |-> rejected     proven refused
                  '-> uncertain    only the reconciler leaves this state
    any state before attempting -> skipped(reason) | cancelled(reason)

An attempt is committed before a byte leaves. `uncertain` means that bytes may have left: the reconciler finds
out (accepted, or waiting when the provider proves that nothing arrived) or gives up (unresolved).

Proof that the provider took a try counts whenever it comes, from a callback or from a worker that slept: what
was believed unsent has gone after all, and what has been tried again since may have gone twice.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    PATIENT_FORGOTTEN = "patient_forgotten"
    NOT_LIVE = "not_live"
    STEP_OFF = "step_off"


class Ending(StrEnum):
    """How one try ended, or what a search for it found."""

    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"


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

BELIEVED_UNSENT = UNSENT | {State.SKIPPED, State.CANCELLED}
"""States of a message of which nothing has gone, as far as we know. Where it was tried, we may be wrong."""

ONE_WAY_ONLY = frozenset({Reason.BAD_ADDRESS, Reason.LANDLINE, Reason.UNREACHABLE, Reason.FILTERED})
"""Reasons that hold for one channel alone: what could not arrive there may be said on the other."""

REACHED_PROVIDER = frozenset({State.ACCEPTED, State.DELIVERED, State.UNDELIVERED, State.UNKNOWN})
"""States of a message that the provider has said yes to."""

MOVES: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.ATTEMPTING, State.WAITING, State.SKIPPED, State.CANCELLED}),
    State.WAITING: frozenset({State.ATTEMPTING, State.PLANNED, State.SKIPPED, State.CANCELLED}),
    State.ATTEMPTING: frozenset({State.ACCEPTED, State.WAITING, State.REJECTED, State.UNCERTAIN}),
    State.UNCERTAIN: frozenset({State.ACCEPTED, State.WAITING, State.UNRESOLVED, State.REJECTED}),
    State.ACCEPTED: frozenset({State.DELIVERED, State.UNDELIVERED, State.UNKNOWN, State.WAITING}),
    State.UNKNOWN: frozenset({State.DELIVERED, State.UNDELIVERED}),
    State.SKIPPED: frozenset({State.PLANNED}),
    State.CANCELLED: frozenset({State.PLANNED}),
}
"""Every move that we make ourselves. A state that is not a key is final.

What was skipped or cancelled may be planned again by the planner (an address was added, a pause ended), as
long as no provider has said that it took it.

From `accepted` back to `waiting` leads one way only: the provider has proven that the handset was not
reached, and a later try is worth it. That is a new attempt of the same message.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """Where a message goes: its state, why, and whether it may have gone twice (`doubled`, for good)."""

    state: State
    reason: Reason | None = None
    doubled: bool = False


def may_move(old: State, new: State) -> bool:
    """Whether a message in `old` may go to `new`."""
    return new in MOVES.get(old, frozenset())


def after_event(current: State, reported: State) -> State:
    """The state after the provider reported `reported`: forward only; repeats and late news change nothing.

    A callback can overtake our own record of the acceptance, so news from the provider also proves that a
    message still `attempting` or `uncertain` was accepted; and one that was believed unsent, whatever the
    planner or a gate has made of it since: it would go a second time.
    """
    if current in {State.ATTEMPTING, State.UNCERTAIN} | BELIEVED_UNSENT and reported in REACHED_PROVIDER:
        return reported
    return reported if may_move(current, reported) else current


def after_news(
    current: State, reported: State | None, *, newest: bool, another: bool, failed: bool = False
) -> After:
    """A message after proof that the provider took one of its tries, and perhaps what became of that.

    `newest`: no later try has begun. `another`: the provider is known to have taken another try as well.
    `reported` is None for a word that we do not know: it proves the acceptance and says nothing more.
    `failed`: the provider has already said that this try did not arrive; what it said before that comes late.
    """
    if failed and reported is not State.DELIVERED:
        return After(state=current)
    concerns = newest or current in BELIEVED_UNSENT
    arrived = reported is not State.UNDELIVERED
    # What one try did not bring, another that was taken may have.
    told = State.ACCEPTED if another and not arrived else reported
    state = after_event(current, told or State.ACCEPTED) if concerns else current
    return After(state=state, doubled=arrived and (another or not concerns))


def after_search(found: Ending | None, *, quiet: bool, expired: bool, twice: bool) -> After | None:
    """A message in doubt after the provider was asked for it; None while it stays in doubt.

    `found` is ACCEPTED where the provider knows it, NOT_SENT where its list lacks it, UNCERTAIN where it
    cannot be asked now, None where it never can (SMTP). `quiet`: news would have come by now. `expired`: it
    is useful no more. `twice`: where nobody can be asked, rather twice than not at all.
    """
    if found is Ending.ACCEPTED:
        return After(state=State.ACCEPTED)
    if not quiet or found is Ending.UNCERTAIN:
        return None
    if expired or (found is None and not twice):
        return After(state=State.UNRESOLVED, reason=Reason.UNCERTAIN_EXPIRED)
    # SMTP has no memory: the earlier try may have arrived as well, and staff are told so for good.
    return After(state=State.WAITING, doubled=found is None)
