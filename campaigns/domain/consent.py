"""The gates: may this message go to this patient on this channel now? Asked again at the moment of sending.

Pure: the facts were read under the row lock, the verdict is a value, and the first gate that closes gives the
reason that staff read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from campaigns.domain.lifecycle import Purpose, Reason
from campaigns.domain.recipients import Channel
from campaigns.domain.timing import end_of_quiet

NEEDS_NO_CONSENT = frozenset(
    {Purpose.AUTO_REPLY, Purpose.OPT_OUT_CONFIRMATION, Purpose.SAFETY, Purpose.STAFF_ALERT}
)
"""Answers to what a patient just wrote. They wait for no consent, but an opt-out still stops all but its own
confirmation."""

ANSWERED_WHEN_PAUSED = NEEDS_NO_CONSENT | {Purpose.MANUAL}
"""A pause ends what is planned. What a person writes, that person has decided."""

ANY_HOUR = NEEDS_NO_CONSENT
"""A patient who writes at night is answered at night."""


class GateFacts(NamedTuple):
    """All that decides. `zone` is the patient's own, or the clinic's; instants are aware.

    `current_visit_version` is 0 for a message that is about no visit or does not depend on its date.
    """

    purpose: Purpose
    channel: Channel
    expires_at: datetime
    patient_status: str
    paused_until: datetime | None
    enrollment_state: str
    visit_state: str
    visit_version: int
    current_visit_version: int
    about_completed_visit: bool
    address_state: str
    suppressed: bool
    consent: str
    zone: ZoneInfo
    quiet_from: time
    quiet_to: time
    capped: bool
    sms_today: int
    sms_this_week: int
    sms_per_day: int
    sms_per_week: int
    any_hour_until: datetime | None = None
    """Words by hand to a patient who has just written go at any hour until this instant."""
    held_for_trial: bool = False
    """The installation is not live yet, and this address is not among those of the trial."""
    switched_off: bool = False
    """The clinic has switched off the step that this message stands for."""


@dataclass(frozen=True, slots=True)
class Go:
    """Every gate is open."""


@dataclass(frozen=True, slots=True)
class Skip:
    """This message will never go, and why."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now; ask again at `until` (aware)."""

    until: datetime
    reason: Reason


Verdict = Go | Skip | Defer


def judge(facts: GateFacts, now: datetime) -> Verdict:
    """The verdict at `now` (aware)."""
    for gate in (_useful, _live, _step, _patient, _enrollment, _visit, _address, _agreement, _hour, _caps):
        verdict = gate(facts, now)
        if verdict is not None:
            return _within_life(verdict, facts)
    return Go()


def _within_life(verdict: Verdict, facts: GateFacts) -> Verdict:
    """Waiting past the expiry is not waiting: the message would mislead by then."""
    if isinstance(verdict, Defer) and verdict.until >= facts.expires_at:
        return Skip(verdict.reason)
    return verdict


def _useful(facts: GateFacts, now: datetime) -> Verdict | None:
    return Skip(Reason.EXPIRED) if now >= facts.expires_at else None


def _live(facts: GateFacts, now: datetime) -> Verdict | None:
    """Answers too: before the clinic is live nobody outside of the trial can have been asked anything."""
    return Skip(Reason.NOT_LIVE) if facts.held_for_trial else None


def _step(facts: GateFacts, now: datetime) -> Verdict | None:
    off = facts.switched_off and facts.purpose is Purpose.STEP
    return Skip(Reason.STEP_OFF) if off else None


def _patient(facts: GateFacts, now: datetime) -> Verdict | None:
    match facts.patient_status:
        case "deceased":
            return Skip(Reason.PATIENT_DECEASED_OR_MERGED)
        case "left":
            return Skip(Reason.PATIENT_LEFT)
        case "paused" if facts.purpose not in ANSWERED_WHEN_PAUSED:
            return _paused(facts, now)
    return None


def _paused(facts: GateFacts, now: datetime) -> Verdict | None:
    if facts.paused_until is None:
        return Skip(Reason.PATIENT_PAUSED)
    return Defer(facts.paused_until, Reason.PATIENT_PAUSED) if now < facts.paused_until else None


def _enrollment(facts: GateFacts, now: datetime) -> Verdict | None:
    return Skip(Reason.ENROLLMENT_STOPPED) if facts.enrollment_state in {"stopped", "paused"} else None


def _visit(facts: GateFacts, now: datetime) -> Verdict | None:
    if facts.purpose not in {Purpose.STEP, Purpose.MANUAL} or not facts.visit_state:
        return None
    if facts.visit_version and facts.visit_version != facts.current_visit_version:
        return Skip(Reason.VISIT_MOVED)
    if facts.about_completed_visit:
        return None
    closed = {
        "cancelled": Reason.VISIT_CANCELLED,
        "completed": Reason.VISIT_DONE,
        "no_show": Reason.VISIT_MISSED,
    }
    reason = closed.get(facts.visit_state)
    return Skip(reason) if reason else None


def _address(facts: GateFacts, now: datetime) -> Verdict | None:
    reason = _no_way(facts.channel, facts.address_state)
    if reason is Reason.CHANNEL_PAUSED and facts.purpose in NEEDS_NO_CONSENT:
        return None
    return Skip(reason) if reason else None


def _no_way(channel: Channel, address_state: str) -> Reason | None:
    match address_state:
        case "":
            return Reason.NO_ADDRESS
        case "bad":
            return Reason.BAD_ADDRESS
        case "landline" if channel is Channel.SMS:
            return Reason.LANDLINE
        case "paused":
            return Reason.CHANNEL_PAUSED
    return None


def _agreement(facts: GateFacts, now: datetime) -> Verdict | None:
    if facts.suppressed:
        return None if facts.purpose is Purpose.OPT_OUT_CONFIRMATION else Skip(Reason.OPTED_OUT)
    if facts.purpose in NEEDS_NO_CONSENT or facts.consent == "granted":
        return None
    return Skip(Reason.OPTED_OUT if facts.consent == "withdrawn" else Reason.NO_CONSENT)


def why_not(channel: Channel, *, address_state: str, suppressed: bool, consent: str) -> Reason | None:
    """Why nothing that is planned may go to an address, by the rules of the gates; None where it may.

    `address_state` is empty where there is no address, `consent` where nothing was ever said.
    """
    if reason := _no_way(channel, address_state):
        return reason
    if suppressed or consent == "withdrawn":
        return Reason.OPTED_OUT
    return None if consent == "granted" else Reason.NO_CONSENT


def _hour(facts: GateFacts, now: datetime) -> Verdict | None:
    if facts.purpose in ANY_HOUR or (facts.any_hour_until and now < facts.any_hour_until):
        return None
    until = end_of_quiet(now, facts.zone, facts.quiet_from, facts.quiet_to)
    return Defer(until, Reason.QUIET_HOURS_NO_WINDOW) if until else None


def _caps(facts: GateFacts, now: datetime) -> Verdict | None:
    if not facts.capped or facts.channel is not Channel.SMS or facts.purpose in NEEDS_NO_CONSENT:
        return None
    if facts.sms_today < facts.sms_per_day and facts.sms_this_week < facts.sms_per_week:
        return None
    tomorrow = now.astimezone(facts.zone).date() + timedelta(days=1)
    return Defer(datetime.combine(tomorrow, facts.quiet_to, facts.zone), Reason.CAP_REACHED)
