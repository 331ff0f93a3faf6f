"""What the pages of an import say: columns, states of a row, all that can be wrong, in a sentence each."""

from __future__ import annotations

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _p

from campaigns.domain.import_terms import Column, DateOrder, Doing, Fault, ImportRefused, Problem, Refusal
from campaigns.models import Import, ImportRow
from campaigns.web.filters import language
from campaigns.web.names import colon
from campaigns.web.told import told
from campaigns.web.words import Words

COLUMNS: Words = {
    Column.PATIENT_ID: _("Patient's number in that program"),
    Column.FULL_NAME: _("Whole name"),
    Column.GIVEN_NAME: _("Given name"),
    Column.FAMILY_NAME: _("Family name"),
    Column.LANGUAGE: _("Language the patient reads"),
    Column.PHONE: _("Mobile number"),
    Column.EMAIL: _("E-mail"),
    Column.CONSENT_SMS: _("Agrees to texts (yes or no)"),
    Column.CONSENT_EMAIL: _("Agrees to e-mail (yes or no)"),
    Column.CONSENT_EVIDENCE: _("How the patient agreed"),
    Column.CONSENT_DATE: _("When the patient agreed"),
    Column.VISIT_ID: _("Visit's number in that program"),
    Column.VISIT_DATE: _("Visit: date, or date and time"),
    Column.VISIT_TIME: _("Visit: time"),
    Column.VISIT_KIND: _("Visit: kind"),
    Column.VISIT_STATUS: _("Visit: booked, arrived, no show, cancelled"),
}
ORDERS: Words = {
    DateOrder.DAY_FIRST: _("Day first: 31/12/2026"),
    DateOrder.MONTH_FIRST: _("Month first: 12/31/2026"),
    DateOrder.YEAR_FIRST: _("Year first: 2026-12-31"),
}
STATES: Words = {
    Import.State.UPLOADED: _p("import", "Columns to be named"),
    Import.State.CHECKING: _p("import", "Being checked"),
    Import.State.CHECKED: _p("import", "Checked, nothing changed yet"),
    Import.State.APPLYING: _p("import", "Under way"),
    Import.State.DONE: _p("import", "Done"),
    Import.State.UNDOING: _p("import", "Being undone"),
    Import.State.UNDONE: _p("import", "Undone"),
    Import.State.DISCARDED: _p("import", "Thrown away"),
}
ROW_STATES: Words = {
    ImportRow.State.NEW: _p("import row", "Not looked at yet"),
    ImportRow.State.WRONG: _p("import row", "Cannot be taken"),
    ImportRow.State.ASKED: _p("import row", "Waits for your answer"),
    ImportRow.State.READY: _p("import row", "Ready"),
    ImportRow.State.NOTHING: _p("import row", "Changes nothing"),
    ImportRow.State.LEFT_OUT: _p("import row", "Left out"),
    ImportRow.State.DONE: _p("import row", "Done"),
    ImportRow.State.TAKEN_BACK: _p("import row", "Taken back"),
    ImportRow.State.KEPT: _p("import row", "Stays as it is"),
}
TONES = {
    ImportRow.State.WRONG: "bad",
    ImportRow.State.ASKED: "wait",
    ImportRow.State.READY: "next",
    ImportRow.State.DONE: "good",
}
"""The colours of a row's state; the rest are quiet."""
DOINGS: Words = {
    Doing.NEW_PATIENT: _p("import row", "New patient"),
    Doing.NEW_VISIT: _p("import row", "New visit"),
    Doing.MOVE: _p("import row", "Visit moves"),
    Doing.COMPLETE: _p("import row", "Visit took place"),
    Doing.NO_SHOW: _p("import row", "Patient did not come"),
    Doing.CANCEL: _p("import row", "Visit cancelled"),
    Doing.NOTHING: _p("import row", "Nothing new"),
}
CHOICES: Words = {
    ImportRow.Choice.SAME: _p("import row", "The same person"),
    ImportRow.Choice.NEW: _p("import row", "Somebody else"),
    ImportRow.Choice.LEAVE_OUT: _p("import row", "Leave it out"),
}

FAULTS: Words = {
    Fault.TOO_MANY_CELLS: _("There are more cells than columns: is a comma in the text without quotes?"),
    Fault.NO_NAME: _("The patient is not here yet, and the row has no name."),
    Fault.NAME_TOO_LONG: _("The name has more than 80 characters."),
    Fault.NO_ADDRESS: _(
        "The patient is not here yet, and the row has no phone number and no e-mail address."
    ),
    Fault.BAD_PHONE: _("Phone number: {said}"),
    Fault.BAD_EMAIL: _("E-mail: {said}"),
    Fault.NO_LANGUAGE: _("The row has no language."),
    Fault.UNKNOWN_LANGUAGE: _("We have no texts in “{said}”."),
    Fault.BAD_YES_NO: _("“{said}” is neither yes nor no."),
    Fault.NO_CONSENT_COLUMN: _(
        "The patient is not here yet, and this file does not say who agreed to what. "
        "Import the list of patients first."
    ),
    Fault.NO_EVIDENCE: _("The patient agreed, but the row does not say how."),
    Fault.EVIDENCE_TOO_LONG: _("How the patient agreed has more than 180 characters."),
    Fault.NO_CONSENT_DATE: _("The patient agreed, but the row does not say when."),
    Fault.CONSENT_IN_FUTURE: _("The day on which the patient agreed, {said}, lies ahead."),
    Fault.AGREED_WITHOUT_ADDRESS: _("The patient agreed to messages, but the number or address is missing."),
    Fault.BAD_DATE: _("“{said}” is not a date that we can read. Write it like 2026-12-31."),
    Fault.TWO_DIGIT_YEAR: _("“{said}”: write the year with four digits."),
    Fault.NO_TIME: _("The visit has a date and no time."),
    Fault.BAD_TIME: _("“{said}” is not a time that we can read. Write it like 14:30."),
    Fault.TIME_AT_NIGHT: _("“{said}”: morning or afternoon? Write 14:30 or 2:30 PM."),
    Fault.TIME_DOES_NOT_EXIST: _("{said} does not exist: the clocks jump over it that night."),
    Fault.ALL_DAY: _("The event lasts the whole day, so it has no time."),
    Fault.NO_CALENDAR_FACTS: _("The event has no start that we can read, or no UID."),
    Fault.REPEATS: _("The event repeats by a rule. Export each visit as an event of its own."),
    Fault.BAD_STATUS: _("“{said}” is no state of a visit that we know: booked, arrived, no show, cancelled."),
    Fault.PASSED: _("The visit is booked for a time that has passed."),
    Fault.TOO_FAR: _("The visit is more than two years away. Check the year."),
    Fault.NOT_YET: _("The file says that the visit is over, but its time has not come yet."),
    Fault.IS_OVER: _("Here the visit is over already, so it cannot change any more."),
    Fault.TWICE_IN_FILE: _("Row {said} says something else of the same visit."),
    Fault.SAYS_TWO_THINGS: _("Row {said} says something else of the same patient."),
    Fault.NOT_IN_CARE: _("The patient has left, has died or was forgotten."),
    Fault.OF_ANOTHER_PATIENT: _("This visit is another patient's here."),
    Fault.CHANGED_SINCE: _("Somebody has changed this since. Nothing was done."),
    Fault.REFUSED: "{said}",
    Fault.FAILED: _("This row could not be taken, and we do not know why. Tell your administrator."),
    Fault.TIME_TWICE: _("{said} comes twice that night: the first is meant."),
    Fault.LANDLINE: _("This looks like a landline: texts may not arrive."),
    Fault.SHARED_PHONE: _(
        "Somebody else has the same number: a person will have to say whose answers are whose."
    ),
    Fault.SHARED_EMAIL: _("Somebody else has the same e-mail address."),
    Fault.OPTED_OUT: _("This number or address has opted out. It stays so, and nothing is sent there."),
    Fault.DIFFERS: _("The file says something else than we do. What is here stays{said}"),
    Fault.NO_CONSENT: _("The patient has not agreed to messages: none will go."),
    Fault.NO_VISIT_AHEAD: _(
        "No visit ahead: the patient is not taken, so nobody is greeted who came long ago."
    ),
    Fault.OVER_BEFORE: _("The visit was over or cancelled before it was ever here."),
    Fault.OLDER: _("We have a newer state of this event."),
    Fault.MATCHED: _("Found by what stands in the event: {said}. Is that right?"),
    Fault.ZONE_OF_WINDOWS: _("The calendar names its time zone “{said}”: taken as the clock of the clinic."),
}
_DIFFERENT = {"sms": _("phone number"), "email": _("e-mail"), "language": _("language")}

REFUSALS: Words = {
    Refusal.EMPTY: _("The file is empty."),
    Refusal.TOO_LARGE: _("The file is larger than {most} MB. Split it."),
    Refusal.SPREADSHEET: _("This is a spreadsheet. Save it as CSV (UTF-8) and take that file."),
    Refusal.NOT_TEXT: _("This is not a text file that we can read. Save it as CSV (UTF-8)."),
    Refusal.OPEN_QUOTE: _("The file cannot be read: near line {line} a quote is not closed."),
    Refusal.LONG_CELL: _(
        "The file cannot be read: near line {line} a cell has more than {most} characters. "
        "Is a quote not closed?"
    ),
    Refusal.NO_HEADER: _("The first row must name the columns. This one holds data, or nothing."),
    Refusal.TOO_MANY_COLUMNS: _("The file has more than {most} columns."),
    Refusal.TOO_MANY_ROWS: _("The file has more than {most} rows. Split it: nothing was taken."),
    Refusal.NO_ROWS: _("The file has no rows."),
    Refusal.NOT_CALENDAR: _("This is not a calendar file that we can read."),
    Refusal.COLUMN_TWICE: _("Two columns say the same: leave one of them out."),
    Refusal.NEEDS_PERSON: _("Say which column tells patients apart: their number, mobile number or e-mail."),
    Refusal.NEEDS_NAME: _("Say which column holds the name, or the patient's number in that program."),
    Refusal.NEEDS_ADDRESS: _("Say which column holds the mobile number or the e-mail address."),
    Refusal.NEEDS_CONSENT: _(
        "A list of patients must say who agreed (yes or no), how and when. Say which columns do, "
        "or add them to the file."
    ),
    Refusal.NEEDS_DATE: _("Say which column holds the date of the visit."),
    Refusal.NEEDS_DATE_ORDER: _("Some dates can be read in two ways. Say how they are written."),
    Refusal.NEEDS_SEQUENCE: _("Choose at least one kind of message."),
    Refusal.NEEDS_LANGUAGE: _("The file has no column with the language. Say which one all of them read."),
    Refusal.NO_SOURCE: _("Say where the file comes from."),
    Refusal.STALE: _(
        "This import has changed since you opened the page. Look at it again; nothing was done."
    ),
    Refusal.NOTHING_TO_DO: _("No row is ready, so there is nothing to do."),
    Refusal.ERASED: _("The rows of this file were erased by now, so this is not possible any more."),
    Refusal.NO_SUCH_PATIENT: _("No patient in care has this number, address or whole name."),
    Refusal.SEVERAL_PATIENTS: _("Several patients have this. Give another number, address or name."),
}


def refused(error: ImportRefused) -> str:
    """Why a file or a wish is refused."""
    return str(REFUSALS[error.why]).format(**error.facts)


def problem(found: Problem) -> str:
    """One thing about a row, as a sentence."""
    if found.fault is Fault.UNKNOWN_LANGUAGE:
        return _about_language(found.said)
    if found.fault is Fault.DIFFERS:
        parts = [str(_DIFFERENT[one]) for one in found.said.split() if one in _DIFFERENT]
        return str(FAULTS[Fault.DIFFERS]).format(said=f"{colon()}{', '.join(parts)}.")
    said = told(found.said) if found.fault in _SENTENCES else found.said
    return str(FAULTS[found.fault]).format(said=said)


_SENTENCES = {Fault.BAD_PHONE, Fault.BAD_EMAIL, Fault.REFUSED}
"""What is said about these is a sentence of a service."""


def _about_language(said: str) -> str:
    name, _bar, tags = said.rpartition("|")
    text = str(FAULTS[Fault.UNKNOWN_LANGUAGE]).format(said=name)
    if not tags:
        return text
    meant = ", ".join(language(tag) for tag in tags.split())
    return f"{text} {gettext('Perhaps this is meant: {languages}.').format(languages=meant)}"


def row_tone(state: str) -> str:
    """The colour of a row's state."""
    return TONES.get(ImportRow.State(state), "quiet")


EFFECTS = ("planned", "retimed", "cancelled", "corrections", "skipped")


def effects(counts: dict[str, int]) -> list[str]:
    """What a row changes for messages, in a few words each."""
    said = {
        "planned": lambda n: ngettext("%(n)s message planned", "%(n)s messages planned", n),
        "retimed": lambda n: ngettext("%(n)s message re-timed", "%(n)s messages re-timed", n),
        "cancelled": lambda n: ngettext("%(n)s message cancelled", "%(n)s messages cancelled", n),
        "corrections": lambda n: ngettext("%(n)s correction", "%(n)s corrections", n),
        "skipped": lambda n: ngettext("%(n)s cannot go", "%(n)s cannot go", n),
    }
    return [said[name](n) % {"n": n} for name in EFFECTS if (n := counts.get(name, 0))]
