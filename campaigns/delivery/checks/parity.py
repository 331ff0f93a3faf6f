"""What must be in a translation exactly as in the English: placeholders, numbers, kept words, links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from campaigns.delivery.checks.findings import Text
from campaigns.delivery.glossaries import kept_words

NAME = re.compile(r"%\((\w+)\)s")
_DIGITS = re.compile(r"[89]-\d-\d|\d+")
_ADDRESS = re.compile(r"https?:|www\.|\d{3}-\d{3}-\d{4}|\+1\d{10}|\S+@\S+")
_LOOSE_LINK = re.compile(r"\S%\(link\)s|%\(link\)s\S")
_LOOSE_PHONE = re.compile(r"[\d+-]%\(phone\)s|%\(phone\)s[\d-]|[A-Za-z]%\(phone\)s|%\(phone\)s[A-Za-z]")
_COMMANDS = ("STOP", "START", "HELP", "CALL")


def bare(text: str) -> str:
    """The text with a space for each placeholder."""
    return NAME.sub(" ", text)


def placeholders(text: Text) -> Iterator[str]:
    """Check 1. A plural form may leave out the count itself, and nothing else."""
    for name, more, fewer in _differences(NAME, text.source, text.target):
        if fewer and not (text.countless and name == "num"):
            yield f"%({name})s is missing"
        if more:
            yield f"%({name})s is not in the English"
    rest = NAME.sub("", text.target)
    if "%" in rest.replace("%%", "") or re.search(r"[{}]", rest):
        yield "a placeholder is broken"


def kept(text: Text) -> Iterator[str]:
    """Check 7: the same numbers, each as often, and the words that are never translated."""
    for number, _, fewer in _differences(_DIGITS, bare(text.source), bare(text.target)):
        yield f"the number {number} is {'missing' if fewer else 'not in the English'}"
    for word in dict.fromkeys(kept_words().findall(text.source)):
        if not _has(text, word):
            yield f"{word} must stay as it is"
    for word in _COMMANDS:
        if re.search(rf"\b{word}\b", text.target, re.ASCII) and word not in text.source:
            yield f"{word} is not in the English"


def _has(text: Text, word: str) -> bool:
    local = text.known.kept_as.get(word)
    found = re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", text.target)
    return bool(found or (local and local.search(text.target)))


def links(text: Text) -> Iterator[str]:
    """Check 14: phones find a link or a number only when nothing is glued to it."""
    if _LOOSE_LINK.search(text.target):
        yield "a space must stand on each side of %(link)s"
    if _LOOSE_PHONE.search(text.target):
        yield "something is glued to %(phone)s"
    for found in _ADDRESS.findall(text.target):
        if found not in text.source:
            yield f"{found} is written out"


def _differences(pattern: re.Pattern[str], source: str, target: str) -> Iterator[tuple[str, bool, bool]]:
    ours, theirs = Counter(pattern.findall(source)), Counter(pattern.findall(target))
    for found in sorted(ours.keys() | theirs.keys()):
        if theirs[found] != ours[found]:
            yield found, theirs[found] > ours[found], theirs[found] < ours[found]
