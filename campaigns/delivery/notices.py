"""What staff are told of alerts, by text and e-mail, in English or French.

Never whose alert it is or what was said: a phone that lies on a table shows how urgent it is, which clinic,
how long it has waited, and where to read it after signing in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

ENGLISH, FRENCH = "en-CA", "fr-CA"

_URGENCY: Mapping[str, Mapping[str, str]] = {
    ENGLISH: {"emergency": "EMERGENCY alert", "urgent": "Urgent alert", "routine": "Alert to read"},
    FRENCH: {"emergency": "Alerte URGENCE", "urgent": "Alerte urgente", "routine": "Alerte à lire"},
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    ENGLISH: {
        "new": "It has just come in.",
        "minutes": "It has waited for {n} min and nobody has taken it.",
        "hours": "It has waited for {n} h and nobody has taken it.",
        "more": "{n} alerts wait; this is the gravest.",
        "incident": "It is an incident now: everybody on the list is told.",
        "open": 'Sign in and press "I have it":',
        "test": "Test alert",
        "tested": "This is a test. An alert would reach you here. There is nothing to do.",
    },
    FRENCH: {
        "new": "Elle vient d'arriver.",
        "minutes": "Elle attend depuis {n} min et personne ne l'a prise.",
        "hours": "Elle attend depuis {n} h et personne ne l'a prise.",
        "more": "{n} alertes attendent; celle-ci est la plus grave.",
        "incident": "C'est maintenant un incident : tout le monde sur la liste est avisé.",
        "open": "Connectez-vous et appuyez sur « Je m'en occupe » :",
        "test": "Alerte d'essai",
        "tested": "Ceci est un essai. Une alerte vous joindrait ici. Il n'y a rien à faire.",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One word to staff. `waited` is since the alert came in; `alerts` how many wait for this person."""

    clinic: str
    urgency: str
    waited: timedelta
    link: str
    alerts: int = 1
    is_incident: bool = False


def subject_of(notice: Notice, language: str) -> str:
    """The subject of the e-mail and the head of the text."""
    return f"{_URGENCY[_known(language)][notice.urgency]} · {notice.clinic}"


def text_of(notice: Notice, language: str) -> str:
    """The words below it."""
    words = _WORDS[_known(language)]
    told = [_waited(notice.waited, words)]
    if notice.is_incident:
        told.append(words["incident"])
    if notice.alerts > 1:
        told.append(words["more"].format(n=notice.alerts))
    return f"{' '.join(told)} {words['open']} {notice.link}"


def test_words(clinic: str, language: str) -> tuple[str, str]:
    """Subject and text of a test."""
    words = _WORDS[_known(language)]
    return f"{words['test']} · {clinic}", words["tested"]


def _waited(waited: timedelta, words: Mapping[str, str]) -> str:
    minutes = int(waited.total_seconds() // 60)
    if minutes < 1:
        return words["new"]
    name, number = ("minutes", minutes) if minutes < 120 else ("hours", minutes // 60)
    return words[name].format(n=number)


def _known(language: str) -> str:
    return language if language in _WORDS else ENGLISH
