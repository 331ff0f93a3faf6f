"""All checks together, on the files as they are or on catalogs that are handed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError

from campaigns.delivery import catalogs
from campaigns.delivery.checks import back, catalog, rendered
from campaigns.delivery.checks.catalog import Subject
from campaigns.delivery.checks.findings import Finding
from campaigns.delivery.translations import ROOT, catalog_path
from campaigns.domain.languages import SOURCE, SUPPORTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was looked at, and what was found."""

    languages: int
    texts: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings fail the check."""
        return sum(not finding.is_note for finding in self.findings)

    @property
    def notes(self) -> int:
        """How many findings are only worth knowing."""
        return len(self.findings) - self.errors

    def __str__(self) -> str:
        counted = [(self.languages, "language"), (self.texts, "text")]
        counted += [(self.errors, "error"), (self.notes, "note")]
        return ", ".join(f"{number:,} {word}{'' if number == 1 else 's'}" for number, word in counted)


def check(languages: Iterable[str] = tuple(SUPPORTED)) -> Report:
    """Everything wrong in these languages' files; the English source is one of the languages."""
    template = catalogs.extract()
    findings: list[Finding] = []
    chosen = tuple(languages)
    for language in chosen:
        findings += check_source(template) if language == SOURCE else check_files(language, template)
    entries = len(list(template)) - 1
    return Report(languages=len(chosen), texts=entries * len(chosen), findings=tuple(findings))


def check_source(template: Catalog) -> Iterator[Finding]:
    """The English texts, as entries and as whole messages, and the pseudo-locales made of them."""
    yield from catalog.of_source(template)
    yield from rendered.messages(SOURCE)
    yield from rendered.too_hard()
    yield from rendered.pseudo()
    yield from rendered.written_out()


def check_files(language: str, template: Catalog) -> Iterator[Finding]:
    """One language as it stands in its files."""
    subject = subject_of(language, template)
    beside = ROOT / back.path(language)
    content = beside.read_text(encoding="utf-8") if beside.is_file() else None
    found = list(check_catalog(subject, content))
    yield from found
    if not any(finding.check == "segments" for finding in found):
        yield from rendered.messages(language)


def subject_of(language: str, template: Catalog) -> Subject:
    """The catalog of a language as its file is; an empty one where there is no file."""
    path = ROOT / catalog_path(language)
    content = path.read_text(encoding="utf-8") if path.is_file() else ""
    return Subject(language=language, content=content, template=template)


def check_catalog(subject: Subject, back_content: str | None = None) -> Iterator[Finding]:
    """A catalog that is handed in, with the back-translations that belong to it."""
    found = sorted(catalog.check(subject), key=lambda finding: finding.line)
    yield from found
    if not any(finding.entry == "the glossary" or finding.entry == "the file" for finding in found):
        try:
            yield from back.check(subject, back_content)
        except PoFileError as error:
            what = f"cannot be read: {error}"
            yield subject.finding(error.lineno, "the file", back.NAME, what)


def lines(findings: Iterable[Finding]) -> str:
    """The findings, one a line."""
    return "\n".join(str(finding) for finding in findings)
