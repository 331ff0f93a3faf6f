"""What staff call each message, page and sequence; what the sequence files say is translated here.

A message that has no name of its own, such as a step that a clinic added, goes by its purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _p

from campaigns.domain.languages import SUPPORTED
from campaigns.domain.steps import Step
from campaigns.queries import sequence_files
from campaigns.web.words import FOLDERS, Words

TEXTS: Words = {
    "welcome/hello": _p("message", "Who writes, and how to stop"),
    "previsit/about": _p("message", "What the treatment is"),
    "previsit/prepare": _p("message", "How to prepare"),
    "previsit/late_booking": _p("message", "Booked late: all in one"),
    "previsit/confirm": _p("message", "Coming to the visit?"),
    "pretreatment/nsaids": _p("message", "No anti-inflammatories from now on"),
    "pretreatment/avoid": _p("message", "What to avoid; ready or not?"),
    "pretreatment/day_before": _p("message", "The day before"),
    "pretreatment/morning": _p("message", "The morning of the visit"),
    "aftercare/same_day": _p("message", "What to expect, the same day"),
    "aftercare/next_day": _p("message", "Pain, the next day"),
    "aftercare/next_day_again": _p("message", "Pain, asked again"),
    "aftercare/side_effects": _p("message", "Side effects"),
    "aftercare/side_effects_again": _p("message", "Side effects, asked again"),
    "aftercare/week_pain": _p("message", "Pain, after a week"),
    "aftercare/week_nsaids": _p("message", "Anti-inflammatories, after a week"),
    "aftercare/change": _p("message", "Change since the start"),
    "aftercare/midway": _p("message", "Everyday activities, between two treatments"),
    "aftercare/plan_next": _p("message", "Plan the next visit"),
    "aftercare/plan_next_again": _p("message", "Plan the next visit, second offer"),
    "course_end/pain": _p("message", "Pain, after two weeks"),
    "course_end/change": _p("message", "Change, after two weeks"),
    "course_end/three_months": _p("message", "Pain, after three months"),
    "course_end/three_months_change": _p("message", "Change, after three months"),
    "missed_visit/sorry": _p("message", "We missed you"),
    "missed_visit/rebook": _p("message", "Book again, last reminder"),
    "correction/moved": _p("message", "The visit was moved"),
    "correction/cancelled": _p("message", "The visit was cancelled"),
    "auto/call": _p("message", "Asked for a call"),
    "auto/closed": _p("message", "Worrying reply, clinic closed"),
    "auto/crisis": _p("message", "Crisis: whom to call"),
    "auto/crisis_unread": _p("message", "Crisis, nobody on duty: whom to call"),
    "auto/emergency": _p("message", "Emergency: call 911"),
    "auto/emergency_unread": _p("message", "Emergency, nobody on duty: call 911"),
    "auto/help": _p("message", "Asked for help"),
    "auto/high": _p("message", "Worrying reply, clinic open"),
    "auto/language": _p("message", "Language changed"),
    "auto/languages": _p("message", "List of languages"),
    "auto/not_ready": _p("message", "Not ready, or not coming"),
    "auto/ok": _p("message", "Answer noted"),
    "auto/retry_change": _p("message", "Not understood: 1 to 7"),
    "auto/retry_nrs": _p("message", "Not understood: 0 to 10"),
    "auto/retry_yes_no": _p("message", "Not understood: yes or no"),
    "auto/start": _p("message", "Texts again"),
    "auto/stop": _p("message", "No more texts"),
    "auto/which_patient": _p("message", "Number shared by several patients"),
    "replies/will_call": _p("message", "We have your message, we will phone"),
    "replies/passed_on": _p("message", "Your question went on to your practitioner"),
    "replies/please_call": _p("message", "Please call us"),
    "replies/tried": _p("message", "We tried to phone you"),
    "replies/thanks": _p("message", "Thank you, we have read it"),
    "replies/visit": _p("message", "When your visit is"),
    "replies/confirmed": _p("message", "Your visit is confirmed"),
    "replies/own": _p("message", "In your own words"),
    "patient/call_us": _p("message", "Page not available: call us"),
    "patient/check_in": _p("message", "Question"),
    "patient/checked_in": _p("message", "Thanks for the answer"),
    "patient/closed": _p("message", "Question closed"),
    "patient/consent": _p("message", "What the patient agrees to"),
    "patient/gone_part": _p("message", "Link does not work any more"),
    "patient/preferences": _p("message", "Choice of language and messages"),
    "patient/unsubscribe": _p("message", "Unsubscribe"),
    "patient/unsubscribed": _p("message", "Unsubscribed"),
}


def colon() -> str:
    """What stands between a name and what is said of it: French has a space before it."""
    return pgettext("between a name and what is said of it", ": ")


def sequence_title(key: str, title: str) -> str:
    """The title of a sequence file."""
    return pgettext("title of a sequence", title) if title else key.replace("_", " ")


def purpose_of(template: str) -> str:
    """What the step of a template is for, as its sequence says; empty for what is in no sequence."""
    step = _step(template)
    return pgettext("purpose of a message", step.purpose) if step and step.purpose else ""


def _step(template: str) -> Step | None:
    folder, _slash, key = template.partition("/")
    sequence = sequence_files.load_all().get(folder)
    return next((step for step in sequence.steps if step.key == key), None) if sequence else None


def text_name(template: str) -> str:
    """The name of one message or page; without one its purpose, and without that its key."""
    known: str | Promise = TEXTS.get(template, "")
    return str(known) or purpose_of(template) or template.partition("/")[2].replace("_", " ")


def folder_name(folder: str) -> str:
    """The group that a message stands in: a sequence, or automatic answers and the like."""
    if folder in FOLDERS:
        return str(FOLDERS[folder])
    sequence = sequence_files.load_all().get(folder)
    return sequence_title(folder, sequence.title if sequence else "")


def step(message: Any) -> str:
    """A message as staff know it: `After a treatment: Pain, the next day`."""
    of_sequence = f"{message.sequence}/{message.step}" if message.sequence else message.template
    template = message.step if message.step in TEXTS else of_sequence  # a correction's step is its text
    return folder_name(template.partition("/")[0]) + colon() + text_name(template)


def language_name(tag: str) -> str:
    """A language in its own name, with the one in the language of the page where it differs."""
    known = SUPPORTED.get(tag)
    if known is None:
        return tag
    said = pgettext("language", known.staff_name)
    return known.name if known.name.casefold() == said.casefold() else f"{known.name} · {said}"


SCOPE_WORDS: Words = {
    "patients:read": _("See patients, their addresses and consents"),
    "patients:write": _("Take patients into care, and change their addresses and consents"),
    "courses:read": _("See courses and visits"),
    "courses:write": _("Book, move, cancel and complete visits"),
    "enrollments:read": _("See which sequences a course follows, with its timeline"),
    "enrollments:write": _("Begin and stop sequences"),
    "messages:read": _("See every message and why it did not go, without its words"),
    "answers:read": _("See what patients answered"),
    "alerts:read": _("See alerts, without the patient's words"),
    "alerts:write": _("Take and close alerts for a named person"),
    "sequences:read": _("See which sequences there are"),
    "webhooks:read": _("See who is told of what happens"),
    "webhooks:write": _("Change who is told of what happens"),
}
"""What a key of another program may do."""


def scope(name: str) -> str:
    """What a scope lets a program do."""
    return str(SCOPE_WORDS.get(name, name))


BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
"""A mark in what a browser says of itself, and its name: those that pretend to be others come first."""
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "Linux": "Linux",
}


def browser(agent: str) -> str:
    """What a browser says of itself, in two words: `Firefox, Linux`."""
    said = [next((name for mark, name in of.items() if mark in agent), "") for of in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, said)) or gettext("Unknown browser")


FILTERS: dict[str, Callable[..., Any]] = {
    "browser": browser,
    "folder": folder_name,
    "purpose_of": purpose_of,
    "scope": scope,
    "step": step,
    "text_name": text_name,
}
