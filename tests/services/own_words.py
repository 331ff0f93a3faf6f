"""What the tests of a clinic's own words share: changes, and words brought into force by two people."""

from __future__ import annotations

from campaigns.domain.errors import NotAllowed
from campaigns.domain.own_words import Change, Kind
from campaigns.models import Clinic, LexiconChange, Staff
from campaigns.queries import lexicons
from campaigns.services import own_words
from campaigns.services.own_words import Act
from campaigns.services.word_effects import Case, Reading, read
from tests.factories import NOON
from tests.services.wordings import person

WORD = "zorbly"
"""No word of any language: nothing that ships finds it."""


def adding(word: str = WORD, entry: str = "redflags.chest", language: str = "en") -> Change:
    """A new word."""
    return Change(language=language, entry=entry, word=word)


def taking(word: str, entry: str, language: str = "en") -> Change:
    """A word less."""
    return Change(language=language, entry=entry, word=word, kind=Kind.REMOVE)


def somebody(clinic: Clinic, role: str, name: str = "") -> Staff:
    """The person of this role and name, made when first asked for."""
    email = f"{name or role}.{clinic.pk.hex[:6]}@clinic.example"
    return Staff.objects.filter(email=email).first() or person(clinic, role, name)


def proposed(clinic: Clinic, *changes: Change, reason: str = "patients write it") -> list[LexiconChange]:
    """Proposals of the translator."""
    by = somebody(clinic, Staff.Role.TRANSLATOR)
    return own_words.propose(clinic, changes, reason, by=by, now=NOON)


def act(clinic: Clinic, what: Act, *rows: LexiconChange, by: Staff) -> str:
    """Do it; why it was refused, or nothing."""
    try:
        own_words.change(clinic, what, [row.pk for row in rows], by=by, now=NOON)
    except NotAllowed as error:
        return str(error)
    return ""


def in_force(clinic: Clinic, *changes: Change) -> list[LexiconChange]:
    """Proposed by the translator, reviewed and approved by a clinician."""
    rows = proposed(clinic, *changes)
    doctor = somebody(clinic, Staff.Role.CLINICIAN)
    assert not act(clinic, Act.REVIEW, *rows, by=doctor)
    assert not act(clinic, Act.APPROVE, *rows, by=doctor)
    return rows


def reading(clinic: Clinic, text: str, *, language: str = "en-CA", question: str = "") -> Reading:
    """What this clinic takes a reply for now."""
    now = Clinic.objects.get(pk=clinic.pk)
    return read(Case(text=text, language=language, question=question), lexicons.of(now)).reading
