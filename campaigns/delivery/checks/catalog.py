"""One language's catalog as a whole: its header, what is missing or left over, and every text in it."""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from campaigns.delivery import catalogs
from campaigns.delivery.checks import characters, meaning, parity, size
from campaigns.delivery.checks.findings import Check, Finding, Text, base
from campaigns.delivery.formats import style
from campaigns.delivery.glossaries import glossary
from campaigns.delivery.translations import GSM_ENTRY, catalog_path, compiled
from campaigns.domain.errors import CampaignsError
from campaigns.domain.languages import SOURCE

ON_EACH: Mapping[str, Check] = {
    "placeholder-parity": parity.placeholders,
    "characters": characters.characters,
    "edges": characters.edges,
    "script": characters.script,
    "untranslated": characters.untranslated,
    "kept": parity.kept,
    "glossary": meaning.terms,
    "opt-out": meaning.opt_out,
    "negation": meaning.negation,
    "segments": size.segments,
    "length": size.length,
    "sentence": size.sentences,
    "claims": meaning.claims,
    "right-to-left": characters.direction,
    "links": parity.links,
}
"""The checks that look at one text beside its English."""

STATE, PLURALS = "catalog-state", "plural-forms"
_PLURAL_HEADER = re.compile(r'^"Plural-Forms:\s*nplurals\s*=\s*(\d+);', re.MULTILINE)
_CONTEXT = re.compile(r'^msgctxt "(.*)"$', re.MULTILINE)
_NONE = "no variant:"
_FORM = re.compile(r"^msgstr\[\d+\]", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A catalog to check: the language, the text of its file, and what the templates ask for."""

    language: str
    content: str
    template: Catalog

    @property
    def file(self) -> str:
        """Where the catalog lives, or would live."""
        return catalog_path(self.language)

    def finding(self, line: int | None, entry: str, check: str, what: str) -> Finding:
        """Something to look at in this catalog."""
        return Finding(
            file=self.file, line=line or 1, entry=entry, check=check, what=what, language=self.language
        )


def read(subject: Subject) -> Catalog:
    """The catalog of a subject. Raises PoFileError where the file is broken."""
    return read_po(io.BytesIO(subject.content.encode()), abort_invalid=True)


def check(subject: Subject) -> Iterator[Finding]:
    """Everything wrong with one language, but for the back-translations."""
    try:
        glossary(subject.language)
    except CampaignsError as error:
        yield subject.finding(1, "the glossary", "glossary", str(error))
        return
    if not subject.content:
        yield subject.finding(1, "the file", STATE, "there is no catalog: run `campaigns catalogs`")
        return
    yield from _header(subject)
    try:
        catalog = read(subject)
    except PoFileError as error:
        yield subject.finding(error.lineno, "the file", STATE, f"cannot be read: {error}")
        return
    yield from _state(subject, catalog)
    for message, text in texts(subject, catalog):
        for name, what in problems(text):
            yield subject.finding(message.lineno, text.context, name, what)
        yield from _variants(subject, catalog, message, text)


def problems(text: Text) -> Iterator[tuple[str, str]]:
    """What is wrong with one text beside its English: the name of the check, and what it found.

    Nothing on disk is read but the glossaries, so this serves a clinic's own words as well.
    """
    for name, look in ON_EACH.items():
        yield from ((name, what) for what in dict.fromkeys(look(text)))


def _header(subject: Subject) -> Iterator[Finding]:
    """The header, which decides whether gettext reads the rest, and the count of forms at every plural."""
    blocks = subject.content.split("\n\n")
    wanted = int(style(subject.language).plural.split("nplurals=")[1].split(";")[0])
    found = _PLURAL_HEADER.search(blocks[0])
    if re.search(r"^#,.*\bfuzzy\b", blocks[0], re.MULTILINE):
        yield subject.finding(1, "the header", STATE, "fuzzy: some tools leave out a whole catalog for that")
    if not found or int(found.group(1)) != wanted:
        count = found.group(1) if found else "no"
        yield subject.finding(1, "the header", PLURALS, f"{count} plural forms, the language has {wanted}")
    line = 1
    for block in blocks:
        forms, context = len(_FORM.findall(block)), _CONTEXT.search(block)
        if forms and forms != wanted and "#~" not in block:
            name = context.group(1) if context else "an entry"
            yield subject.finding(line, name, PLURALS, f"{forms} plural forms, the language has {wanted}")
        line += block.count("\n") + 2


def _state(subject: Subject, catalog: Catalog) -> Iterator[Finding]:
    """Check 2: every text there, translated, sure and in use, and all of it in the compiled catalog."""
    wanted = catalogs.with_variants(subject.template, catalog, subject.language)
    ready = 0
    for entry in list(wanted)[1:]:
        message = catalog.get(entry.id, entry.context)
        problem = _problem(message)
        ready += not problem
        if problem:
            line = message.lineno if message else None
            yield subject.finding(line, str(entry.context), STATE, problem)
    unknown = (m for m in list(catalog)[1:] if wanted.get(m.id, m.context) is None)
    for gone in [*catalog.obsolete.values(), *unknown]:
        yield subject.finding(gone.lineno, str(gone.context), STATE, "obsolete: remove it")
    left_out = ready - _compiled_count(subject)
    if left_out > 0:
        yield subject.finding(1, "the file", STATE, f"{left_out} texts do not get into the compiled catalog")


def _problem(message: Message | None) -> str:
    if message is None:
        return "missing: run `campaigns catalogs update`"
    if message.fuzzy:
        return "fuzzy: review it and take the mark away"
    return "" if all(forms(message)) else "not translated"


def _compiled_count(subject: Subject) -> int:
    """How many texts gettext finds in the compiled catalog."""
    loaded: Any = gettext.GNUTranslations(io.BytesIO(compiled(read(subject))))
    return len({key if isinstance(key, str) else key[0] for key in loaded._catalog if key})


def texts(subject: Subject, catalog: Catalog) -> Iterator[tuple[Message, Text]]:
    """Every finished text of a catalog that the templates ask for, each plural form by itself."""
    wanted = catalogs.with_variants(subject.template, catalog, subject.language)
    for entry in list(wanted)[1:]:
        message = catalog.get(entry.id, entry.context)
        if message is not None and not _problem(message):
            yield from ((message, text) for text in _of_message(message, entry, subject.language))


def _of_message(message: Message, entry: Message, language: str) -> Iterator[Text]:
    sources, targets = sources_of(message), forms(message)
    for number, target in enumerate(targets):
        yield Text(
            context=message.context or "",
            source=sources[min(number, len(sources) - 1)] if len(targets) > 1 else sources[-1],
            target=target,
            language=language,
            countless=len(sources) > 1 and 0 < len(targets) - 1 != number,
            comments=" ".join(entry.auto_comments),
        )


def _variants(subject: Subject, catalog: Catalog, message: Message, text: Text) -> Iterator[Finding]:
    """Part of check 10: where a text is dear only for its letters, a variant without them, and no other."""
    if text.context.endswith(GSM_ENTRY):
        standard = catalog.get(message.id, base(text.context))
        found = list(size.variant(text, forms(standard)[0])) if standard and standard.string else []
    elif size.wants_variant(text) and catalog.get(message.id, text.context + GSM_ENTRY) is None:
        found = [f"dear for its letters alone: add {text.context}{GSM_ENTRY}, the same in GSM-7 letters"]
        if reason := _why_none(message):
            yield replace(
                subject.finding(message.lineno, text.context, "gsm-variant", f"none: {reason}"), is_note=True
            )
            return
    else:
        found = []
    for what in found:
        yield subject.finding(message.lineno, text.context, "gsm-variant", what)


def _why_none(message: Message) -> str:
    """Why no variant can be written, where the translator says so: `# no variant: there is no such word`."""
    told = (comment.strip() for comment in message.user_comments)
    return next((one.removeprefix(_NONE).strip() for one in told if one.startswith(_NONE)), "")


def sources_of(message: Message) -> tuple[str, ...]:
    """The English of an entry: one text, or singular and plural."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def forms(message: Message) -> tuple[str, ...]:
    """The translation of an entry, in all its forms."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def of_source(template: Catalog) -> Iterator[Finding]:
    """The English texts by the same checks: one text a context, a note for the translator."""
    contexts: dict[str | None, str] = {}
    for message in list(template)[1:]:
        file, line = message.locations[0]
        first = sources_of(message)[0]
        found = [] if contexts.setdefault(message.context, first) == first else [_SAME_CONTEXT]
        if not message.auto_comments:
            found.append((STATE, f"has no {catalogs.TAG} comment"))
        for source in sources_of(message):
            text = Text(context=message.context or "", source=source, target=source, language=SOURCE)
            for name in ("characters", "edges", "opt-out", "segments", "claims", "links", "glossary"):
                found += [(name, what) for what in ON_EACH[name](text)]
        for name, what in dict.fromkeys(found):
            yield Finding(file=file, line=line, entry=str(message.context), check=name, what=what)


_SAME_CONTEXT = (STATE, "another text has the same context")
