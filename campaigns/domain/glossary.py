"""What is known about writing for patients in one language, as one value that the checks of texts act on.

It comes from a file in `campaigns/glossaries/`. Patterns are regular expressions without regard to case;
those of the source language say what a text is about, those of another say how it must be put there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from campaigns.domain.documents import Table, read
from campaigns.domain.errors import CampaignsError, InvalidSequence

NOTHING = re.compile(r"(?!)")
"""Matches no text."""

ENDS = {"stop": ".", "question": "?", "exclamation": "!", "colon": ":", "comma": ","}
"""The classes of end punctuation, with the marks that English uses."""

_FIELDS = frozenset(
    {
        "language",
        "letters",
        "strange",
        "joiners",
        "segments",
        "variants",
        "length",
        "sentence",
        "ends",
        "kept",
    }
    | {"kept_as", "latin", "telltales", "terms", "negations", "keep_taking", "banned", "claims", "opt_out"}
    | {"notes", "as_english"}
)


class InvalidGlossary(CampaignsError):
    """The glossary file does not follow the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Banned:
    """Words that must not be used, with the reason. `unless` and `only_if` look at the English."""

    find: re.Pattern[str]
    why: str
    unless: re.Pattern[str] = NOTHING
    only_if: re.Pattern[str] | None = None

    def found(self, source: str, target: str) -> str:
        """What of the text is banned; empty when nothing is."""
        match = self.find.search(target)
        allowed = self.unless.search(source) or (self.only_if and not self.only_if.search(source))
        return match.group() if match and not allowed else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glossary:
    """One language.

    `letters` are the first words of the Unicode names of its letters; `strange` characters look like its own
    and are not; `joiners` are the invisible characters it spells with. `segments` is the budget of an SMS,
    `least` and `most` bound the length in percent of the English; a sentence should have `words` or
    `characters` at most (0: not counted). `kept` words stay as they are; `kept_as` says how the language may
    write some of them.
    `latin` are Latin words a text in another script may hold; `telltales` give English away: for English
    all of them, for another language those that are words of its own too. `as_english` are whole texts that
    are rightly the same as in English.
    """

    language: str
    letters: tuple[str, ...]
    strange: frozenset[str]
    joiners: frozenset[str]
    segments: int
    variants: bool
    least: int
    most: int
    words: int
    characters: int
    ends: Mapping[str, str]
    kept: tuple[str, ...]
    kept_as: Mapping[str, re.Pattern[str]]
    latin: frozenset[str]
    telltales: frozenset[str]
    as_english: frozenset[str]
    terms: Mapping[str, re.Pattern[str]]
    negations: re.Pattern[str]
    keep_taking: re.Pattern[str]
    banned: tuple[Banned, ...]
    claims: tuple[Banned, ...]
    opt_out: re.Pattern[str]
    notes: re.Pattern[str]


def parse(text: str, source_name: str) -> Glossary:
    """Read one glossary file. Raises `InvalidGlossary`: a line `file:line: what and how to mend` a fault."""
    try:
        table, faults = read(text, source_name, "the file")
        glossary = _glossary(table)
        faults.raise_if_any()
    except InvalidSequence as error:
        raise InvalidGlossary(str(error)) from None
    return glossary


def _glossary(table: Table) -> Glossary:
    table.only(_FIELDS)
    table.require(
        "language", "letters", "segments", "length", "sentence", "negations", "keep_taking", "terms"
    )
    return Glossary(
        language=table.text("language"),
        letters=_names(table, "letters"),
        strange=frozenset("".join(table.text("strange").split())),
        joiners=frozenset(_joiners(table)),
        segments=table.integer("segments", 1, 3, 3),
        variants=table.flag("variants"),
        kept=_names(table, "kept"),
        kept_as=dict(_patterns(table, "kept_as")),
        latin=frozenset(word.casefold() for word in _names(table, "latin")),
        telltales=frozenset(_names(table, "telltales")),
        as_english=frozenset(_names(table, "as_english")),
        terms=dict(_patterns(table, "terms")),
        negations=_either(table, "negations"),
        keep_taking=_either(table, "keep_taking"),
        banned=tuple(_banned(table, "banned")),
        claims=tuple(_banned(table, "claims")),
        opt_out=_either(table, "opt_out", re.NOFLAG),
        notes=_either(table, "notes"),
        **_measures(table),
    )


def _measures(table: Table) -> dict[str, Any]:
    """The numbers and marks, each with the value that holds where a file is silent."""
    length, sentence, ends = (table.table(name) for name in ("length", "sentence", "ends"))
    found: dict[str, Any] = {"least": 1, "most": 999, "words": 0, "characters": 0, "ends": ENDS}
    if length:
        length.only({"least", "most"})
        found |= {"least": length.integer("least", 1, 100, 1), "most": length.integer("most", 100, 999, 999)}
    if sentence:
        sentence.only({"words", "characters"})
        found |= {name: sentence.integer(name, 1, 99) for name in ("words", "characters")}
    if ends:
        ends.only(ENDS)
        found["ends"] = ENDS | {name: ends.text(name) for name in ENDS if ends.has(name)}
    return found


def _joiners(table: Table) -> Iterator[str]:
    known = {"ZWNJ": "\u200c", "ZWJ": "\u200d"}
    for name, node in table.names("joiners"):
        if name not in known:
            table.faults.add(node, f"`joiners` knows no `{name}`. It may have: ZWJ, ZWNJ.")
        yield known.get(name, "")


def _names(table: Table, name: str) -> tuple[str, ...]:
    return tuple(word for word, _ in table.names(name))


def _patterns(table: Table, name: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    within = table.table(name)
    for key in within.nodes if within else ():
        if within:
            yield key, _either(within, key)


def _either(table: Table, name: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    """A pattern, or a list of patterns any of which will do; what matches nothing where it is left out."""
    node = table.nodes.get(name)
    if node is None:
        return NOTHING
    if isinstance(node, yaml.ScalarNode):
        return _pattern(table, node, table.text(name), flags)
    parts = [_pattern(table, item, text, flags).pattern for text, item in table.names(name)]
    return re.compile("|".join(f"(?:{part})" for part in parts) or "(?!)", flags)


def _pattern(
    table: Table, node: yaml.Node, text: str, flags: re.RegexFlag = re.IGNORECASE
) -> re.Pattern[str]:
    try:
        return re.compile(unicodedata.normalize("NFC", text), flags)
    except re.error as error:
        table.faults.add(node, f"{text!r} is not a pattern: {error.msg}. Mend it.")
        return NOTHING


def _banned(table: Table, name: str) -> Iterator[Banned]:
    for node in table.items(name):
        row = Table(node, f"an entry of `{name}`", table.faults)
        row.only({"find", "why", "unless", "only_if"})
        row.require("find")
        yield Banned(
            find=_either(row, "find"),
            why=row.text("why"),
            unless=_either(row, "unless"),
            only_if=_either(row, "only_if") if row.has("only_if") else None,
        )
