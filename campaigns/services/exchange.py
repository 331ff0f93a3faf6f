"""A language as a file for a translator, and back: gettext's .po with the clinic's own words in it."""

from __future__ import annotations

import io
from dataclasses import dataclass

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from campaigns.delivery import catalogs
from campaigns.delivery.checks.catalog import forms, sources_of
from campaigns.delivery.translations import GSM_ENTRY, OwnWords
from campaigns.domain.errors import NotAllowed, UnknownLanguage
from campaigns.domain.languages import SOURCE, resolve
from campaigns.models import Clinic
from campaigns.services.compose import approvals
from campaigns.services.entries import shipped, source_of, words_today
from campaigns.services.reword import Proposal, clean, propose, refuse_unknown

LARGEST = 1_000_000
"""Bytes of a file. The catalogs that ship have a tenth of that."""
MOST_CHANGES = 500
_QUOTED = ('"', "msgctxt", "msgid", "msgstr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of a file beside what the clinic says today; `findings` refuse it."""

    context: str
    before: str
    after: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file would do: entries that change, that the checks refuse, that are not ours, that stay."""

    changes: tuple[Change, ...]
    refused: tuple[Change, ...]
    unknown: tuple[str, ...]
    unchanged: int
    proposal: Proposal | None


def exported(clinic: Clinic, language: str) -> str:
    """The catalog of a language with the clinic's own words in it. English has its own text as translation
    where the clinic says something else."""
    own = approvals(clinic).own.of(language)
    catalog = _catalog(language)
    for message in list(catalog)[1:]:
        if said := own.get(message.context or ""):
            message.string = said
    for context, said in sorted(own.items()):
        if context.endswith(GSM_ENTRY) and context not in _contexts(catalog):
            entry = source_of(context)
            catalog.add(entry.text if entry else "", said, context=context)
    return catalogs.text_of(catalog)


def _catalog(language: str) -> Catalog:
    if language != SOURCE:
        return catalogs.load(language)
    catalog = catalogs.extract()
    catalog.locale = "en_CA"
    return catalog


def _contexts(catalog: Catalog) -> set[str]:
    return {message.context or "" for message in list(catalog)[1:]}


def decoded(content: bytes) -> str:
    """The text of an uploaded file. Raises NotAllowed: too large, empty, or not UTF-8."""
    if len(content) > LARGEST:
        raise NotAllowed(f"The file is larger than {LARGEST // 1_000_000} MB: it is no catalog of ours.")
    if not content.strip():
        raise NotAllowed("The file is empty.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotAllowed("The file is not in UTF-8: save it as UTF-8 and try again.") from None
    if "\x00" in text:
        raise NotAllowed("The file is not a text file: upload the .po file.")
    return text


def read(clinic: Clinic, language: str, content: str) -> Reading:
    """What a translator's file would change. Raises NotAllowed for a file that cannot be read or is of
    another language. Nothing is saved."""
    catalog = _parsed(content)
    _refuse_other_language(catalog, language)
    sorted_out = _SortedOut(language, approvals(clinic).own)
    for message in list(catalog)[1:]:
        if any(forms(message)):
            sorted_out.take(message)
    return sorted_out.reading(clinic)


def _parsed(content: str) -> Catalog:
    """The file as a catalog. A header may hold anything, and Babel trips over some of it.

    Of a line without its closing quote Babel would drop the last letter in silence: such a file was cut off.
    """
    for number, line in enumerate(content.splitlines(), 1):
        if line.lstrip().startswith(_QUOTED) and not line.rstrip().endswith('"'):
            raise NotAllowed(f"The file cannot be read: line {number} has no closing quote.")
    try:
        catalog = read_po(io.StringIO(content), abort_invalid=True)
    except PoFileError as error:
        number = (error.lineno or 0) + 1
        raise NotAllowed(
            f"The file cannot be read: line {number} is not what a .po file has there."
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise NotAllowed("The file cannot be read: its header is broken.") from None
    if not len(catalog):
        raise NotAllowed("The file has no entries: upload the .po file that was exported here.")
    return catalog


def _refuse_other_language(catalog: Catalog, language: str) -> None:
    told = str(catalog.locale_identifier or "")
    try:
        found = resolve(told).tag if told else language
    except UnknownLanguage:
        found = told
    if found != language:
        raise NotAllowed(f"The file says that its language is {found[:35]}; this page is for {language}.")


class _SortedOut:
    """The entries of a file, each where it belongs."""

    def __init__(self, language: str, own: OwnWords) -> None:
        self.language, self.own = language, own
        self.said: dict[str, str | None] = {}
        self.refused: list[Change] = []
        self.unknown: list[str] = []
        self.unchanged = 0

    def take(self, message: Message) -> None:
        """Put one entry where it belongs."""
        context, words = message.context or "", forms(message)
        today = tuple(text.target for text in words_today(self.language, context, self.own))
        if self._is_unknown(message):
            self.unknown.append(context[:120] or str(sources_of(message)[0])[:120])
        elif not message.fuzzy and tuple(clean(form) for form in words) == today:
            self.unchanged += 1
        elif reason := self._refusal(message):
            self.refused.append(self._change(context, words[0], reason))
        else:
            self.said[context] = words[0]

    def _is_unknown(self, message: Message) -> bool:
        """Whether it is no entry of ours, or one whose English has changed since the file was exported."""
        context = message.context or ""
        entry, ships = source_of(context), shipped(self.language).get(context)
        english = entry.text if entry else ships[-1].source if ships else ""
        return not english or sources_of(message)[0] != english

    def _refusal(self, message: Message) -> str:
        if message.fuzzy:
            return "marked fuzzy: take the mark away when the words are right"
        try:
            refuse_unknown(self.language, message.context or "")
        except NotAllowed as error:
            return str(error)
        return ""

    def _change(self, context: str, words: str, *findings: str) -> Change:
        today = words_today(self.language, context, self.own)
        before = today[0].target if today else ""
        return Change(context=context, before=before, after=clean(words), findings=findings)

    def reading(self, clinic: Clinic) -> Reading:
        """All together, the checks run: what they refuse is left out, and the rest is looked at again."""
        if len(self.said) > MOST_CHANGES:
            raise NotAllowed(f"{len(self.said)} entries change; {MOST_CHANGES} in one file is the most.")
        proposal = propose(clinic, self.language, self.said)
        while proposal.findings:
            for context, what in proposal.findings.items():
                self.refused.append(self._change(context, self.said.pop(context) or "", *what))
            proposal = propose(clinic, self.language, self.said)
        changes = [self._change(context, words or "") for context, words in self.said.items()]
        return Reading(
            changes=tuple(changes),
            refused=tuple(self.refused),
            unknown=tuple(self.unknown),
            unchanged=self.unchanged,
            proposal=proposal if changes else None,
        )
