"""The words of one language: its catalog, the GSM-safe variant of its texts, and a clinic's own words.

An *edition* is a language tag, or the tag with the private-use subtag `-x-gsm` (RFC 5646, 2.2.7): the same
texts with the variants that were written without letters outside GSM-7. Each edition is approved on its own.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from campaigns.domain.errors import TranslationMissing
from campaigns.domain.languages import SOURCE

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "patient"
GSM_EDITION = "-x-gsm"
GSM_ENTRY = ".gsm"
"""What a context ends with whose text is the GSM-safe variant of the entry without it."""


def language_of(edition: str) -> str:
    """The language that an edition is written in."""
    return edition.removesuffix(GSM_EDITION)


def gsm_edition(language: str) -> str:
    """The edition with the GSM-safe variants."""
    return language_of(language) + GSM_EDITION


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What one clinic says in its own words: (language, context, text). They win over the catalog."""

    entries: frozenset[tuple[str, str, str]] = frozenset()

    def of(self, language: str) -> dict[str, str]:
        """The clinic's texts in one language, by context."""
        return {context: text for tag, context, text in self.entries if tag == language}


NO_OWN_WORDS = OwnWords()


def catalog_path(language: str) -> str:
    """Where a language's catalog lives, relative to the project."""
    return f"locales/{language.replace('-', '_')}/LC_MESSAGES/{DOMAIN}.po"


def compiled(catalog: Catalog) -> bytes:
    """The catalog as .mo bytes, without fuzzy or half-filled entries.

    Babel itself fills an empty plural with English and calls it done.
    """
    for message in list(catalog)[1:]:
        forms = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        if message.fuzzy or not all(forms):
            catalog.delete(message.id, message.context)
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


class _Refuse(gettext.NullTranslations):
    """Stands behind a catalog: what is not in it is an error, never English in silence."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language

    def pgettext(self, context: str, message: str) -> str:
        raise TranslationMissing(
            f"{context} is not translated into {self.language}: complete {catalog_path(self.language)}."
        )

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self.pgettext(context, msgid1)


class _Variants(gettext.NullTranslations):
    """In front of a catalog: the variant of an entry where there is one."""

    def __init__(self, behind: gettext.NullTranslations) -> None:
        super().__init__()
        self.add_fallback(behind)
        self._behind = behind

    def pgettext(self, context: str, message: str) -> str:
        try:
            return self._behind.pgettext(context + GSM_ENTRY, message)
        except TranslationMissing:
            return self._behind.pgettext(context, message)


class _Own(gettext.NullTranslations):
    """In front of a catalog: a clinic's own words. Texts that count keep the catalog's forms."""

    def __init__(self, behind: gettext.NullTranslations, texts: dict[str, str]) -> None:
        super().__init__()
        self.add_fallback(behind)
        self._behind = behind
        self._texts = texts

    def pgettext(self, context: str, message: str) -> str:
        plain = context.removesuffix(GSM_ENTRY)
        if plain != context and context not in self._texts and plain in self._texts:
            raise TranslationMissing(context)  # the variant that was shipped says other words than the clinic
        return self._texts.get(context) or self._behind.pgettext(context, message)


@cache
def catalog(language: str) -> gettext.NullTranslations:
    """The texts of one language: the compiled catalog when it is fresh, else the .po compiled in memory."""
    if language == SOURCE:
        return gettext.NullTranslations()
    source = ROOT / catalog_path(language)
    if not source.is_file():
        raise TranslationMissing(f"There is no catalog for {language}: add {catalog_path(language)}.")
    ready = source.with_suffix(".mo")
    if ready.is_file() and ready.stat().st_mtime > source.stat().st_mtime:
        content = ready.read_bytes()
    else:
        with source.open("rb") as file:
            content = compiled(read_po(file))
    loaded = gettext.GNUTranslations(io.BytesIO(content))
    loaded.add_fallback(_Refuse(language))
    return loaded


@lru_cache(maxsize=256)
def translations(edition: str, own: OwnWords = NO_OWN_WORDS) -> gettext.NullTranslations:
    """The texts of one edition, the clinic's own words first. Raises TranslationMissing without a catalog."""
    language = language_of(edition)
    found = catalog(language)
    if texts := own.of(language):
        found = _Own(found, texts)
    return found if edition == language or language == SOURCE else _Variants(found)


def has_entry(language: str, own: OwnWords) -> Callable[[str, str], bool]:
    """A test for (context, English): whether the language has this very entry."""
    texts = translations(language, own)

    def there(context: str, message: str) -> bool:
        try:
            return language != SOURCE and bool(texts.pgettext(context, message))
        except TranslationMissing:
            return False

    return there
