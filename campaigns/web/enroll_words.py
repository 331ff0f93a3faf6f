"""What the enroll page says: why a sequence fits, what there is to know before saving, what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from campaigns.domain.suggesting import Why
from campaigns.services.course_warnings import About, Warned
from campaigns.web.names import language_name
from campaigns.web.words import Words

WHYS: Words = {
    Why.AT_ONCE: _("Goes once, as soon as the patient is enrolled."),
    Why.BEFORE_CONSULTATION: _("The course has a consultation."),
    Why.BEFORE_TREATMENT: _("The course has treatments."),
    Why.BEFORE_VISIT: _("The course has visits."),
    Why.AFTER_CONSULTATION: _("The course has a consultation."),
    Why.AFTER_TREATMENT: _("The course has treatments."),
    Why.AFTER_VISIT: _("The course has visits."),
    Why.IF_MISSED: _("Only if a visit is missed."),
    Why.AFTER_COURSE: _("When the course is completed."),
    Why.NO_CONSULTATION: _("Not suggested: the course has no consultation."),
    Why.NO_TREATMENT: _("Not suggested: the course has no treatment."),
    Why.NO_VISIT: _("Not suggested: the course has no visit."),
    Why.HAD_IT: _("Not suggested: the patient has had it."),
}

TONES: dict[str, str] = {
    About.NOTHING: "bad",
    About.TRIAL: "bad",
    About.OPTED_OUT: "bad",
    About.NO_CONSENT: "bad",
    About.LANDLINE: "bad",
    About.HELD: "bad",
    About.SHARED: "wait",
    About.ENGLISH: "wait",
    About.LATE_LEFT_OUT: "wait",
    About.LATE: "wait",
    About.NOT_SENT: "wait",
    About.CLOSED: "wait",
}
"""How grave a warning is; what is only good to know is quiet."""

TITLES: Words = {
    About.NOTHING: _("Nothing would be sent"),
    About.TRIAL: _("Trial"),
    About.OPTED_OUT: _("Opted out"),
    About.NO_CONSENT: _("No consent"),
    About.LANDLINE: _("Landline"),
    About.SHARED: _("Shared"),
    About.HELD: _("Held"),
    About.ENGLISH: _("In English"),
    About.LATE_LEFT_OUT: _("Booked late"),
    About.LATE: _("Booked late"),
    About.NOT_SENT: _("Not sent"),
    About.CLOSED: _("Clinic closed"),
    About.QUIET: _("Another hour"),
    About.OTHER_DAY: _("Another day"),
    About.CAPPED: _("Another day"),
}
"""One or two words for each kind of warning."""

SENTENCES: Words = {
    About.NOTHING: _("No message of this course would reach the patient."),
    About.TRIAL: _("This installation is not live yet: nothing goes to these addresses."),
    About.LANDLINE: _("The number is a landline, which cannot receive texts."),
    About.HELD: _("The wording is not approved yet, and this clinic holds such messages."),
    About.ENGLISH: _(
        "The translation is not approved yet, so this goes out in English with one line in the patient's "
        "language."
    ),
    About.LATE_LEFT_OUT: _("The visit is so near that these are left out, or another message says it all."),
    About.LATE: _("The visit is so near that these go at once."),
    About.QUIET: _("Moved to an hour at which messages may go."),
    About.OTHER_DAY: _("Moved to a day on which messages go."),
    About.CAPPED: _("Moved, because there are enough texts on that day already."),
}


def sentence(warned: Warned) -> str:
    """What a warning says, but for its dates."""
    if warned.about is About.NO_CONSENT:
        if warned.channel == "sms":
            return gettext("The patient has not agreed to texts: none of these goes.")
        return gettext("The patient has not agreed to e-mail: none of these goes.")
    if warned.about is About.SHARED:
        return _shared(warned)
    return str(SENTENCES.get(warned.about, ""))


def _shared(warned: Warned) -> str:
    n = warned.patients
    if warned.channel == "sms":
        said = ngettext(
            "%(n)d other patient has the same number.", "%(n)d other patients have the same number.", n
        )
    else:
        said = ngettext(
            "%(n)d other patient has the same e-mail address.",
            "%(n)d other patients have the same e-mail address.",
            n,
        )
    whose = gettext("A person will have to say whose answers from there are whose.")
    return f"{said % {'n': n}} {whose}"


FIELDS: Words = {
    "given_name": _("Given name"),
    "family_name": _("Family name"),
    "language": _("Language"),
    "interpreter_language": _("Interpreter at visits"),
    "phone": _("Mobile number"),
    "email": _("E-mail"),
    "consent_sms": _("The patient agrees to texts"),
    "consent_email": _("The patient agrees to e-mail"),
    "consent_evidence": _("How the patient agreed"),
    "sequences": _("Messages to send"),
}
"""What was entered, by its field."""


def entered_anew(names: Iterable[str]) -> str:
    """Which fields were changed."""
    return gettext("Entered anew: %(what)s.") % {"what": ", ".join(str(FIELDS[name]) for name in names)}


def on_record(names: Iterable[str], record: Mapping[str, str]) -> str:
    """What stands there now, of the fields that were changed by somebody else."""
    said = (f"{FIELDS[name]} ({_value(name, record)})" for name in names)
    return gettext("On record by now: %(what)s.") % {"what": ", ".join(said)}


def _value(name: str, record: Mapping[str, str]) -> str:
    if name.startswith("consent_"):
        return gettext("yes") if record[name] else gettext("no")
    return (language_name(record[name]) if name == "language" else record[name]) or "\u2013"


EVIDENCE = (
    _("Signed the consent form at the front desk"),
    _("Agreed on the phone"),
    _("Agreed in an e-mail to us"),
)
"""What staff mostly write of how somebody agreed: offered while they type, never filled in for them."""
