"""Every page that patients open, in each state it can have, with made-up facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from campaigns.delivery.pages import SAMPLE_STOPPED, SAMPLE_WAYS, page, page_in_all, pages
from campaigns.delivery.translations import ROOT
from campaigns.delivery.wording import SAMPLE
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.vocabulary import Question

States = Mapping[str, Mapping[str, object]]

_CHECK_IN, _GONE = "patient/check_in", "patient/gone_part"
_CHANNELS: States = {
    "e-mail": {"channel": "email", "everywhere": False},
    "texts": {"channel": "sms", "everywhere": True},
}
_STATES: Mapping[str, States] = {
    "patient/call_us": {"": {"channel": "sms"}},
    "patient/checked_in": {
        "": {"danger": False, "worry": False, "unread": False},
        "with a worry": {"danger": False, "worry": True, "unread": False},
        "with a danger sign": {"danger": True, "worry": False, "unread": False},
        "with a danger sign, nobody on duty": {"danger": True, "worry": False, "unread": True},
    },
    "patient/unsubscribe": _CHANNELS,
    "patient/unsubscribed": _CHANNELS,
}
"""The states of a page, by what to call them. A page that is not named here has one."""
_ORDER = (
    "consent",
    "preferences",
    "check_in",
    "checked_in",
    "closed",
    "call_us",
    "unsubscribe",
    "unsubscribed",
)
_SHEET = "site.css"
_LINK = f'<link rel="stylesheet" href="{_SHEET}">'


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page in one state, as a document that needs no other file."""

    name: str
    state: str
    html: str


def sheets(language: str, questions: Mapping[str, Question]) -> Iterator[Sheet]:
    """Every page in the order a patient may meet them. A page that is not translated yet is in English."""
    style = (ROOT / "static" / _SHEET).read_text(encoding="utf-8")
    facts = {"clinic": SAMPLE.clinic, "phone": SAMPLE.phone, "stylesheet": _SHEET}
    for name in sorted(pages(), key=_place):
        for state, about in _states(name, language, questions).items():
            if name == _GONE:
                html = page_in_all("patient/gone", name, [language], _SHEET)
            else:
                html = page(name, language, facts, about=about)
            yield Sheet(name=name, state=state, html=html.replace(_LINK, f"<style>{style}</style>"))


def _place(name: str) -> tuple[int, str]:
    short = name.removeprefix("patient/")
    return (_ORDER.index(short) if short in _ORDER else len(_ORDER), short)


def _states(name: str, language: str, questions: Mapping[str, Question]) -> States:
    if name == _CHECK_IN:
        asked = {
            key: {"asks": key, "kind": question.scale.value, "missing": False}
            for key, question in questions.items()
        }
        first = next(iter(asked))
        return {**asked, f"{first}, sent without an answer": {**asked[first], "missing": True}}
    if name == "patient/preferences":
        about = {"choices": list(SUPPORTED.values()), "reads": language, "ways": SAMPLE_WAYS}
        quiet, said = (dict.fromkeys(("saved", "counted", "partly"), value) for value in (False, True))
        return {"": {**about, **quiet}, "saved": {**about, **said, "ways": SAMPLE_STOPPED}}
    return _STATES.get(name, {"": {}})
