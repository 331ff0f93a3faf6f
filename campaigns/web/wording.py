"""One plain sentence for every state and reason: the why ledger in words a coordinator reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.domain.lifecycle import Purpose, Reason, State
from campaigns.domain.visits import VisitKind, VisitState

Words = dict[str, str | Promise]

STATES: Words = {
    State.PLANNED: _("Will be sent"),
    State.WAITING: _("Will be tried again"),
    State.ATTEMPTING: _("Being sent now"),
    State.UNCERTAIN: _("Being checked: it may have been sent"),
    State.ACCEPTED: _("Sent"),
    State.DELIVERED: _("Delivered"),
    State.UNDELIVERED: _("Did not arrive"),
    State.UNKNOWN: _("Sent, but nobody told us whether it arrived"),
    State.REJECTED: _("Refused"),
    State.UNRESOLVED: _("Unclear whether it was sent"),
    State.SKIPPED: _("Not sent"),
    State.CANCELLED: _("Cancelled"),
}

TONES: dict[str, str] = {
    State.PLANNED: "next",
    State.WAITING: "next",
    State.ATTEMPTING: "next",
    State.UNCERTAIN: "wait",
    State.ACCEPTED: "good",
    State.DELIVERED: "good",
    State.UNDELIVERED: "bad",
    State.UNKNOWN: "wait",
    State.REJECTED: "bad",
    State.UNRESOLVED: "bad",
    State.SKIPPED: "quiet",
    State.CANCELLED: "quiet",
}

REASONS: Words = {
    Reason.EXPIRED: _("It was too late to be of use."),
    Reason.OPTED_OUT: _("The patient asked us to stop on this channel."),
    Reason.NO_CONSENT: _("The patient has not agreed to this kind of message on this channel."),
    Reason.NO_ADDRESS: _("We have no number or address for this channel."),
    Reason.BAD_ADDRESS: _("The number or address does not work. Ask the patient for a new one."),
    Reason.LANDLINE: _("The number is a landline, which cannot receive texts."),
    Reason.VISIT_CANCELLED: _("The visit was cancelled."),
    Reason.VISIT_MOVED: _("The visit was moved; a new message was planned for the new date."),
    Reason.VISIT_DONE: _("The visit had already taken place."),
    Reason.VISIT_MISSED: _("The patient did not come to the visit."),
    Reason.COURSE_CLOSED: _("The course has ended."),
    Reason.PATIENT_PAUSED: _("Messages to this patient are paused."),
    Reason.PATIENT_LEFT: _("The patient has left the clinic."),
    Reason.PATIENT_DECEASED_OR_MERGED: _("The patient's record is closed."),
    Reason.ENROLLMENT_STOPPED: _("The patient was taken off this sequence."),
    Reason.QUIET_HOURS_NO_WINDOW: _("There was no allowed time to send it before it expired."),
    Reason.CAP_REACHED: _("The patient had already been sent enough texts in these days."),
    Reason.TEMPLATE_MISSING: _("There is no text for this message on this channel."),
    Reason.TRANSLATION_MISSING: _("The text is not translated into the patient's language."),
    Reason.TRANSLATION_NOT_APPROVED: _("The translation is not approved yet."),
    Reason.RENDER_ERROR: _("A fact that the text states was missing, so it could not be written."),
    Reason.TOO_LONG: _("The text was too long for the phone network."),
    Reason.CHANNEL_PAUSED: _("Sending on this channel was paused."),
    Reason.PROVIDER_CONFIG: _("The provider refused our account or settings. Tell your administrator."),
    Reason.PROVIDER_REFUSED: _("The provider refused it."),
    Reason.UNREACHABLE: _("The phone could not be reached, or the mailbox is full."),
    Reason.FILTERED: _("The phone network filtered it out."),
    Reason.RETRIES_USED_UP: _("It was tried several times without success."),
    Reason.UNCERTAIN_EXPIRED: _("The connection broke while sending; it may or may not have arrived."),
    Reason.OPERATOR_CANCELLED: _("Somebody at the clinic cancelled it."),
    Reason.SUPERSEDED: _("Another message took its place."),
    Reason.ANSWERED: _("The patient had already answered."),
    Reason.PROVIDER_DOWN: _("The provider or the mail server did not take it just then."),
    Reason.NOT_NEEDED: _("It was not needed any more, for instance because the next visit was booked."),
}

EXPECTED = frozenset(
    {
        Reason.VISIT_CANCELLED,
        Reason.VISIT_MOVED,
        Reason.VISIT_DONE,
        Reason.VISIT_MISSED,
        Reason.COURSE_CLOSED,
        Reason.OPERATOR_CANCELLED,
        Reason.SUPERSEDED,
        Reason.ANSWERED,
        Reason.NOT_NEEDED,
        Reason.NO_ADDRESS,
        Reason.OPTED_OUT,
        Reason.PATIENT_PAUSED,
        Reason.PATIENT_LEFT,
        Reason.PATIENT_DECEASED_OR_MERGED,
        Reason.ENROLLMENT_STOPPED,
    }
)
"""Reasons that follow from what somebody did or chose (nobody is enrolled without any address).

Every other one may need a person."""

PURPOSES: Words = {
    Purpose.STEP: "",
    Purpose.CORRECTION: _("Correction"),
    Purpose.AUTO_REPLY: _("Automatic reply"),
    Purpose.OPT_OUT_CONFIRMATION: _("Opt-out confirmed"),
    Purpose.SAFETY: _("Safety text"),
    Purpose.MANUAL: _("Written by staff"),
    Purpose.STAFF_ALERT: _("Alert to staff"),
}

OUTCOMES: Words = {
    "": _("under way"),
    "accepted": _("taken by the provider"),
    "not_sent": _("did not leave"),
    "rejected": _("refused"),
    "uncertain": _("no answer came back"),
    "unresolved": _("no answer came back"),
}

VISIT_KINDS: Words = {VisitKind.CONSULTATION: _("Consultation"), VisitKind.SESSION: _("Treatment")}

VISIT_STATES: Words = {
    VisitState.BOOKED: _("Booked"),
    VisitState.COMPLETED: _("Took place"),
    VisitState.CANCELLED: _("Cancelled"),
    VisitState.NO_SHOW: _("Patient did not come"),
}

CHANNELS: Words = {"sms": _("Text"), "email": _("E-mail")}

CONTACTABLE: Words = {
    "granted": _("The patient agreed; we may write."),
    "withdrawn": _("The patient withdrew consent; nothing is sent."),
    "opted_out": _("The patient asked us to stop; nothing is sent."),
    "no_address": _("No number or address on file."),
    "no_consent": _("No consent on file; nothing is sent."),
}

ADDRESS_STATES: Words = {
    "good": "",
    "bad": _("does not work"),
    "landline": _("landline"),
    "shared": _("shared with another patient"),
}

QUESTIONS: Words = {
    "pain": _("Pain, 0 to 10"),
    "function": _("Everyday activities, 0 to 10 (10 is best)"),
    "change": _("Change since the start, 1 to 7"),
    "side_effects": _("Side effects?"),
    "nsaids_taken": _("Took anti-inflammatories?"),
    "confirm": _("Coming to the visit?"),
    "ready": _("Ready for the treatment?"),
}

URGENCIES: Words = {
    "emergency": _("Emergency"),
    "urgent": _("Urgent"),
    "routine": _("When you can"),
}

ALERT_OUTCOMES: Words = {
    "reached": _("Reached by phone"),
    "emergency": _("Sent to emergency"),
    "no_answer": _("No answer, will try again"),
    "not_urgent": _("Read, not urgent"),
    "false_alarm": _("False alarm"),
}

REPLY_OUTCOMES: Words = {
    "answer": _("answer recorded"),
    "opt_out": _("opted out"),
    "opt_in": _("opted in again"),
    "help": _("asked for help"),
    "language": _("changed language"),
    "alert": _("shown to staff"),
    "unmatched": _("unknown sender"),
}


def _lookup(table: Words) -> Callable[[object], str]:
    """A filter that reads one table; a word that is not in it is shown as it is, with spaces."""

    def words(value: object) -> str:
        return str(table.get(str(value), str(value).replace("_", " ")))

    return words


def step(message: Any) -> str:
    """The name of a step as staff know it: `aftercare: next day`."""
    sequence, key = (message.sequence, message.step) if message.sequence else message.template.split("/")
    return f"{sequence}: {key}".replace("_", " ")


def tone(state: object) -> str:
    """The CSS class of a state."""
    return TONES.get(str(state), "quiet")


FILTERS: dict[str, Callable[..., Any]] = {
    "address_state": _lookup(ADDRESS_STATES),
    "alert_outcome": _lookup(ALERT_OUTCOMES),
    "channel": _lookup(CHANNELS),
    "contactable": _lookup(CONTACTABLE),
    "outcome": _lookup(OUTCOMES),
    "purpose": _lookup(PURPOSES),
    "question": _lookup(QUESTIONS),
    "reason": _lookup(REASONS),
    "reply_outcome": _lookup(REPLY_OUTCOMES),
    "state": _lookup(STATES),
    "step": step,
    "tone": tone,
    "urgency": _lookup(URGENCIES),
    "visit_kind": _lookup(VISIT_KINDS),
    "visit_state": _lookup(VISIT_STATES),
}
