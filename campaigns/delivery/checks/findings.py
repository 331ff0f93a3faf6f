"""What the checks report, and the pair of texts that most of them look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from campaigns.delivery.catalogs import is_sms
from campaigns.delivery.glossaries import glossary
from campaigns.delivery.translations import GSM_ENTRY
from campaigns.domain.glossary import Glossary
from campaigns.domain.languages import SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to look at, on one line. A note does not fail the check."""

    file: str
    line: int
    entry: str
    check: str
    what: str
    language: str = SOURCE
    is_note: bool = False

    def __str__(self) -> str:
        mark = "note: " if self.is_note else ""
        return f"{self.file}:{self.line}: {self.entry}: {mark}{self.check}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text beside its English; in the source language both are the same.

    `countless` is a plural form that may leave the number out ("one day"). `comments` are the translator's
    notes of the entry.
    """

    context: str
    source: str
    target: str
    language: str
    countless: bool = False
    comments: str = ""

    @property
    def known(self) -> Glossary:
        """What is known about the language."""
        return glossary(self.language)

    @property
    def is_source(self) -> bool:
        """Whether this is an English text itself."""
        return self.language == SOURCE

    @property
    def is_sms(self) -> bool:
        """Whether the text goes into an SMS."""
        return is_sms(self.context)


Check = Callable[[Text], Iterator[str]]


def base(context: str) -> str:
    """The context of the text that a variant stands in for."""
    return context.removesuffix(GSM_ENTRY)
