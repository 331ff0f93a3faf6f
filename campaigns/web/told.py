"""What a service says in English, said in the language of the page.

Services and rules know nothing of pages, and the command line prints the same sentences. So each sentence
that staff may meet is listed here, with a hole where it states a fact. A test holds the list against them.
"""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _n
from django.utils.translation import pgettext_lazy as _p

from campaigns.web.patient_words import REFUSALS as OF_PATIENTS

SENTENCES = (
    _n("{day} {time} has already passed at the clinic."),
    _n("Choose a later date or time."),
    _n("{day} is more than two years away."),
    _n("Check the year."),
    _n("This visit is over."),
    _n("Book a new one instead."),
    _n("This visit is already {state}."),
    _n("This course is already closed."),
    _n("The patient needs a name."),
    _n("Give a mobile number or an e-mail address, or both."),
    _n("Choose at least one sequence."),
    _n("Say how it ended before you close it."),
    _n("This alert was closed already, by {name}."),
    _n("Write in the note to whom you handed it on."),
    _n("The patient has written again: read it before you close."),
    _n("Only an administrator may do this."),
    _n("Another administrator must do this for you."),
    _n("Give a name and a role."),
    _n("This account is closed."),
    _n("Set up the second factor first."),
    _n("This is your last way to prove who you are. Add another one first."),
    _n("There is already an account with this e-mail address."),
    _n("This person has no account at this clinic."),
    _n("Say from when to when."),
    _n("Give an e-mail address or a mobile number, better both."),
    _n("Each step may come sooner than the default, not later, and none before the last."),
    _n("You are not on the alert list."),
    _n("Only a {role} may do this."),
    _n("This address is not paused."),
    _n("This address has opted out already."),
    _n("The patient had not agreed to this."),
    _n("There is no number or address for this channel."),
    _n("{text} says something else by now: look at it again."),
    _n("{text} is {state}: look at it again."),
    _n("The checks find something wrong in {entry}: {finding}."),
    _n("You wrote some of these words yourself: another clinician must approve them."),
    _n("Write a comment of up to {number} characters."),
    _n("No text has an entry {entry}."),
    _n("{entry} counts days in several forms, so it stays as it ships."),
    _n("{entry}: this text has no variant."),
    _n("The file is larger than {number} MB: it is no catalog of ours."),
    _n("The file is empty."),
    _n("The file is not in UTF-8: save it as UTF-8 and try again."),
    _n("The file is not a text file: upload the .po file."),
    _n("The file cannot be read: line {number} has no closing quote."),
    _n("The file cannot be read: line {number} is not what a .po file has there."),
    _n("The file cannot be read: its header is broken."),
    _n("The file has no entries: upload the .po file that was exported here."),
    _n("The file says that its language is {found}; this page is for {language}."),
    _n("{number} entries change; {most} in one file is the most."),
    _n("This is not a phone number."),
    _n("Write it with the area code, for example 604-555-0134."),
    _n("The phone number is empty."),
    _n("The phone number holds a line break or a control character."),
    _n("The phone number holds more than one number, letters or an extension."),
    _n("Give one number without an extension."),
    _n("The phone number has too few digits."),
    _n("The phone number has no area code."),
    _n("The phone number has too many digits."),
    _n("The phone number starts with an unknown country code."),
    _n("The phone number has a wrong length."),
    _n("The stored phone number is not in E.164 form."),
    _n("No phone number in Canada or the US looks like this."),
    _n("The phone number holds a service code such as 911."),
    _n("The e-mail address holds a line break or a control character."),
    _n("The e-mail address needs a name, an @ and a domain."),
    _n("The name before the @ is longer than {number} characters."),
    _n("The name before the @ holds something we cannot send to, such as a space or an accent."),
    _n("The e-mail address is longer than {number} characters."),
    _n("The domain after the @ is not complete or not well formed."),
    _n("The domain holds a letter that has two readings."),
    _n("Write it in its xn-- form."),
    _n("Write one address like name@clinic.example."),
    _n("There is no such list."),
    _n("Write a word, in up to {number} characters."),
    _n("It holds a character that cannot be used."),
    _n("It is in this list already."),
    _n("It is not in this list."),
    _n("It ships as a sign of an emergency: it can never be taken away."),
    _n("Carriers act on this word by themselves: it must keep its meaning."),
    _n("One word would mean two things: it is also in the list {entry}."),
    _n("This cannot be read: {error}."),
    _n("This cannot be read: the term {term} has an empty part."),
    _n("This cannot be read: empty word in a term: {word}."),
    _n("This cannot be read: there is no set {name}."),
    _n("Nothing that a patient types could ever match this."),
    _n("This list takes plain words, without signs such as + or *."),
    _n("It holds a digit: digits are read as they are."),
    _n("It holds no letter."),
    _n("Somebody has proposed this already."),
    _n("A clinic can have {number} words of its own."),
    _n("Write between 1 and {number} words."),
    _n("Write a reason of up to {number} characters."),
    _n("Say why: this can hide something that matters."),
    _n("This word is in another state by now: look at it again."),
    _n("You proposed this yourself: somebody else must decide."),
    _n("A sign of an emergency goes only by a proposal, with a reason, that a second person approves."),
    _n("{word} cannot be approved any more."),
    _n("The file is larger than {number} kB: it is no list of ours."),
    _n("{number} words are new; {most} in one file is the most."),
    _n("Line {number} is not what a list of ours has there."),
    _n("The file cannot be read: line {number} is not YAML."),
    _n("marked fuzzy: take the mark away when the words are right"),
    _n("Paused from the first page"),
    _n("Run `campaigns reconcile-restore` first: part of what is due may have gone already."),
    _n("The database is older than what this machine remembers of it: was a backup restored?"),
    _n("This machine does not know this database, and no machine that does is at work."),
    _n("It is already known whose words these are."),
    _n("This patient does not have that phone."),
    _n("Choose one of the answers that the question takes."),
    _n("The answer says so already."),
    _n("Say how the call ended."),
    _n("Say why nobody calls this patient again."),
    _n("This patient was forgotten already."),
    _n("An alert about this patient is open: read it and close it first."),
    _n("A message to this patient is leaving just now: try again in a few minutes."),
    _n("Say whether the patient is in care, has left or has died."),
    _n("The patient's record says so already."),
    _n("This patient is not in care."),
    _n("Only a clinician or an administrator may approve this."),
    _n("Somebody else must approve what you asked for."),
    _n("This was approved already."),
    _n("You may not recall this."),
    _n("This is over already."),
    _n("What is on record of this patient was changed meanwhile."),
    _n("Only a coordinator, a clinician or an administrator may write to patients."),
    _n("{name} has just sent the same. Nothing was sent twice."),
    _n("{name} has written to this patient meanwhile: read it before you send."),
    _n("The patient has written again: read it before you send."),
    _n("The alerts of this patient have changed meanwhile: look at them again."),
    _n("An answer in writing closes no alert that is urgent."),
    _n("No visit is booked: choose another text."),
    _n("It cannot go as it is: look at it again."),
    _n("The text would say something else by now: look at it again."),
    _n("{name} has it by now."),
    _n("Somebody has given it back by now."),
    _n("This person cannot take it."),
    _n("Something was written meanwhile: read it first."),
    _n("Write between 1 and {number} characters."),
    _n("Leave links out: patients are taught not to trust them, and phone networks filter them."),
    _n("Leave out words that end all texts when a patient sends them back, such as STOP or CANCEL."),
    _n("Leave the patient's name out of a text: others may see the phone."),
)
"""Each sentence by itself, because hints are shared. `{name}` stands for a fact."""

WORDS = {
    "booked": _p("in a sentence: the visit is already", "booked"),
    "completed": _p("in a sentence: the visit is already", "completed"),
    "cancelled": _p("in a sentence: the visit is already", "cancelled"),
    "no show": _p("in a sentence: the visit is already", "no show"),
    "missing": _p("in a sentence: the text is", "missing"),
    "draft": _p("in a sentence: the text is", "draft"),
    "lapsed": _p("in a sentence: the text is", "lapsed"),
    "reviewed": _p("in a sentence: the text is", "reviewed"),
    "approved": _p("in a sentence: the text is", "approved"),
    "retired": _p("in a sentence: the text is", "retired"),
    "clinician": _p("in a sentence: only a", "clinician"),
    "clinician or translator": _p("in a sentence: only a", "clinician or translator"),
}
"""Facts that are words."""

_HOLE = re.compile(r"\\\{(\w+)\\\}")
_BETWEEN = re.compile(r"(?<=[.?!]) (?=\S)")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each sentence as what it looks like when it is said; the most definite first."""
    listed = sorted((*SENTENCES, *OF_PATIENTS), key=lambda text: (text.count("{"), -len(text)))
    return tuple((re.compile(_HOLE.sub(r"(?P<\1>.+)", re.escape(text)), re.DOTALL), text) for text in listed)


def told(text: str) -> str:
    """The same in the language of the page; a sentence that is not listed stays in English."""
    return _sentence(text) or " ".join(_sentence(part) or part for part in _BETWEEN.split(text))


def _sentence(text: str) -> str:
    for pattern, said in _patterns():
        if found := pattern.fullmatch(text):
            facts = {name: str(WORDS.get(fact, fact)) for name, fact in found.groupdict().items()}
            return gettext(said).format(**facts)
    return ""
