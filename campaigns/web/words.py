"""One plain sentence for every state and reason: the why ledger in words a coordinator reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _p

from campaigns.domain.lifecycle import Purpose, Reason, State
from campaigns.domain.visits import VisitKind, VisitState

Words = dict[str, str | Promise]

STATES: Words = {
    State.PLANNED: _("Will be sent"),
    State.WAITING: _("Will be tried again"),
    State.ATTEMPTING: _("Being sent now"),
    State.UNCERTAIN: _("Being checked: it may have been sent"),
    State.ACCEPTED: _p("a message", "Sent"),
    State.DELIVERED: _p("a message", "Delivered"),
    State.UNDELIVERED: _("Did not arrive"),
    State.UNKNOWN: _("Sent, but nobody told us whether it arrived"),
    State.REJECTED: _p("a message", "Refused"),
    State.UNRESOLVED: _("Unclear whether it was sent"),
    State.SKIPPED: _p("a message", "Not sent"),
    State.CANCELLED: _p("a message", "Cancelled"),
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
    Reason.CHANNEL_PAUSED: _(
        "Somebody there may be the wrong person, or want no more. Ask, then say so here."
    ),
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
    Reason.QUESTION_OPEN: _("Another question to the same phone was still open."),
    Reason.SENDER_BUSY: _("Many texts were due at once; this one waited for its turn."),
    Reason.NOT_NEEDED: _("It was not needed any more, for instance because the next visit was booked."),
    Reason.PATIENT_FORGOTTEN: _("The patient's data were erased."),
    Reason.STEP_OFF: _("The clinic has switched this message off for everybody."),
    Reason.NOT_LIVE: _("The installation is not live yet: only the addresses of the trial are written to."),
}

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
    "": _p("a try to send", "under way"),
    "accepted": _p("a try to send", "taken by the provider"),
    "not_sent": _p("a try to send", "did not leave"),
    "rejected": _p("a try to send", "refused"),
    "uncertain": _("no answer came back"),
    "unresolved": _("no answer came back"),
}

VISIT_KINDS: Words = {VisitKind.CONSULTATION: _("Consultation"), VisitKind.SESSION: _("Treatment")}

VISIT_STATES: Words = {
    VisitState.BOOKED: _p("a visit", "Booked"),
    VisitState.COMPLETED: _("Took place"),
    VisitState.CANCELLED: _p("a visit", "Cancelled"),
    VisitState.NO_SHOW: _("Patient did not come"),
}

CHANNELS: Words = {"sms": _p("channel", "Text"), "email": _("E-mail"), "page": _("Page")}

ROLES: Words = {
    "coordinator": _("Coordinator"),
    "clinician": _("Clinician"),
    "translator": _("Translator"),
    "administrator": _("Administrator"),
    "auditor": _("Auditor"),
}

TOPICS: Words = {
    "education": _p("topic", "Information"),
    "reminders": _p("topic", "Reminders"),
    "check_ins": _p("topic", "Check-ins"),
}

CONSENT: Words = {
    "granted": _p("consent", "Agreed"),
    "withdrawn": _p("consent", "Withdrawn"),
    "": _p("consent", "Never asked"),
}

SOURCES: Words = {
    "enrollment": _p("how it was said", "at enrollment"),
    "reply": _p("how it was said", "in a reply"),
    "link": _p("how it was said", "by the unsubscribe link"),
    "preferences": _p("how it was said", "on the preferences page"),
    "provider": _p("how it was said", "to the text provider"),
    "forgotten": _p("how it was said", "when the patient's data were erased"),
    "phone": _p("how it was said", "by phone"),
    "in_person": _p("how it was said", "in person"),
    "in_writing": _p("how it was said", "in writing"),
}
"""How consent was given or taken back."""

ADDRESS_STATES: Words = {
    "good": "",
    "paused": _p("a number or address", "paused until you have asked"),
    "bad": _p("a number or address", "does not work"),
    "landline": _p("a number", "landline"),
    "shared": _p("a number or address", "shared with another patient"),
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

ANSWERS: Words = {"yes": _p("answer", "Yes"), "no": _p("answer", "No")}
"""Answers that are words; the others are numbers, shown as they are."""

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
    "handed_on": _("Not reached, handed on"),
}

CALL_OUTCOMES: Words = {
    "reached": _p("a call", "Reached"),
    "left_message": _p("a call", "Left a message"),
    "no_answer": _p("a call", "No answer"),
    "gave_up": _p("a call", "Give up"),
}

VISIT_STANDINGS: Words = {
    "no": _p("before a visit", "Not ready, or not coming"),
    "no ready": _p("before a visit", "Not ready"),
    "no confirm": _p("before a visit", "Not coming"),
    "silent": _p("before a visit", "No answer"),
    "not_asked": _p("before a visit", "Not asked"),
    "to_come": _p("before a visit", "Will be asked"),
    "yes": _p("before a visit", "Ready, or coming"),
    "yes ready": _p("before a visit", "Ready"),
    "yes confirm": _p("before a visit", "Coming"),
}

VISIT_STANDING_TONES: dict[str, str] = {
    "no": "bad",
    "silent": "wait",
    "not_asked": "wait",
    "to_come": "next",
    "yes": "good",
}
RUNGS: Words = {
    "on_duty": _p("who was told of an alert", "on duty"),
    "next": _p("who was told of an alert", "next person"),
    "everybody": _p("who was told of an alert", "everybody and the lead"),
    "incident": _p("who was told of an alert", "incident"),
}

NOTICE_STATES: Words = {
    "planned": _p("a word to staff", "is being tried"),
    "sending": _p("a word to staff", "is being tried"),
    "sent": _p("a word to staff", "sent"),
    "failed": _p("a word to staff", "did not go"),
    "not_needed": _p("a word to staff", "not needed any more"),
}

DUTIES: Words = {
    "always": _("Day and night"),
    "clinic": _("While the clinic is open"),
    "outside": _("While the clinic is closed"),
    "between": _("Every day between two times"),
}
"""When somebody on the alert list is on duty."""

REPLY_OUTCOMES: Words = {
    "waiting": _("not read yet"),
    "answer": _("answer recorded"),
    "opt_out": _("opted out"),
    "opt_in": _("opted in again"),
    "help": _("asked for help"),
    "language": _("changed language"),
    "alert": _("shown to staff"),
    "unmatched": _("unknown sender"),
}

RULES: Words = {
    "chest": _p("alert", "Chest"),
    "chest_or_pus": _p("alert", "Chest"),
    "shoulder_blade": _p("alert", "Chest"),
    "maybe": _p("alert", "Unwell"),
    "breathing": _p("alert", "Breathing"),
    "collapse": _p("alert", "Fainting"),
    "numbness": _p("alert", "Numbness"),
    "weakness": _p("alert", "Weakness"),
    "bladder": _p("alert", "Bladder or bowel"),
    "head": _p("alert", "Signs of a stroke or meningitis"),
    "headache": _p("alert", "Headache"),
    "infection": _p("alert", "Infection"),
    "allergy": _p("alert", "Allergy"),
    "bleeding": _p("alert", "Bleeding"),
    "crisis": _p("alert", "Crisis"),
    "resp_more": _p("alert", "Breathing"),
    "neuro_more": _p("alert", "Nerves or brain"),
    "infect_more": _p("alert", "Infection"),
    "allergy_more": _p("alert", "Allergy"),
    "bleed_more": _p("alert", "Bleeding"),
    "crisis_more": _p("alert", "Crisis"),
    "distress": _p("alert", "Distress"),
    "plea": _p("alert", "Asks for help"),
    "swelling": _p("alert", "Swelling"),
    "unwell": _p("alert", "Unwell"),
    "chills_or_not": _p("alert", "Unwell"),
    "emergency_signs": _p("alert", "Symbol of an emergency"),
    "illness_signs": _p("alert", "Symbol of illness"),
    "pain_high": _p("alert", "High pain"),
    "pain_rise": _p("alert", "Pain has risen"),
    "much_worse": _p("alert", "Worse since the start"),
    "side_effects": _p("alert", "Yes to side effects"),
    "not_ready": _p("alert", "Not ready for the treatment"),
    "not_confirm": _p("alert", "Not coming to the visit"),
    "asked for help": _p("alert", "Asked for help"),
    "no more automatic answers today": _p("alert", "Many texts in a day: not answered automatically"),
    "may have meant the visit": _p("alert", "May have meant the visit"),
    "asks for a language that we do not have": _p("alert", "Asks for a language that we do not have"),
    "number shared by several patients": _p("alert", "Number shared by several patients"),
    "unknown number": _p("alert", "Unknown number"),
    "could not be read": _p("alert", "The program could not read this text"),
    "asks for a call": _p("alert", "Asks for a call"),
    "not understood": _p("alert", "Not understood"),
    "late answer": _p("alert", "Late answer: the question was closed"),
    "nsaids_taken": _p("alert", "Took anti-inflammatories"),
    "may be the wrong person": _p("alert", "May be the wrong person"),
    "may want no more messages": _p("alert", "May want no more messages"),
    "no more messages, in their own words": _p("alert", "No more messages, in their own words"),
    "wants messages again, in their own words": _p("alert", "Wants messages again, in their own words"),
    "unknown sender": _p("alert", "E-mail from an unknown sender"),
    "sender not proven": _p("alert", "E-mail whose sender is not proven"),
    "no more messages, sender not proven": _p("alert", "Wants no more messages, sender not proven"),
    "address shared by several patients": _p("alert", "E-mail address shared by several patients"),
    "perhaps automatic": _p("alert", "Perhaps an automatic e-mail"),
    "mail came back": _p("alert", "An e-mail came back, and we cannot tell which"),
    "report about our mail": _p("alert", "A report about our e-mail"),
    "marked our mail as junk": _p("alert", "Marked our e-mail as junk; no more e-mail is sent"),
    "sent files": _p("alert", "Sent files"),
    "mail cut or damaged": _p("alert", "An e-mail that is cut or cannot be read"),
}
"""Why an alert was opened: the name of a triage rule without its language, or what was noted."""

PATIENT_STATUSES: Words = {
    "active": "",
    "paused": _p("a patient", "Paused"),
    "left": _p("a patient", "Left"),
    "deceased": _p("a patient", "Deceased"),
}

STANDINGS: Words = {
    "missing": _p("a text", "Not translated"),
    "draft": _p("a text", "Draft"),
    "lapsed": _("Approval lapsed"),
    "reviewed": _p("a text", "Reviewed"),
    "approved": _p("a text", "Approved"),
    "retired": _p("a text", "Retired"),
}

STANDING_TONES: dict[str, str] = {
    "missing": "bad",
    "draft": "quiet",
    "lapsed": "wait",
    "reviewed": "next",
    "approved": "good",
    "retired": "quiet",
}

ACTS: Words = {
    "review": _("I have reviewed it"),
    "approve": _p("button", "Approve"),
    "withdraw": _("Withdraw the approval"),
    "retire": _("Retire the text"),
}

ACT_DETAILS: Words = {
    "review": _("You have read it beside the English, and it says the same."),
    "approve": _("You answer for these very words. When one of them changes, the approval lapses."),
    "withdraw": _("The text becomes a draft again and is not sent until somebody approves it."),
    "retire": _("The text is not sent any more. It can be reviewed and approved again later."),
}

SAMPLES: Words = {
    "normal": _p("sample of a text", "Usual"),
    "long": _("Long names and dates"),
    "late": _("Booked late: the visit is tomorrow"),
    "correction": _("The earlier date, its time not told before"),
    "no_link": _("Without a link"),
    "least": _("With as few facts as possible"),
    "change": _("Question about change"),
    "yes_no": _("Yes-or-no question"),
    "missing": _("No answer chosen"),
    "worry": _("Worrying answer"),
    "danger": _("Dangerous answer"),
    "unread": _("Dangerous answer while nobody is on duty"),
    "saved": _("After saving"),
    "email": _("E-mail"),
    "sms": _p("channel", "Text"),
}

FOLDERS: Words = {
    "welcome": _("Welcome"),
    "previsit": _("Before the first visit"),
    "pretreatment": _("Before a treatment"),
    "aftercare": _("After a treatment"),
    "course_end": _("End of the course"),
    "missed_visit": _("Missed visit"),
    "auto": _("Automatic answers"),
    "correction": _("Corrections"),
    "replies": _("Texts sent by hand"),
    "patient": _("Pages behind links"),
}
"""The groups of texts: sequences, and what belongs to none."""


def _lookup(table: Words) -> Callable[[object], str]:
    """A filter that reads one table; a word that is not in it is shown as it is, with spaces."""

    def words(value: object) -> str:
        return str(table.get(str(value), str(value).replace("_", " ")))

    return words


def rule(value: object) -> str:
    """Why an alert was opened; a rule is called the same in every lexicon (`en.chest`)."""
    return _lookup(RULES)(str(value).rpartition(".")[2])


def standing_of_visit(standing: object, question: str = "") -> str:
    """What is known before a visit, in the words of one question or of all."""
    own = f"{standing} {question}"
    return _lookup(VISIT_STANDINGS)(own if own in VISIT_STANDINGS else standing)


def tone(state: object) -> str:
    """The CSS class of a state."""
    return TONES.get(str(state), "quiet")


FILTERS: dict[str, Callable[..., Any]] = {
    "act": _lookup(ACTS),
    "act_detail": _lookup(ACT_DETAILS),
    "answer": _lookup(ANSWERS),
    "address_state": _lookup(ADDRESS_STATES),
    "alert_outcome": _lookup(ALERT_OUTCOMES),
    "call_outcome": _lookup(CALL_OUTCOMES),
    "channel": _lookup(CHANNELS),
    "role": _lookup(ROLES),
    "consent": _lookup(CONSENT),
    "duty": _lookup(DUTIES),
    "notice_state": _lookup(NOTICE_STATES),
    "rung": _lookup(RUNGS),
    "outcome": _lookup(OUTCOMES),
    "patient_status": _lookup(PATIENT_STATUSES),
    "purpose": _lookup(PURPOSES),
    "question": _lookup(QUESTIONS),
    "reason": _lookup(REASONS),
    "reply_outcome": _lookup(REPLY_OUTCOMES),
    "rule": rule,
    "source": _lookup(SOURCES),
    "sample": _lookup(SAMPLES),
    "standing": _lookup(STANDINGS),
    "standing_tone": lambda standing: STANDING_TONES.get(str(standing), "quiet"),
    "standing_of_visit": standing_of_visit,
    "standing_of_visit_tone": lambda standing: VISIT_STANDING_TONES.get(str(standing), "quiet"),
    "state": _lookup(STATES),
    "tone": tone,
    "topic": _lookup(TOPICS),
    "urgency": _lookup(URGENCIES),
    "visit_kind": _lookup(VISIT_KINDS),
    "visit_state": _lookup(VISIT_STATES),
}
