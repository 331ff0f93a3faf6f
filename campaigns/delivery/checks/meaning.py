"""What a text says: the words it must use and must not, what it denies, what it claims."""

from __future__ import annotations

import re
from collections.abc import Iterator

from campaigns.delivery.checks.findings import Text
from campaigns.delivery.glossaries import glossary
from campaigns.domain.languages import SOURCE

_PERCENT = re.compile(r"\d[\d.,]*\s?[%٪％]|[%٪％]\s?\d")
_GLOSSED = re.compile(r"\b[YN] ?[(（][^)）]*[)）]")  # "N (non)" denies nothing
_CARRIER_WORDS = re.compile(r"\b(?:CANCEL|END|QUIT|REVOKE|OPTOUT|UNSUBSCRIBE|STOPALL)\b", re.ASCII)


def terms(text: Text) -> Iterator[str]:
    """Check 8: what the English names is named, and nothing is named that misleads."""
    for name, english in glossary(SOURCE).terms.items():
        if english.search(text.source) and not text.known.terms[name].search(text.target):
            yield f"no word for {name.replace('_', ' ')}"
    for rule in text.known.banned:
        if found := rule.found(text.source, text.target):
            yield f"{found!r}: {rule.why}"


def opt_out(text: Text) -> Iterator[str]:
    """Part of check 8: no text invites a word that opts the patient out at the carrier."""
    for pattern in (_CARRIER_WORDS, text.known.opt_out):
        if found := pattern.search(text.target):
            yield f"{found.group()} would opt the patient out"


def negation(text: Text) -> Iterator[str]:
    """Check 9: as many denials as in the English at the least, and every "do not stop"."""
    english, known = glossary(SOURCE), text.known
    wanted = _count(english.negations, text.source)
    found = _count(known.negations, _GLOSSED.sub(" ", text.target))
    if found < wanted:
        yield f"the English says not {wanted} times, this {found} times"
    if _count(english.keep_taking, text.source) != _count(known.keep_taking, text.target):
        yield "'do not stop' is lost or doubled"


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def claims(text: Text) -> Iterator[str]:
    """Check 12: no cure, no promise, no percentage, in any language."""
    for rule in (*text.known.claims, *glossary(SOURCE).claims):
        if found := rule.found(text.source, text.target):
            yield f"{found!r} promises too much"
            return
    if found := _percentage(text.target):
        yield f"{found} is a success rate, or reads like one"


def _percentage(target: str) -> str:
    match = _PERCENT.search(target.replace("%%", "%")) if "%(" not in target else None
    match = match or _PERCENT.search(re.sub(r"%\(\w+\)s", "", target).replace("%%", "%"))
    return match.group() if match else ""
