"""What staff call the word lists, and how a reading, a concern or a state is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _p

from campaigns.domain.languages import canonical
from campaigns.domain.own_words import SHARED
from campaigns.services.word_effects import Caution, Concern, Reading
from campaigns.web.names import colon, language_name
from campaigns.web.told import told
from campaigns.web.words import ANSWERS, QUESTIONS, URGENCIES, Words, rule

GROUPS: dict[str, tuple[object, tuple[str, ...]]] = {
    "danger": (_("Danger signs"), ("redflags",)),
    "stop": (
        _("No more messages"),
        ("stop", "stop_phrases", "keep_phrases", "other_stops", "stop_or_visit", "stop_unless_asked"),
    ),
    "wishes": (
        _("Start, help, a call, another language"),
        (
            *("start", "start_phrases", "help", "call", "call_phrases"),
            *("language_names", "language_phrases", "language_words"),
        ),
    ),
    "yes_no": (_("Yes and no"), ("yes", "no", "agree", "not_ready", "nothing")),
    "numbers": (_("Numbers"), ("numbers", "ambiguous_numbers", "out_of", "scale_first", "fillers")),
    "small": (
        _("Small words and spelling"),
        ("negators", "negators_after", "harmless", "not_slips", "glue", "polite"),
    ),
}
"""The lists as staff think of them, with the entries of each."""

ENTRIES: Words = {
    "stop": _p("word list", "Opt-out words, as the whole message"),
    "stop_phrases": _p("word list", "Opt-outs in a sentence"),
    "keep_phrases": _p("word list", "What looks like an opt-out and is not"),
    "other_stops": _p("word list", "Stops a visit or a medicine, not our messages"),
    "stop_or_visit": _p("word list", "Opt-out words that may mean the visit"),
    "stop_unless_asked": _p("word list", "Opt-out words that may also answer a question"),
    "start": _p("word list", "Words to get messages again"),
    "start_phrases": _p("word list", "Wants messages again, in a sentence"),
    "help": _p("word list", "Words that ask for help"),
    "call": _p("word list", "Words that ask for a call"),
    "call_phrases": _p("word list", "Asks for a call, in a sentence"),
    "language_names": _p("word list", "Names of the language"),
    "language_phrases": _p("word list", "Asks in a sentence for messages in"),
    "language_words": _p("word list", "Asks for another language without naming it"),
    "yes": _p("word list", "Yes"),
    "no": _p("word list", "No"),
    "agree": _p("word list", "Yes, to a question about being ready"),
    "not_ready": _p("word list", "No, to a question about being ready"),
    "nothing": _p("word list", "No, to the question about side effects"),
    "numbers": _p("word list", "The number"),
    "ambiguous_numbers": _p("word list", "Numbers with a second meaning"),
    "out_of": _p("word list", "Between answer and scale: 7 out of 10"),
    "scale_first": _p("word list", "Between scale and answer"),
    "fillers": _p("word list", "May stand beside a number"),
    "negators": _p("word list", "Denies what follows"),
    "negators_after": _p("word list", "Denies what stands before it"),
    "harmless": _p("word list", "Phrases in which a sign means no danger"),
    "not_slips": _p("word list", "Correct words that look like a misspelled sign"),
    "glue": _p("word list", "Small words written together with others"),
    "polite": _p("word list", "Polite words that change nothing"),
}

OTHERS: Words = {
    "am": _p("language", "Amharic"),
    "de": _p("language", "German"),
    "it": _p("language", "Italian"),
    "ja": _p("language", "Japanese"),
    "pl": _p("language", "Polish"),
    "pt": _p("language", "Portuguese"),
    "so": _p("language", "Somali"),
    "ur": _p("language", "Urdu"),
}
"""Languages that have keywords and no messages."""

KINDS: Words = {"add": _p("a word", "add"), "remove": _p("a word", "take away")}

KEYWORDS: Words = {
    "stop": _("No more messages"),
    "start": _("Messages again"),
    "help": _("Asks for help"),
    "language": _("Asks for a language"),
}

ACTS: Words = {
    "review": _("I have reviewed it"),
    "approve": _p("button", "Approve"),
    "reject": _p("button, a proposal", "Reject"),
    "retire": _p("button, a word in force", "Take out of force"),
}

CONCERNS: dict[Concern, object] = {
    Concern.COMMON: _(
        "{word} stands in {number} of the last {total} replies: it may be a word of every day."
    ),
    Concern.ALSO: _("{word} is also in another list: {entry}."),
    Concern.FEWER: _("{number} of {total} emergencies in the test replies would not be seen any more."),
    Concern.FALSE_ALARMS: _("More false alarms in the test replies: {number}. For instance: {word}"),
    Concern.FALSE_STOPS: _(
        "More opt-outs in the test replies that nobody meant: {number}. For instance: {word}"
    ),
    Concern.WRONG: _("More wrong answers in the test replies: {number}. For instance: {word}"),
    Concern.HIDES: _(
        "{word} can keep a danger or an opt-out from being seen: approve it only if you are sure."
    ),
}


_IN_LIST = re.compile(r"in the list (\S+)\.$")


def list_language(tag: str) -> str:
    """The language of a file: its own name and ours."""
    return str(_("Every language")) if tag == SHARED else language_name(canonical(tag))


def entry_name(entry: object) -> str:
    """What staff call one list."""
    name, _dot, part = str(entry).partition(".")
    if name == "redflags":
        return rule(entry)
    known = str(ENTRIES.get(name, name.replace("_", " ")))
    if name == "numbers":
        return f"{known} {part}"
    return f"{known}{colon()}{OTHERS.get(part) or language_name(part)}" if part else known


def caution(found: Caution) -> str:
    """A concern in a plain sentence. What somebody wrote stands between marks that keep its direction."""
    return str(CONCERNS[found.concern]).format(
        word=f"\u2068{found.word}\u2069",
        entry=entry_name(found.entry),
        number=found.number,
        total=found.total,
    )


def reading(found: Reading) -> str:
    """What a reply would be taken for, in a few words."""
    said = [str(URGENCIES[found.urgency])] if found.urgency else []
    if found.keyword:
        named = f"{colon()}{language_name(found.language)}" if found.keyword == "language" else ""
        said.append(str(KEYWORDS[found.keyword]) + (named if found.language else ""))
    if found.answer:
        said.append(str(_("Answer")) + colon() + str(ANSWERS.get(found.answer, found.answer)))
    if found.asks_call:
        said.append(str(_("Asks for a call")))
    return " · ".join(said) or str(_("Not understood: a person reads it"))


def refusal(text: str) -> str:
    """Why a word is refused, in the language of the page, with the name of the list that it is in already."""
    said, found = told(text), _IN_LIST.search(text)
    return f"{said.removesuffix(f'{found[1]}.')}{entry_name(found[1])}." if found else said


def grouped(entries: Iterable[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """(file, entry) by group, in the order of the groups; groups without any are left out."""
    listed = list(entries)
    found = {
        name: [place for one in names for place in listed if place[1].partition(".")[0] == one]
        for name, (_title, names) in GROUPS.items()
    }
    return {name: places for name, places in found.items() if places}


def questions() -> list[tuple[str, str]]:
    """Every question that may be open, to try a reply on, and none."""
    return [("", str(_("No question is open"))), *((name, str(said)) for name, said in QUESTIONS.items())]


FILTERS: dict[str, Callable[..., Any]] = {
    "caution": caution,
    "change_kind": lambda kind: str(KINDS[str(kind)]),
    "entry_name": entry_name,
    "lexicon_act": lambda act: str(ACTS[str(act)]),
    "list_group": lambda group: str(GROUPS[str(group)][0]),
    "list_language": list_language,
    "list_tag": canonical,
    "reading": reading,
    "refusal": refusal,
}
