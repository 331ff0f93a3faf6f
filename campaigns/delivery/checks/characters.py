"""What a text is made of: characters, spaces and end marks, scripts, English left in, direction."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from campaigns.delivery.checks.findings import Text
from campaigns.delivery.checks.parity import bare
from campaigns.delivery.formats import is_rtl
from campaigns.delivery.glossaries import glossary, kept_words
from campaigns.domain.languages import SOURCE
from campaigns.domain.sms import normalise

LEAST_SHARE = 80  # percent of the letters that must be of the language's own script
_INVISIBLE = re.compile(
    "[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e"
    "\u2028\u2029\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffd\ue000-\uf8ff]"
)
_FIXED_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f]")
_NO_SCRIPT = ("MASCULINE ORDINAL", "FEMININE ORDINAL", "MODIFIER LETTER")
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN_WORD = re.compile(r"(?<![^\W\d_])[A-Za-z][A-Za-z'’-]*[A-Za-z](?![^\W\d_])")
# The tatweel (U+0640) is a joining stroke: an Arabic prefix may end with it before a Latin word.
_TOUCHING = re.compile(
    "[A-Za-z0-9][\u0620-\u064a\u066e-\u06d3]|[\u0620-\u063f\u0641-\u064a\u066e-\u06d3][A-Za-z0-9]"
)
_OPEN_END = re.compile(r"(?:\d|%\(\w+\)s)$")  # where word order decides if a stop follows
_LONGEST_QUOTE = 4


def characters(text: Text) -> Iterator[str]:
    """Check 3: NFC, nothing invisible but the joiners of the script, no special space where it costs."""
    target = text.target
    if target != unicodedata.normalize("NFC", target):
        yield "not NFC"
    for match in _INVISIBLE.finditer(target):
        if match.group() not in text.known.joiners:
            yield f"an invisible character, U+{ord(match.group()):04X}"
        elif match.group() not in normalise(target[max(match.start() - 1, 0) : match.end() + 1]):
            yield f"U+{ord(match.group()):04X} stands where it joins nothing"
    if _FIXED_SPACES.search(target) and (text.is_sms or text.is_source):
        yield "a special space"
    if any(c.isdecimal() and not c.isascii() for c in target):
        yield "digits must be 0 to 9"


def edges(text: Text) -> Iterator[str]:
    """Check 4: no space at an edge or doubled, one line, the same kind of mark at the end."""
    if text.target != text.target.strip():
        yield "space at an edge"
    if "  " in text.target:
        yield "doubled space"
    if "\n" in text.target:
        yield "a line break"
    wanted, found = _ends(text.source, SOURCE), _ends(text.target, text.language)
    open_end = _OPEN_END.search(text.source) or _OPEN_END.search(text.target)
    if not wanted & found and not (open_end and wanted | found == {"none", "stop"}):
        yield f"ends with {min(found)}, the English with {min(wanted)}"


def _ends(text: str, language: str) -> set[str]:
    """The kinds of end mark; a language may end with a stop what English ends with a colon."""
    last = text.rstrip()[-1:]
    return {kind for kind, marks in glossary(language).ends.items() if last and last in marks} or {"none"}


def script(text: Text) -> Iterator[str]:
    """Check 5: the letters of the language, none that only look alike, no word of two alphabets."""
    known = text.known
    letters = [c for c in _without_kept(text) if c.isalpha()]
    own = sum(_named(c).startswith(known.letters) for c in letters)
    if letters and 100 * own < LEAST_SHARE * len(letters):
        yield f"{100 - 100 * own // len(letters)}% of the letters are of another script"
    own_or_latin = (*known.letters, "LATIN", *_NO_SCRIPT)
    foreign = {c for c in bare(text.target) if c.isalpha() and not _named(c).startswith(own_or_latin)}
    if strange := sorted(foreign | known.strange.intersection(text.target)):
        yield f"not letters of this language: {' '.join(strange)}"
    for word in _WORD.findall(bare(text.target)):
        if len({a for a in _ALPHABETS for c in word if _named(c).startswith(a)}) > 1:
            yield f"{word!r} mixes two alphabets"


def _named(character: str) -> str:
    return unicodedata.name(character, "")


def _without_kept(text: Text) -> str:
    rest = kept_words().sub(" ", bare(text.target))
    for pattern in text.known.kept_as.values():
        rest = pattern.sub(" ", rest)
    return _LATIN_WORD.sub(lambda m: " " if m.group().casefold() in text.known.latin else m.group(), rest)


def untranslated(text: Text) -> Iterator[str]:
    """Check 6: the English itself, English words left in, or a note to the translator."""
    same = text.target == text.source and text.target not in text.known.as_english
    if same and _without_kept(text).strip(" ,.:;()"):
        yield "same as the English"
    rest = _without_kept(text)
    words = [word.casefold() for word in _LATIN_WORD.findall(rest)]
    left = _left_in(text, words) if "LATIN" in text.known.letters else list(dict.fromkeys(words))
    if left:
        yield f"English left in: {', '.join(left)}"
    if text.known.notes.search(text.target) or glossary(SOURCE).notes.search(text.target):
        yield "a note to the translator stands in the text"
    elif _quotes(text.comments, text.target) and not _quotes(text.comments, text.source):
        yield "a translator comment stands in the text"


def _left_in(text: Text, words: list[str]) -> list[str]:
    """In a language of the same script: words that only English has, or three in a row from the source."""
    telltales = glossary(SOURCE).telltales - text.known.telltales
    found = [word for word in words if word in telltales]
    english = f" {' '.join(word.casefold() for word in _LATIN_WORD.findall(bare(text.source)))} "
    runs = (" ".join(words[i : i + 3]) for i in range(len(words) - 2))
    return list(dict.fromkeys(found + [run for run in runs if f" {run} " in english]))


def _quotes(comment: str, target: str) -> bool:
    """Whether some words of the comment stand in the text, one after the other."""
    told = comment.casefold().split()
    runs = (" ".join(told[i : i + _LONGEST_QUOTE]) for i in range(len(told) - _LONGEST_QUOTE + 1))
    return any(run in target.casefold() for run in runs)


def direction(text: Text) -> Iterator[str]:
    """Check 13: a right-to-left SMS begins with a letter of its own, and Latin words stand apart."""
    if not is_rtl(text.language):
        return
    if text.is_sms and unicodedata.bidirectional(text.target[0]) not in {"R", "AL"}:
        yield "must begin with a letter that is written from right to left"
    if found := _TOUCHING.search(text.target):
        yield f"a space must stand between {found.group()[0]} and {found.group()[-1]}"
