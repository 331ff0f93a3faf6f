"""Reading the files of the lexicon: their shape checked, every fault with its file and line.

`campaigns/lexicons/schema.json` says the same for editors. All scalars are taken as they are written, so that
`yes` and `911` need no quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from campaigns.domain.errors import CampaignsError
from campaigns.domain.matching import Sets, Term, parse_sets, parse_term

LISTS = ("ambiguous_numbers", "out_of", "fillers", "yes", "no", "agree", "not_ready", "nothing", "negators")
"""Lists that a language must have, empty ones included."""
OPTIONAL_LISTS = ("negators_after", "scale_first", "not_slips", "glue", "alike")
TERMS = ("stop_phrases", "keep_phrases", "start_phrases", "call_phrases", "harmless", "other_stops")
"""Optional lists of terms, in the notation of `matching`."""
FLAGS = ("words_joined", "marks_count")
KEYWORDS = ("stop", "start", "help", "call", "language_names")
"""Words by language in the file of keywords."""
KEYWORD_LISTS = ("stop_or_visit", "language_words", "polite")
OPTIONAL_KEYWORD_LISTS = ("stop_unless_asked",)
OPTIONAL_KEYWORDS = (
    *("wrong_person", "who_is_it", "unsure", "thank_god", "no_pain", "hardly_any_pain"),
    *("stop_first", "refusals"),
)
"""Phrases by language in the file of keywords: we write to somebody else; it is hoped, or not known; what
adds nothing to a number, or says the same; what opts out at the head of a text, and what refuses."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InvalidLexicon(CampaignsError, ValueError):
    """The lexicon file does not follow the schema."""


@dataclass(slots=True)
class _File:
    """A file being read, and what is wrong with it."""

    name: str
    faults: list[str] = field(default_factory=list)
    sets: Sets = field(default_factory=dict)
    joined: bool = False
    marks_count: bool = False
    parsed: dict[str, Term] = field(default_factory=dict)

    def fault(self, node: yaml.Node, text: str) -> None:
        self.faults.append(f"{self.name}:{node.start_mark.line + 1}: {text}")

    def table(self, node: yaml.Node, where: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"{where} must be a table of `name: value` lines.")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value in found:
                self.fault(key, f"{where} names `{key.value}` twice. Keep one.")
            found[str(key.value)] = value
        return found

    def texts(self, node: yaml.Node, where: str) -> list[str]:
        if not isinstance(node, yaml.SequenceNode):
            self.fault(node, f"{where} must be a list.")
            return []
        good = [item for item in node.value if isinstance(item, yaml.ScalarNode) and item.value.strip()]
        for item in node.value:
            if item not in good:
                self.fault(item, f"{where} may hold only words.")
        return [str(item.value) for item in good]

    def terms(self, node: yaml.Node, where: str) -> list[str]:
        found = self.texts(node, where)
        for item in node.value if found else ():
            try:
                self.parsed[item.value] = parse_term(
                    item.value, inside=self.joined, exact=self.marks_count, sets=self.sets
                )
            except ValueError as error:
                self.fault(item, f"{where}: {error}.")
        return found

    def text(self, node: yaml.Node, where: str) -> str:
        if isinstance(node, yaml.ScalarNode) and node.value:
            return str(node.value)
        self.fault(node, f"{where} must be a word.")
        return ""

    def require(self, node: yaml.Node, found: Mapping[str, yaml.Node], where: str, *names: str) -> None:
        for name in names:
            if name not in found:
                self.fault(node, f"{where} lacks `{name}`. Add it, as an empty list if there is nothing.")

    def only(self, found: Mapping[str, yaml.Node], where: str, known: set[str]) -> None:
        for name in found.keys() - known:
            self.fault(found[name], f"{where} knows no `{name}`. It may have: {', '.join(sorted(known))}.")


def read_language(text: str, name: str) -> dict[str, Any]:
    """The document of one language, its terms read (`parsed`).

    Raises `InvalidLexicon` with all faults, each as `file:line: fault`.
    """
    file, root = _open(text, name)
    found = file.table(root, "the file")
    file.require(root, found, "the file", "language", "review", "numbers", "redflags", *LISTS)
    known = {"language", "review", "numbers", "redflags", "sets", "language_phrases"}
    file.only(found, "the file", known | {*LISTS, *OPTIONAL_LISTS, *TERMS, *FLAGS})
    document: dict[str, Any] = {flag: _flag(file, found[flag], flag) for flag in FLAGS if flag in found}
    file.joined = document.get("words_joined", False)
    file.marks_count = document.get("marks_count", False)
    document["sets"] = _lists(file, found.get("sets"), "`sets`")
    file.sets = parse_sets(document["sets"], inside=file.joined, exact=file.marks_count)
    document |= {
        each: file.text(found[each], f"`{each}`") for each in ("language", "review") if each in found
    }
    document |= {
        each: file.texts(found[each], f"`{each}`") for each in (*LISTS, *OPTIONAL_LISTS) if each in found
    }
    document |= {each: file.terms(found[each], f"`{each}`") for each in TERMS if each in found}
    document["language_phrases"] = _lists(
        file, found.get("language_phrases"), "`language_phrases`", terms=True
    )
    document["numbers"] = _numbers(file, found.get("numbers"))
    document["redflags"] = _redflags(file, found.get("redflags"))
    return _closed(file, document)


def read_keywords(text: str, name: str) -> dict[str, Any]:
    """The document of the keywords. Raises `InvalidLexicon` with all faults, each as `file:line: fault`."""
    file, root = _open(text, name)
    found = file.table(root, "the file")
    names = ("language", "review", "redflags", *KEYWORDS, *KEYWORD_LISTS)
    file.require(root, found, "the file", *names)
    file.only(found, "the file", {*names, *OPTIONAL_KEYWORDS, *OPTIONAL_KEYWORD_LISTS})
    document = _read_each(file.text, found, ("language", "review"))
    document |= {each: _lists(file, found.get(each), f"`{each}`") for each in (*KEYWORDS, *OPTIONAL_KEYWORDS)}
    document |= _read_each(file.texts, found, (*KEYWORD_LISTS, *OPTIONAL_KEYWORD_LISTS))
    document["redflags"] = _redflags(file, found.get("redflags"))
    return _closed(file, document)


def _open(text: str, name: str) -> tuple[_File, yaml.Node]:
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise InvalidLexicon(f"{name}:{mark.line + 1 if mark else 1}: this is not YAML: {problem}.") from None
    if root is None:
        raise InvalidLexicon(f"{name}:1: the file is empty.")
    return _File(name), root


def _closed(file: _File, document: dict[str, Any]) -> dict[str, Any]:
    if file.faults:
        raise InvalidLexicon("\n".join(file.faults))
    document["parsed"] = file.parsed
    return document


def _read_each(
    read: Callable[[yaml.Node, str], Any], found: Mapping[str, yaml.Node], names: Iterable[str]
) -> dict[str, Any]:
    return {name: read(found[name], f"`{name}`") for name in names if name in found}


def _flag(file: _File, node: yaml.Node, name: str) -> bool:
    if node.value not in ("true", "false"):
        file.fault(node, f"`{name}` must be true or false.")
    return bool(node.value == "true")


def _lists(file: _File, node: yaml.Node | None, where: str, *, terms: bool = False) -> dict[str, list[str]]:
    """A table of lists, empty when it is left out."""
    found = file.table(node, where) if node else {}
    read = file.terms if terms else file.texts
    return {name: read(listed, f"`{name}` of {where}") for name, listed in found.items()}


def _numbers(file: _File, node: yaml.Node | None) -> list[list[str]]:
    if node is None:
        return []
    if not isinstance(node, yaml.SequenceNode) or len(node.value) != 11:
        file.fault(node, "`numbers` must be eleven lists, for 0 to 10.")
        return []
    return [file.texts(each, f"the words for {number}") for number, each in enumerate(node.value)]


def _redflags(file: _File, node: yaml.Node | None) -> dict[str, dict[str, Any]]:
    rules: dict[str, dict[str, Any]] = {}
    for name, rule in (file.table(node, "`redflags`") if node else {}).items():
        where = f"the red flag `{name}`"
        found = file.table(rule, where)
        file.require(rule, found, where, "group", "urgency", "terms")
        file.only(found, where, {"group", "urgency", "terms", "abroad"})
        if {"group", "urgency", "terms"} <= found.keys():
            rules[name] = _redflag(file, found, where)
    return rules


def _redflag(file: _File, found: Mapping[str, yaml.Node], where: str) -> dict[str, Any]:
    urgency = file.text(found["urgency"], f"`urgency` of {where}")
    if urgency not in ("emergency", "urgent"):
        file.fault(found["urgency"], f"`urgency` of {where} is emergency or urgent.")
    flag = found.get("abroad")
    return {
        "group": file.text(found["group"], f"`group` of {where}"),
        "urgency": urgency,
        "terms": file.terms(found["terms"], f"`terms` of {where}"),
        **({"abroad": _flag(file, flag, "abroad")} if flag else {}),
    }
