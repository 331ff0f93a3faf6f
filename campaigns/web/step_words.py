"""When a step goes, why it is off and why a change cannot be: in words a coordinator reads."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _p

from campaigns.domain.overrides import Misfit, OffReason, hours_of
from campaigns.domain.steps import Anchor, Days, Gap, Mandatory, Sequence, Step
from campaigns.services.clinic_changes import NOTHING_CHANGES
from campaigns.services.clinic_settings import Wrong
from campaigns.web.filters import clock
from campaigns.web.names import text_name
from campaigns.web.words import Words

OFF_REASONS: Words = {
    OffReason.NOT_OUR_CARE: _("It does not fit the care that we give"),
    OffReason.SAID_ELSEWHERE: _("We tell patients in another way"),
    OffReason.TOO_MANY_MESSAGES: _("Patients get too many messages"),
    OffReason.WORDING_IN_REVIEW: _("Its wording is being reviewed"),
    OffReason.OTHER: _("Another reason, in the note"),
}
"""Why a clinic switches a step off."""

MANDATORY: Words = {
    Mandatory.CONSENT: _(
        "It says who writes and how to stop. The law asks for that, so it cannot be switched off."
    ),
    Mandatory.MEDICINES: _(
        "It says which pills to avoid and that prescribed ones are never stopped. For patients’ safety it "
        "cannot be switched off."
    ),
    Mandatory.WARNING_SIGNS: _(
        "It says when to call, or asks about warning signs. For patients’ safety it cannot be switched off."
    ),
}
"""Why a step cannot be switched off."""

ANCHORS: Words = {
    Anchor.ENROLLMENT: _p("what days count from", "enrollment"),
    Anchor.VISIT_START: _p("what days count from", "visit"),
    Anchor.VISIT_COMPLETED: _p("what days count from", "treatment done"),
    Anchor.VISIT_MISSED: _p("what days count from", "visit missed"),
    Anchor.COURSE_COMPLETED: _p("what days count from", "course done"),
    Anchor.VISIT_GAP: _p("what days count from", "treatment done"),
    Anchor.ANSWER: _p("what days count from", "answer"),
}
"""What stands at day 0 of a picture."""

_FROM: Words = {
    Anchor.ENROLLMENT: _("%(time)s after enrollment"),
    Anchor.VISIT_START: _("%(time)s before the visit"),
    Anchor.VISIT_COMPLETED: _("%(time)s after the treatment"),
    Anchor.VISIT_MISSED: _("%(time)s after the missed visit"),
    Anchor.COURSE_COMPLETED: _("%(time)s after the course"),
}
_AT_ONCE: Words = {
    Anchor.ENROLLMENT: _("At enrollment"),
    Anchor.VISIT_START: _("At the visit"),
    Anchor.VISIT_COMPLETED: _("As soon as the treatment is done"),
    Anchor.VISIT_MISSED: _("As soon as the visit is marked as missed"),
    Anchor.COURSE_COMPLETED: _("On the day the course ends"),
}

FAULTS: Words = {
    NOTHING_CHANGES: _("Nothing changes: this is so already."),
    Misfit.UNKNOWN_STEP: _("There is no such step any more."),
    Misfit.MANDATORY: _("For patients’ safety this step cannot be switched off."),
    Misfit.NO_REASON: _("Say why."),
    Misfit.BY_SETTING: _("Its day is counted by a setting of the clinic. Change it there."),
    Misfit.BY_GAP: _("It goes halfway between two visits, so it has no fixed day."),
    Misfit.OTHER_UNIT: _("This step is counted in another unit."),
    Misfit.TOO_FAR: _("This is too much."),
    Misfit.WRONG_SIDE: _("It must stay on its side: before the visit, or after."),
    Misfit.ENDS_FIRST: _("It would be out of date before it goes. Choose another time."),
    Misfit.NO_HOURS: _("Say from when to when: the first time must be the earlier one."),
    Misfit.UNREAD: _("Read the words, and say that they are still true at the new time."),
    Wrong.MISSING: _("This is needed."),
    Wrong.TOO_LONG: _("This is too long."),
    Wrong.NOT_A_PHONE: _("This is not a phone number."),
    Wrong.NOT_A_TIME: _("This is not a time of day."),
    Wrong.NOT_A_DATE: _("Write each date as in 2026-12-25, one on a line, 60 at most."),
    Wrong.BACKWARDS: _("The second one must be larger or later than the first."),
    Wrong.NO_TIME_LEFT: _("Quiet hours leave no time to send."),
    Wrong.NIGHT: _("From 22:00 to 7:00 it is always quiet."),
    Wrong.OUT_OF_RANGE: _("This number is too small or too large."),
    Wrong.WEEK_BELOW_DAY: _("A week cannot have fewer than a day."),
    Wrong.ENGLISH_STAYS: _("English must stay: it is what every text falls back on."),
    Wrong.LANGUAGE_IN_USE: _("Patients read a language that you would drop. Change theirs first."),
    Wrong.NO_OPEN_DAY: _("Choose at least one day."),
}
"""Why a change cannot be."""

NAMES: Words = {
    "off": _p("value of a step", "Switched off"),
    "note": _("Note"),
    "days": _("Days"),
    "minutes": _("Hours and minutes"),
    "opens": _("Not before"),
    "closes": _("Not after"),
    "name": _("Name of the clinic"),
    "display_name": _("Neutral name for texts"),
    "phone": _("Phone that patients call"),
    "address": _("Address"),
    "clinician_name": _("Clinician"),
    "fee_text": _("Fee, as texts say it"),
    "languages": _("Languages"),
    "staffed_hours": _("Staffed hours"),
    "holidays": _("Holidays"),
    "send_days": _("Days on which messages go"),
    "send_from": _("Messages go from"),
    "send_to": _("until"),
    "quiet_from": _("Quiet hours from"),
    "quiet_to": _p("end of quiet hours", "until"),
    "sms_per_day": _("Texts a day for one patient, at most"),
    "sms_per_week": _("Texts in seven days, at most"),
    "large_act_limit": _("An act is large above so many patients"),
    "days.nsaid_days_before": _("Days without anti-inflammatories before a treatment"),
    "days.caffeine_days_before": _("Days without caffeine before a treatment (0: do not mention it)"),
    "days.alcohol_days_before": _("Days without alcohol before a treatment (0: do not mention it)"),
    "days.avoid_days_before": _("Days before a treatment on which “what to avoid” goes"),
    "days.soreness_days_from": _("Soreness lasts at least so many days"),
    "days.soreness_days_to": _("Soreness lasts at most so many days"),
}
"""What each value is called."""

WEEKDAYS: tuple[str | Promise, ...] = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)


def fault(code: str) -> str:
    """Why a change cannot be."""
    return str(FAULTS.get(code, code.replace("_", " ")))


def value_name(name: str) -> str:
    """What a value is called; a figure that a clinic's own file adds goes by its key."""
    return str(NAMES.get(name, name.removeprefix("days.").replace("_", " ")))


def duration(days: int | None, minutes: int | None) -> str:
    """So many days, or hours and minutes."""
    if days is not None:
        n = abs(days)
        return ngettext("%(n)s day", "%(n)s days", n) % {"n": n}
    hours, rest = divmod(abs(minutes or 0), 60)
    said = ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours} if hours else ""
    more = ngettext("%(n)s minute", "%(n)s minutes", rest) % {"n": rest} if rest else ""
    return " ".join(part for part in (said, more) if part)


def when(step: Step, sequence: Sequence, settings: dict[str, int]) -> str:
    """When a step goes, counted from what it counts from."""
    if isinstance(step.offset, Gap):
        n = step.offset.fallback_days
        words = ngettext(
            "Halfway to the next treatment; %(n)s day after, if none is booked",
            "Halfway to the next treatment; %(n)s days after, if none is booked",
            n,
        )
        return words % {"n": n}
    if step.anchor is Anchor.ANSWER:
        return gettext("Straight after the answer to “%(text)s”") % {
            "text": text_name(f"{sequence.key}/{step.follows}")
        }
    if isinstance(step.offset, Days):
        days = step.offset.resolve(settings)
        said = duration(days, None) if days else ""
    else:
        said = duration(None, step.offset.minutes) if step.offset.minutes else ""
    return str(_FROM[step.anchor]) % {"time": said} if said else str(_AT_ONCE[step.anchor])


def hours(step: Step) -> str:
    """Its own hours of the day; empty where those of the clinic hold."""
    window = hours_of(step)
    return f"{clock(window.opens)} – {clock(window.closes)}" if window else ""
