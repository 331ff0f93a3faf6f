"""A clinic's own words of one language as a file for a speaker, and back: written as the lists that ship."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from campaigns.domain.errors import NotAllowed
from campaigns.domain.own_words import Change, Kind, clean
from campaigns.models import Clinic, LexiconChange
from campaigns.queries import lexicons
from campaigns.services.own_words import MOST_AT_ONCE, living, look, places

LARGEST = 200_000
"""Bytes of a file; the longest list that ships has three quarters of that."""
DEEPEST = 6
"""Levels of a file. The lists that ship have four."""

_HEAD = """\
# Words that the clinic uses beside those that ship, written as the lists that ship are written.
# Add words to the lists, save as UTF-8, and upload the file: each new word becomes a proposal.
# A word under `remove` is proposed to be taken away. What is left out here stays as it is.
"""


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ELSEWHERE = frozenset({"review", "sets", "words_joined", "marks_count"})
"""What a list that ships also has, and nobody changes here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One word of a file, with the line that it stands in, and why it is refused (empty where it is not)."""

    number: int
    change: Change
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file would do: proposals, words that the checks refuse, and how many are there already."""

    new: tuple[Line, ...]
    refused: tuple[Line, ...]
    unchanged: int


def exported(clinic: Clinic, language: str) -> str:
    """The words of a clinic's own that are in force or proposed, with every list there is to add to."""
    rows = living(clinic)
    document: dict[str, Any] = {"language": language, "review": "draft"}
    document |= _tree(language, rows, Kind.ADD, every=True)
    document["remove"] = _tree(language, rows, Kind.REMOVE, every=False)
    return _HEAD + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110)


def _tree(language: str, rows: list[LexiconChange], kind: Kind, *, every: bool) -> dict[str, Any]:
    """The words in the shape of the lists that ship, empty lists included where `every` is asked for."""
    found: dict[str, Any] = {}
    numbers: list[list[str]] = []
    for file, entry in places(language):
        words = [row.word for row in rows if (row.language, row.entry, row.kind) == (file, entry, kind)]
        name, _, part = entry.partition(".")
        if name == "numbers":
            numbers.append(words)
        elif part and (words or every):
            found.setdefault(name, {})[part] = _rule(file, part, words) if name == "redflags" else words
        elif words or every:
            found[name] = words
    return {"numbers": numbers, **found} if (every and numbers) or any(numbers) else found


def _rule(file: str, name: str, words: list[str]) -> dict[str, Any]:
    shipped = lexicons.shipped()[file]["redflags"][name]
    return {**shipped, "terms": words}


def decoded(content: bytes) -> str:
    """The text of an uploaded file. Raises NotAllowed: too large, empty, or not UTF-8."""
    if len(content) > LARGEST:
        raise NotAllowed(f"The file is larger than {LARGEST // 1_000} kB: it is no list of ours.")
    if not content.strip():
        raise NotAllowed("The file is empty.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotAllowed("The file is not in UTF-8: save it as UTF-8 and try again.") from None


def read(clinic: Clinic, language: str, content: str) -> Reading:
    """What a speaker's file would change. Raises NotAllowed, with the line, for a file that cannot be read or
    is of another language. Nothing is saved."""
    lines = list(_lines(language, _table(content)))
    known = {(row.language, row.entry, row.word, row.kind) for row in living(clinic)}
    fresh, unchanged = [], 0
    for line in dict.fromkeys(lines):
        change = line.change
        if (change.language, change.entry, change.word, change.kind) in known or _ships(change):
            unchanged += 1
        else:
            fresh.append(line)
    if len(fresh) > MOST_AT_ONCE:
        raise NotAllowed(f"{len(fresh)} words are new; {MOST_AT_ONCE} in one file is the most.")
    looked = look(clinic, [line.change for line in fresh])
    found = [
        Line(number=line.number, change=line.change, why=why)
        for line, why in zip(fresh, looked.refusals, strict=True)
    ]
    return Reading(
        new=tuple(line for line in found if not line.why),
        refused=tuple(line for line in found if line.why),
        unchanged=unchanged,
    )


def _ships(change: Change) -> bool:
    return change.kind is Kind.ADD and change.word in lexicons.lists(change.language)[change.entry]


def _table(content: str) -> yaml.MappingNode:
    """The file as nodes, which know their lines."""
    try:
        _refuse_nested(content)
        node = yaml.compose(content, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        number = mark.line + 1 if mark else 1
        raise NotAllowed(f"The file cannot be read: line {number} is not YAML.") from None
    if not isinstance(node, yaml.MappingNode):
        raise NotAllowed("Line 1 is not what a list of ours has there.")
    _refuse_odd_names(node)
    return node


def _refuse_odd_names(node: yaml.Node) -> None:
    """The name of a list is a word; YAML would take a list or a table for a name too."""
    for name, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if not isinstance(name, yaml.ScalarNode):
            raise NotAllowed(f"Line {name.start_mark.line + 1} is not what a list of ours has there.")
        _refuse_odd_names(value)


def _refuse_nested(content: str) -> None:
    """Anchors and deep nesting are no part of our format, and make small files large."""
    depth, line = 0, 1
    for event in yaml.parse(content, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else line
        depth += isinstance(event, yaml.CollectionStartEvent)
        if depth > DEEPEST or isinstance(event, yaml.AliasEvent):
            raise NotAllowed(f"Line {line} is not what a list of ours has there.")
        depth -= isinstance(event, yaml.CollectionEndEvent)


def _lines(language: str, table: yaml.MappingNode) -> Iterator[Line]:
    """Every word of the file with its place. Raises NotAllowed for a list that there is not."""
    files = {entry: file for file, entry in places(language)}
    told = ""
    for key, value in table.value:
        if key.value == "language":
            told = str(value.value)
        elif key.value == "remove" and isinstance(value, yaml.MappingNode):
            for name, words in value.value:
                yield from _under(files, name, words, Kind.REMOVE)
        elif key.value not in _ELSEWHERE:
            yield from _under(files, key, value, Kind.ADD)
    if told != language:
        raise NotAllowed(f"The file says that its language is {told[:35]}; this page is for {language}.")


def _under(files: Mapping[str, str], key: yaml.Node, value: yaml.Node, kind: Kind) -> Iterator[Line]:
    """The words under one name of the file: a list, a table of lists, the eleven lists of the numbers."""
    name = str(key.value)
    if name == "numbers" and isinstance(value, yaml.SequenceNode):
        for number, listed in enumerate(value.value):
            yield from _words(files, f"numbers.{number}", listed, kind)
    elif isinstance(value, yaml.MappingNode):
        for part, listed in value.value:
            yield from _words(files, f"{name}.{part.value}", _terms(listed), kind)
    else:
        yield from _words(files, name, value, kind)


def _terms(rule: yaml.Node) -> yaml.Node:
    """The list of a red flag, without its group and urgency, which stay as they ship."""
    named = {key.value: value for key, value in rule.value} if isinstance(rule, yaml.MappingNode) else {}
    terms: yaml.Node = named.get("terms", rule)
    return terms


def _words(files: Mapping[str, str], entry: str, listed: yaml.Node, kind: Kind) -> Iterator[Line]:
    items = listed.value if isinstance(listed, yaml.SequenceNode) and entry in files else [listed]
    for item in items:
        if item is listed or not isinstance(item, yaml.ScalarNode):
            raise NotAllowed(f"Line {item.start_mark.line + 1} is not what a list of ours has there.")
        change = Change(language=files[entry], entry=entry, word=clean(item.value), kind=kind)
        yield Line(number=item.start_mark.line + 1, change=change)
