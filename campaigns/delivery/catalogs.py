"""Extract, update, compile and check the catalogs of patient texts.

The checks look for what gettext's own tools let through: a dropped placeholder, another number, a lost "not".
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from campaigns.delivery import wording
from campaigns.delivery.formats import is_rtl, style
from campaigns.delivery.rendering import reload, render
from campaigns.delivery.wording import DOMAIN, LOCALES, ROOT, SAMPLE, catalog_path
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import segment

TAG = "TRANSLATORS:"
SEGMENTS = {"en-CA": 1, "fr-CA": 2}
MOST_SEGMENTS = 3

_KEYWORDS = {"pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3)}
_NAME = re.compile(r"%\((\w+)\)s")
_DIGITS = re.compile(r"[89]-\d-\d|\d+")
_KEPT = re.compile(
    r"\b(?:ibuprofen|naproxen|acetaminophen|Advil|Motrin|Aleve|Aspirin|Tylenol|MSP"
    r"|STOP|START|HELP|CALL|Y|N)\b(?!')"
)
_KEPT_AS = {
    "fr-CA": {"ibuprofen": "ibuprofène", "naproxen": "naproxène", "acetaminophen": "acétaminophène"},
}
_NEGATED = re.compile(r"\b(?:do not|never|no longer|cannot|not worry)\b", re.IGNORECASE)
_NEGATIONS = {
    "fr-CA": re.compile(r"\b(?:ne\b|n'|pas\b|ni\b|incapable)", re.IGNORECASE),
    "ar": re.compile(r"\b[وف]?(?:لا|لم|لن|ليس|لستم|عدم|دون)\b"),
}
_KEEP_TAKING = re.compile(r"\bdo not stop\b", re.IGNORECASE)
_KEEP_TAKINGS = {
    "fr-CA": re.compile(r"\bne (?:l[ae]s? )?cessez pas\b", re.IGNORECASE),
    "ar": re.compile("لا توقفو"),
}
_OPT_OUT = re.compile(r"\b(?:CANCEL|END|QUIT|REVOKE|OPTOUT)\b")
_STRAY = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\ue000\ue001]")
_SCRIPTS = {"Latn": "LATIN", "Arab": "ARABIC"}
_NOISE = "POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Language-Team|Report-Msgid-Bugs-To"
_NOISY_HEADERS = re.compile(rf'^"(?:{_NOISE}): .*\n', re.MULTILINE)
_HEADER = """# Texts that patients read: {name}.
# One entry is one whole text or paragraph. Its context says where it stands.
# Written and checked by `campaigns catalogs`; see docs/wording.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wrong, on one line."""

    file: str
    line: int
    entry: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.entry}: {self.what}"


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
    sample = wording.sample_values(Channel.SMS if _is_sms(entry.context) else Channel.EMAIL)
    kept = dict.fromkeys(_KEPT.findall(entry.text) + re.findall(r"911|8-1-1|9-8-8", entry.text))
    advice = []
    if names:
        advice.append("Placeholders: " + "; ".join(f"%({n})s is for example {sample[n]}" for n in names))
    if kept:
        advice.append("Keep as it is: " + ", ".join(kept))
    if _is_sms(entry.context):
        advice.append("SMS: as short as it can be without losing a fact.")
    return advice


def _is_sms(context: str) -> bool:
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
    catalog.update(template, no_fuzzy_matching=True)
    catalog.header_comment = _HEADER.format(name=SUPPORTED[language].english_name)
    catalog.mime_headers = [("Plural-Forms", style(language).plural)]
    return catalog


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
        catalog = load(language)
        content = wording.compiled(catalog)
        (ROOT / catalog_path(language)).with_suffix(".mo").write_bytes(content)
        counts[language] = sum(1 for message in catalog if message.id and message.string)
    reload()
    return counts


def check() -> list[Finding]:
    """Everything wrong in every catalog and in the English source; empty when all is well."""
    findings = list(check_source(extract()))
    for language in languages():
        findings += check_catalog(language, load(language), extract())
    return findings or list(check_segments())


def check_source(template: Catalog) -> Iterator[Finding]:
    """The English texts: one text a context, a note for the translator, no word that opts people out."""
    contexts: dict[str | None, str] = {}
    for message in list(template)[1:]:
        text = _source(message)[0]
        file, line = message.locations[0]
        problems = list(_hygiene(text, text, SOURCE, message.context or ""))
        if contexts.setdefault(message.context, text) != text:
            problems.append("another text has the same context")
        if not message.auto_comments:
            problems.append(f"has no {TAG} comment")
        yield from (Finding(file=file, line=line, entry=str(message.context), what=w) for w in problems)


def check_catalog(language: str, catalog: Catalog, template: Catalog) -> Iterator[Finding]:
    """One language: what is missing, and what is wrong in each translation."""
    file = catalog_path(language)
    for wanted in list(template)[1:]:
        message = catalog.get(wanted.id, wanted.context)
        line = (message.lineno if message else None) or 1
        problems = check_message(message, language) if message else ["missing: run update"]
        yield from (Finding(file=file, line=line, entry=str(wanted.context), what=w) for w in problems)
    for gone in [*catalog.obsolete.values(), *_unknown(catalog, template)]:
        yield Finding(file=file, line=gone.lineno or 1, entry=str(gone.context), what="obsolete: remove it")


def _unknown(catalog: Catalog, template: Catalog) -> Iterator[Message]:
    return (m for m in list(catalog)[1:] if template.get(m.id, m.context) is None)


def check_message(message: Message, language: str) -> list[str]:
    """What is wrong with one translation, in plain words."""
    sources, targets = _source(message), _forms(message)
    if message.fuzzy:
        return ["fuzzy: review it and take the mark away"]
    if not all(targets):
        return ["not translated"]
    problems: list[str] = []
    for number, target in enumerate(targets):
        source = sources[min(number, len(sources) - 1)] if len(targets) > 1 else sources[0]
        countless = len(sources) > 1 and number < len(targets) - 1
        problems += _parity(source, target, language, countless)
        problems += _hygiene(source, target, language, message.context or "")
        problems += _language(source, target, language, message.context or "")
    return list(dict.fromkeys(problems))


def _source(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _parity(source: str, target: str, language: str, countless: bool) -> Iterator[str]:
    """Same placeholders, same numbers, same kept words. A plural form may leave out the count itself."""
    for name, more, fewer in _differences(_NAME, source, target):
        if fewer and not (countless and name == "num"):
            yield f"%({name})s is missing"
        if more:
            yield f"%({name})s is not in the English"
    if "%" in _NAME.sub("", target).replace("%%", "") or re.search(r"[{}]", target):
        yield "a placeholder is broken"
    yield from _kept(source, target, language)


def _kept(source: str, target: str, language: str) -> Iterator[str]:
    for number, _, fewer in _differences(_DIGITS, _NAME.sub("", source), _NAME.sub("", target)):
        yield f"the number {number} is {'missing' if fewer else 'not in the English'}"
    local = _KEPT_AS.get(language, {})
    for word in dict.fromkeys(_KEPT.findall(source)):
        if not re.search(rf"(?<![A-Za-z]){re.escape(local.get(word, word))}(?![A-Za-z])", target):
            yield f"{local.get(word, word)} must stay as it is"


def _differences(pattern: re.Pattern[str], source: str, target: str) -> Iterator[tuple[str, bool, bool]]:
    ours, theirs = Counter(pattern.findall(source)), Counter(pattern.findall(target))
    for found in sorted(ours.keys() | theirs.keys()):
        if theirs[found] != ours[found]:
            yield found, theirs[found] > ours[found], theirs[found] < ours[found]


def _hygiene(source: str, target: str, language: str, context: str) -> Iterator[str]:
    if target != target.strip():
        yield "space at an edge"
    if "  " in target or "\n" in target:
        yield "doubled space or a line break"
    if target != unicodedata.normalize("NFC", target):
        yield "not NFC"
    if _STRAY.search(target):
        yield "an invisible character"
    if re.search("[\u00a0\u2000-\u200a\u202f]", target) and (_is_sms(context) or language == SOURCE):
        yield "a special space"
    if any(c.isdecimal() and not c.isascii() for c in target):
        yield "digits must be 0 to 9"
    if found := _OPT_OUT.search(target):
        yield f"{found.group()} would opt the patient out at the carrier"


def _language(source: str, target: str, language: str, context: str) -> Iterator[str]:
    if target == source:
        yield "same as the English"
    if _NEGATED.search(source) and not _NEGATIONS[language].search(target):
        yield "the English says not, this does not"
    if len(_KEEP_TAKING.findall(source)) != len(_KEEP_TAKINGS[language].findall(target)):
        yield "'do not stop' is lost or doubled"
    bare = _KEPT.sub("", _NAME.sub("", target))
    letters = [c for c in bare if c.isalpha()]
    script = _SCRIPTS[SUPPORTED[language].script]
    own = sum(unicodedata.name(c, "").startswith(script) for c in letters)
    if letters and own < 0.8 * len(letters):
        yield f"{100 - 100 * own // len(letters)}% of the letters are of another script"
    if _is_sms(context) and is_rtl(language) and unicodedata.bidirectional(target[0]) not in {"R", "AL"}:
        yield "must begin with a letter that is written from right to left"


def check_segments() -> Iterator[Finding]:
    """Each SMS with long sample values against the language's budget."""
    for template, channel in wording.templates():
        for language in SUPPORTED if channel is Channel.SMS else ():
            used = segment(render(template, channel, language, SAMPLE).text).segments
            most = SEGMENTS.get(language, MOST_SEGMENTS)
            if used > most:
                name = wording.template_name(template, channel)
                what = f"{used} segments in {language}, {most} is the budget"
                yield Finding(file=f"templates/{name}", line=1, entry=template, what=what)


def lines(findings: Iterable[Finding]) -> str:
    """The findings, one a line."""
    return "\n".join(str(finding) for finding in findings)
