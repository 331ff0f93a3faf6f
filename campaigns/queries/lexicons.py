"""The reply lexicon, read once from the files of `campaigns/lexicons/`, with the words that a clinic has
approved for itself."""

from __future__ import annotations

import gc
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID

from campaigns.domain import matching, own_words
from campaigns.domain.lexicon import Lexicon, build
from campaigns.domain.lexicon_files import InvalidLexicon, read_keywords, read_language
from campaigns.domain.own_words import SHARED, Change, Documents, Kind, merge
from campaigns.models import Clinic, LexiconChange

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parents[1] / "lexicons"

Sample = Mapping[str, Any]
"""A labelled reply, as `measuring` takes it."""

_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
_building = Lock()
_loading = Lock()
MOST_KEPT = 32
"""Clinics whose lexicon a process keeps: about 7 MB for each that has words of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The lexicon of one clinic, the lists it was made of, the changes in it, and those that were left out,
    each with the reason."""

    lexicon: Lexicon
    documents: Documents
    changes: tuple[Change, ...] = ()
    left_out: tuple[tuple[Change, str], ...] = ()


_latest: dict[UUID, tuple[UUID, Own]] = {}
"""By clinic: the version of its words, and the lexicon of that version."""


@cache
def shipped() -> Documents:
    """The lists that ship, by file: the languages, and the keywords. Raises `InvalidLexicon`."""
    keywords = FOLDER / "keywords.yaml"
    files = sorted(path for path in FOLDER.glob("*.yaml") if path != keywords)
    documents = {path.stem: _language(path) for path in files}
    return {SHARED: read_keywords(keywords.read_text(encoding="utf-8"), keywords.name), **documents}


@cache
def lists(language: str) -> Mapping[str, tuple[str, ...]]:
    """The words of one file by entry, as they ship."""
    return {entry: tuple(words) for entry, words in own_words.lists(shipped()[language]).items()}


def load() -> Lexicon:
    """The lexicon that ships, the same while the process runs. Raises `InvalidLexicon`."""
    with _loading:
        return _loaded()


@cache
def _loaded() -> Lexicon:
    """A million small things that live as long as the process: to look through them for garbage is a third of
    the work of making them, and a tenth of a second ever after."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        made = _built(shipped())
        matching.forget()
        gc.freeze()
    finally:
        if was_on:
            gc.enable()
    return made


def _built(documents: Documents) -> Lexicon:
    languages = (document for language, document in documents.items() if language != SHARED)
    return build(documents[SHARED], languages)


def _language(path: Path) -> dict[str, Any]:
    document = read_language(path.read_text(encoding="utf-8"), path.name)
    if document["language"] != path.stem:
        raise InvalidLexicon(
            f"{path.name}:1: the language is {document['language']}. Name the file after it."
        )
    return document


@cache
def about(language: str) -> tuple[str, str]:
    """What a file says of itself: its sources, and its state of review."""
    name = "keywords" if language == SHARED else language
    lines = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    head = [line for line in lines[: lines.index(f"language: {language}")] if line.startswith("#")]
    return "\n".join(line.removeprefix("#").strip() for line in head), shipped()[language]["review"]


@cache
def samples(language: str) -> tuple[Sample, ...]:
    """A small set of labelled replies in one of our languages, to try changes on."""
    path = FOLDER / "samples" / f"{language}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return tuple(json.loads(line) for line in lines)


# --- a clinic's own


def of(clinic: Clinic | None) -> Lexicon:
    """What ships, with what this clinic has approved. `clinic` must come from the database in this request:
    its row says whether anything changed, and nothing else is asked unless it did."""
    return own(clinic).lexicon if clinic else load()


def own(clinic: Clinic) -> Own:
    """The same with the lists, and what was left out."""
    known = _latest.get(clinic.pk)
    if known and known[0] == clinic.lexicon_version:
        return known[1]
    made = with_changes(_stored(clinic.pk))
    with _building:
        if len(_latest) >= MOST_KEPT:
            _latest.pop(next(iter(_latest)))
        # The version never comes twice, not even after a roll-back: what is kept is never out of date.
        _latest[clinic.pk] = (clinic.lexicon_version, made)
    return made


def approved(clinic: Clinic) -> tuple[Change, ...]:
    """The changes of a clinic that are in force."""
    return own(clinic).changes


def _stored(clinic: UUID) -> tuple[Change, ...]:
    rows = LexiconChange.objects.filter(clinic=clinic, state=LexiconChange.State.APPROVED)
    return tuple(map(as_change, rows.order_by("pk")))


def as_change(row: LexiconChange) -> Change:
    """A stored row as the rules know it."""
    kind = Kind.REMOVE if row.kind == Kind.REMOVE else Kind.ADD
    return Change(language=row.language, entry=row.entry, word=row.word, kind=kind, id=row.pk)


def with_changes(changes: tuple[Change, ...]) -> Own:
    """What ships with these changes. Threads that want the same wait for the one that builds it."""
    with _building:
        return _with(changes)


@lru_cache(maxsize=4)
def _with(changes: tuple[Change, ...]) -> Own:
    """What cannot be used is left out and said in the log by its row, without the word: what ships stands."""
    if not changes:
        return Own(lexicon=load(), documents=shipped())
    try:
        merged = merge(shipped(), changes)
        made = Own(
            lexicon=_built(merged.documents),
            documents=merged.documents,
            changes=changes,
            left_out=merged.left_out,
        )
    except _UNREADABLE as error:
        # Not the error's own words: they may hold what somebody stored.
        log.error("own words cannot be used", extra={"why": type(error).__name__})
        nothing = tuple((each, "") for each in changes)
        return Own(lexicon=load(), documents=shipped(), changes=changes, left_out=nothing)
    if made.left_out:
        log.error("own words are left out", extra={"rows": [change.id for change, _ in made.left_out]})
    return made
