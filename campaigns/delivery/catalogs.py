"""Extract, update and compile the catalogs of patient texts. What is wrong in them: `delivery.checks`."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from campaigns.delivery import wording
from campaigns.delivery.formats import style
from campaigns.delivery.glossaries import glossary, kept_words
from campaigns.delivery.rendering import reload
from campaigns.delivery.translations import DOMAIN, GSM_ENTRY, ROOT, catalog_path, compiled
from campaigns.delivery.wording import LOCALES
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel

TAG = "TRANSLATORS:"

_KEYWORDS = {"pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3)}
_NAME = re.compile(r"%\((\w+)\)s")
_NOISE = "POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Language-Team|Report-Msgid-Bugs-To"
_NOISY_HEADERS = re.compile(rf'^"(?:{_NOISE}): .*\n', re.MULTILINE)
_HEADER = """# Texts that patients read: {name}.
# One entry is one whole text or paragraph. Its context says where it stands.
# Written by `campaigns catalogs`, checked by `campaigns check-wording`; see docs/wording.md."""
_VARIANT_NOTE = "A variant in the letters of GSM-7 alone: say it without the others, never drop an accent."


def extract_template(
    fileobj: IO[bytes], keywords: Collection[str], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str, tuple[str, ...], list[str]]]:
    """Babel's extractor for our templates: a comment counts for every entry below it, up to the next one.

    What follows from the text itself (sample values, what to keep as it is) is added here and not by hand.
    """
    source = fileobj.read().decode("utf-8")
    notes = wording.notes(source, TAG)
    for entry in wording.entries(wording.PARSER.parse(source)):
        own = [text for line, text in notes if line <= entry.line]
        texts = (entry.context, entry.text, *([entry.plural] if entry.plural else []))
        yield entry.line, "npgettext" if entry.plural else "pgettext", texts, own[-1:] + _advice(entry)


def _advice(entry: wording.Entry) -> list[str]:
    names = dict.fromkeys(_NAME.findall(entry.plural or entry.text))
    sample = wording.sample_values(Channel.SMS if is_sms(entry.context) else Channel.EMAIL)
    kept = dict.fromkeys(kept_words().findall(entry.text) + re.findall(r"911|8-1-1|9-8-8", entry.text))
    advice = []
    if names:
        advice.append("Placeholders: " + "; ".join(f"%({n})s is for example {sample[n]}" for n in names))
    if kept:
        advice.append("Keep as it is: " + ", ".join(kept))
    if is_sms(entry.context):
        advice.append("SMS: as short as it can be without losing a fact.")
    return advice


def is_sms(context: str) -> bool:
    """Whether an entry goes into an SMS."""
    return ".sms." in context and not context.startswith("page.")


def extract() -> Catalog:
    """The template catalog of every patient text."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        read_mapping: Any = parse_mapping_cfg  # Babel leaves it untyped
        methods, options = read_mapping(file)
    header = _HEADER.format(name="the template")
    found = Catalog(project="campaigns", version="1", header_comment=header, fuzzy=False)
    rows = sorted(
        row
        for folder in ("templates/messages", "templates/email", "templates/patient")
        for row in _extract_folder(folder, methods, options)
    )
    for filename, line, message, comments, context in rows:
        found.add(message, None, [(filename, line)], auto_comments=comments, context=context)
    return found


def _extract_folder(
    folder: str, methods: Any, options: Any
) -> Iterator[tuple[str, int, Any, list[str], str | None]]:
    keywords: Any = _KEYWORDS
    for name, line, message, comments, context in extract_from_dir(
        ROOT,
        methods,
        options,
        keywords,
        comment_tags=[TAG],
        strip_comment_tags=True,
        directory_filter=lambda path: _within(path, ROOT / folder),
    ):
        if name.startswith(folder):
            yield name, line, message, comments, context


def _within(path: str | Path, folder: Path) -> bool:
    path = Path(path)
    return path == folder or folder in path.parents or path in folder.parents


def text_of(catalog: Catalog) -> str:
    """The catalog as a file, without the dates and versions that would change it on every run."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, include_lineno=False)
    return _NOISY_HEADERS.sub("", buffer.getvalue().decode("utf-8"))


def languages() -> tuple[str, ...]:
    """The languages that have, or must have, a catalog."""
    return tuple(tag for tag in SUPPORTED if tag != SOURCE)


def load(language: str) -> Catalog:
    """A language's catalog as it stands in its file; an empty one where there is none."""
    path = ROOT / catalog_path(language)
    locale = SUPPORTED[language].babel_locale
    if not path.is_file():
        return Catalog(locale=locale, project="campaigns", version="1", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def update(language: str, template: Catalog) -> Catalog:
    """The language's catalog with the entries of the template; never a guess from a similar text."""
    catalog = load(language)
    catalog.update(with_variants(template, catalog, language), no_fuzzy_matching=True)
    catalog.fuzzy = False
    catalog.header_comment = _HEADER.format(name=SUPPORTED[language].english_name)
    catalog.mime_headers = [("Plural-Forms", style(language).plural)]
    return catalog


def with_variants(template: Catalog, catalog: Catalog, language: str) -> Catalog:
    """The template with the variants that a language has, each after the text it stands in for.

    Only people add variants; where the text has gone or the language takes none, theirs is obsolete.
    """
    held = {(m.id, m.context) for m in [*list(catalog)[1:], *catalog.obsolete.values()]}
    if not glossary(language).variants:
        return template
    found = Catalog(header_comment=template.header_comment, fuzzy=False)
    for message in list(template)[1:]:
        _copy(message, found, message.context, [])
        variant = f"{message.context}{GSM_ENTRY}"
        if is_sms(message.context or "") and (message.id, variant) in held:
            _copy(message, found, variant, [_VARIANT_NOTE])
    return found


def _copy(message: Message, into: Catalog, context: str | None, notes: list[str]) -> None:
    into.add(
        message.id,
        locations=message.locations,
        flags=message.flags,
        auto_comments=[*message.auto_comments, *notes],
        context=context,
    )


def generated() -> dict[Path, str]:
    """Every catalog file as it should be, from the templates and the translations there are."""
    template = extract()
    files = {LOCALES / f"{DOMAIN}.pot": text_of(template)}
    for language in languages():
        files[ROOT / catalog_path(language)] = text_of(update(language, template))
    return files


def write(files: Mapping[Path, str]) -> list[Path]:
    """Write the files that differ; the list of them."""
    changed = [p for p, text in files.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    reload()
    return changed


def compile_all() -> dict[str, int]:
    """Write each language's .mo; how many texts each holds. Fuzzy and half-filled entries stay out."""
    counts = {}
    for language in languages():
        if not (ROOT / catalog_path(language)).is_file():
            continue
        catalog = load(language)
        content = compiled(catalog)
        (ROOT / catalog_path(language)).with_suffix(".mo").write_bytes(content)
        counts[language] = sum(1 for message in catalog if message.id and message.string)
    reload()
    return counts
