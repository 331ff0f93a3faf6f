"""The catalog of what staff read: extracted from the pages, their code, the sequence files and the languages.

Django reads the compiled file and nothing else, so that is kept beside its source. Patient texts have
catalogs of their own, and another rule: there an untranslated text is an error, here it is shown in English.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from campaigns.delivery.catalogs import TAG, text_of
from campaigns.delivery.formats import style
from campaigns.delivery.translations import ROOT, compiled
from campaigns.delivery.wording import LOCALES
from campaigns.domain.languages import SUPPORTED

DOMAIN = "django"
LANGUAGE = "fr-CA"
"""The one language of the staff site beside English."""

_SEQUENCES = ROOT / "campaigns/sequences"
_METHODS = [("templates/web/**.html", "jinja2"), ("campaigns/web/**.py", "python")]
_OPTIONS = {
    "templates/web/**.html": {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
}
_WITH_CONTEXT, _COUNTED = ((1, "c"), 2), (1, 2)
KEYWORDS = {
    "_": None,
    "_n": None,
    "_p": _WITH_CONTEXT,
    "gettext": None,
    "ngettext": _COUNTED,
    "pgettext": _WITH_CONTEXT,
    "npgettext": ((1, "c"), 2, 3),
}
_HEADER = """# Texts that staff read: {name}.
# Written by `campaigns catalogs`, and compiled by it into django.mo, which is kept too.
# Patients' texts are in patient.po; see docs/wording.md."""

_Row = tuple[str, Any, list[str], str | None]
"""File, text or forms, notes for the translator, context."""


def po_path(language: str = LANGUAGE) -> Path:
    """Where the catalog lives."""
    return LOCALES / SUPPORTED[language].babel_locale / "LC_MESSAGES" / f"{DOMAIN}.po"


def pot_path() -> Path:
    """Where the template lives."""
    return LOCALES / f"{DOMAIN}.pot"


def extract() -> Catalog:
    """The template catalog of every text that staff read."""
    found = Catalog(
        project="campaigns", version="1", header_comment=_HEADER.format(name="the template"), fuzzy=False
    )
    rows = [*_marked("templates/web"), *_marked("campaigns/web"), *_sequences(), *_languages()]
    for filename, message, notes, context in rows:
        found.add(message, None, [(filename, 0)], auto_comments=notes, context=context)
    return found


def _marked(folder: str) -> Iterator[_Row]:
    """What is marked in the files of a folder, in the order of their names."""
    rows = extract_from_dir(
        ROOT / folder,
        [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in _METHODS],
        {pattern.removeprefix(f"{folder}/"): options for pattern, options in _OPTIONS.items()},
        KEYWORDS,
        [TAG],
        strip_comment_tags=True,
    )
    found = [(f"{folder}/{name}", line, text, notes, context) for name, line, text, notes, context in rows]
    for name, _line, text, notes, context in sorted(found, key=lambda row: row[:2]):
        yield name, text, notes, context


def _sequences() -> Iterator[_Row]:
    """The titles of the sequence files and the purposes of their steps. Their keys are no words."""
    for path in sorted(_SEQUENCES.glob("*.yaml")):
        name, document = path.relative_to(ROOT).as_posix(), yaml.safe_load(path.read_text(encoding="utf-8"))
        yield name, document["title"], [], "title of a sequence"
        for step in document["steps"]:
            yield name, step["purpose"], [f"The step {step['key']}"], "purpose of a message"


def _languages() -> Iterator[_Row]:
    """What each language is called."""
    for language in SUPPORTED.values():
        yield "campaigns/domain/languages.py", language.staff_name, [language.name], "language"


def load(language: str = LANGUAGE) -> Catalog:
    """The catalog as it stands in its file; an empty one where there is none."""
    locale = SUPPORTED[language].babel_locale
    if not po_path(language).is_file():
        return Catalog(locale=locale, project="campaigns", version="1", fuzzy=False)
    with po_path(language).open("rb") as file:
        return read_po(file, locale=locale)


def update(template: Catalog, language: str = LANGUAGE) -> Catalog:
    """The catalog with the entries of the template; never a guess from a similar text."""
    catalog = load(language)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.fuzzy = False
    catalog.header_comment = _HEADER.format(name=SUPPORTED[language].english_name)
    catalog.mime_headers = [("Plural-Forms", style(language).plural)]
    return catalog


def generated() -> dict[Path, str]:
    """Both files as they should be, from what is marked and the translations there are."""
    template = extract()
    return {pot_path(): text_of(template), po_path(): text_of(update(template))}


class _Bare(Catalog):
    """A catalog whose header holds no date and no version: the same texts compile to the same bytes."""

    def __iter__(self) -> Iterator[Message]:
        header = f"Content-Type: text/plain; charset=utf-8\nPlural-Forms: {self.plural_forms}\n"
        yield Message("", header)
        yield from islice(super().__iter__(), 1, None)


def compiled_file(language: str = LANGUAGE) -> bytes:
    """The catalog for Django, without fuzzy or half-filled entries."""
    held = load(language)
    bare = _Bare(locale=held.locale, fuzzy=False)
    bare.mime_headers = [("Plural-Forms", held.plural_forms)]
    for message in islice(held, 1, None):
        bare.add(message.id, message.string, flags=message.flags, context=message.context)
    return compiled(bare)


def compile_all() -> dict[str, int]:
    """Write the file that Django reads; how many texts it holds."""
    content = compiled_file()
    path = po_path().with_suffix(".mo")
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)
    return {LANGUAGE: sum(1 for message in load() if message.id and message.string)}
