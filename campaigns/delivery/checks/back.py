"""Back-translations: what each text says in English, told by somebody who has not seen the source.

They stand in `back.po` beside a catalog: the same context, the translation as the text to look up, and what
it says as the answer. A translation that changes loses its back-translation by that alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from campaigns.delivery import catalogs
from campaigns.delivery.checks.catalog import Subject, read, texts
from campaigns.delivery.checks.findings import Finding
from campaigns.delivery.translations import catalog_path
from campaigns.domain.languages import SUPPORTED

NAME = "back-translation"
NOBODY = "nobody yet"
_MADE_BY = "Back-translated by: "
_HEADER = """# What the {name} texts say, put back into English by somebody who has not seen the source.
# One entry is one text as it stands in patient.po; when that changes, its entry here goes.
# {made_by}{who}"""


def path(language: str) -> str:
    """Where the back-translations of a language live, relative to the project."""
    return str(Path(catalog_path(language)).with_name("back.po").as_posix())


def load(content: str) -> Catalog:
    """The back-translations of a file; a broken file is an error with its line."""
    return read_po(io.BytesIO(content.encode()), locale="en", abort_invalid=True)


def update(subject: Subject, content: str) -> str:
    """The file with an entry for every finished text: what is there stays, what is new is empty."""
    old = load(content)
    header = _HEADER.format(
        name=SUPPORTED[subject.language].english_name, made_by=_MADE_BY, who=made_by(old) or NOBODY
    )
    new = Catalog(locale="en", project="campaigns", version="1", header_comment=header, fuzzy=False)
    for _, text in texts(subject, read(subject)):
        known = old.get(text.target, text.context)
        new.add(text.target, known.string if known else "", context=text.context)
    return catalogs.text_of(new)


def made_by(catalog: Catalog) -> str:
    """Who or what put the texts back into English; empty where the header does not say."""
    lines = (line.lstrip("# ") for line in catalog.header_comment.splitlines())
    who = next((line.removeprefix(_MADE_BY) for line in lines if line.startswith(_MADE_BY)), "").strip()
    return "" if who == NOBODY else who


def check(subject: Subject, content: str | None) -> Iterator[Finding]:
    """Check 16: every finished text has one, once there is a file; `content` is None where there is none."""
    file = path(subject.language)
    if content is None:
        yield _finding(subject, 1, "the file", f"no {file} yet", is_note=True)
        return
    catalog = load(content)
    if not made_by(catalog) and any(message.string for message in list(catalog)[1:]):
        yield _finding(subject, 1, "the header", f"does not say who made it: fill in {_MADE_BY.strip()}")
    for _, text in texts(subject, read(subject)):
        found = catalog.get(text.target, text.context)
        if found is None or not found.string:
            line = found.lineno if found else None
            command = f"`campaigns catalogs back {subject.language}`"
            what = "empty" if found else f"none for the text as it is: {command}"
            yield _finding(subject, line, text.context, what)


def _finding(subject: Subject, line: int | None, entry: str, what: str, is_note: bool = False) -> Finding:
    return Finding(
        file=path(subject.language),
        line=line or 1,
        entry=entry,
        check=NAME,
        what=what,
        language=subject.language,
        is_note=is_note,
    )
