"""What a reader sees as one character: extended grapheme clusters.

The rules are those of UAX #29 for Unicode 10, because that is what Twilio's own segment calculator follows
and our counts must equal its counts. Newer emoji sequences (a person with red hair, a transgender flag) are
therefore several clusters here, as they are there. One deliberate difference, as in the calculator: CR LF is
two characters.

Marks come from the running Python's Unicode data; the emoji lists are closed lists of Unicode 10.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from functools import lru_cache


class Kind(Enum):
    """The grapheme break property of a character."""

    OTHER = auto()
    CONTROL = auto()
    EXTEND = auto()
    SPACING = auto()
    JOINER = auto()
    PREPEND = auto()
    REGIONAL = auto()
    HANGUL_L = auto()
    HANGUL_V = auto()
    HANGUL_T = auto()
    HANGUL_LV = auto()
    HANGUL_LVT = auto()
    EMOJI_BASE = auto()
    EMOJI_MODIFIER = auto()
    EMOJI_AFTER_JOINER = auto()
    EMOJI_BOTH = auto()


def _spread(ranges: str) -> Iterator[int]:
    for part in ranges.split():
        first, _, last = part.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


_RANGES = {
    Kind.JOINER: "200D",
    Kind.EXTEND: (
        "200C 9BE 9D7 B3E B57 BBE BD7 CC2 CD5-CD6 D3E D57 DCF DDF 1734 302E-302F FF9E-FF9F 1133E 11357 114B0 "
        "114BD 115AF 1D165 1D16E-1D172 E0020-E007F"
    ),
    Kind.SPACING: "E33 EB3 1CF2-1CF3 A9BD 11A07-11A08",
    Kind.PREPEND: "600-605 6DD 70F 8E2 D4E 110BD 111C2-111C3 11A3A 11A86-11A89 11D46",
    Kind.REGIONAL: "1F1E6-1F1FF",
    Kind.HANGUL_L: "1100-115F A960-A97C",
    Kind.HANGUL_V: "1160-11A7 D7B0-D7C6",
    Kind.HANGUL_T: "11A8-11FF D7CB-D7FB",
    Kind.EMOJI_BASE: (
        "261D 26F9 270A-270D 1F385 1F3C2-1F3C4 1F3C7 1F3CA-1F3CC 1F442-1F443 1F446-1F450 1F46E 1F470-1F478 "
        "1F47C 1F481-1F483 1F485-1F487 1F4AA 1F574-1F575 1F57A 1F590 1F595-1F596 1F645-1F647 1F64B-1F64F "
        "1F6A3 1F6B4-1F6B6 1F6C0 1F6CC 1F918-1F91C 1F91E-1F91F 1F926 1F930-1F939 1F93D-1F93E 1F9D1-1F9DD"
    ),
    Kind.EMOJI_MODIFIER: "1F3FB-1F3FF",
    Kind.EMOJI_AFTER_JOINER: (
        "2640 2642 2695-2696 2708 2764 1F308 1F33E 1F373 1F393 1F3A4 1F3A8 1F3EB 1F3ED 1F48B 1F4BB-1F4BC "
        "1F527 1F52C 1F5E8 1F680 1F692"
    ),
    Kind.EMOJI_BOTH: "1F466-1F469",
}
_LISTED = {code: kind for kind, ranges in _RANGES.items() for code in _spread(ranges)}

_BY_CATEGORY = {
    "Mn": Kind.EXTEND,
    "Me": Kind.EXTEND,
    "Mc": Kind.SPACING,
    "Cc": Kind.CONTROL,
    "Cf": Kind.CONTROL,
    "Cs": Kind.CONTROL,
    "Zl": Kind.CONTROL,
    "Zp": Kind.CONTROL,
}

_HANGUL_FIRST, _HANGUL_LAST, _HANGUL_TAILS = 0xAC00, 0xD7A3, 28


@lru_cache(maxsize=4096)
def kind_of(char: str) -> Kind:
    """The break property of one character."""
    code = ord(char)
    if code in _LISTED:
        return _LISTED[code]
    if _HANGUL_FIRST <= code <= _HANGUL_LAST:
        return Kind.HANGUL_LVT if (code - _HANGUL_FIRST) % _HANGUL_TAILS else Kind.HANGUL_LV
    return _BY_CATEGORY.get(unicodedata.category(char), Kind.OTHER)


_ALWAYS_JOINS = frozenset({Kind.EXTEND, Kind.JOINER, Kind.SPACING})
_V_OR_T = {Kind.HANGUL_V, Kind.HANGUL_T}
_JOINING_PAIRS = frozenset(
    {(Kind.HANGUL_L, after) for after in (Kind.HANGUL_L, Kind.HANGUL_V, Kind.HANGUL_LV, Kind.HANGUL_LVT)}
    | {(before, after) for before in (Kind.HANGUL_LV, Kind.HANGUL_V) for after in _V_OR_T}
    | {(before, Kind.HANGUL_T) for before in (Kind.HANGUL_LVT, Kind.HANGUL_T)}
    | {(Kind.JOINER, after) for after in (Kind.EMOJI_AFTER_JOINER, Kind.EMOJI_BOTH)}
)


_STAND_ALONE = {Kind.OTHER, Kind.CONTROL}
_MOST_KNOWN = 4096
_known_plain: set[str] = set()
"""Characters found to stand alone: most texts hold no other."""


def is_plain(text: str) -> bool:
    """Whether every character is a cluster of its own: no marks, joiners, emoji sequences or surrogates."""
    new = set(text) - _known_plain
    if not all(kind_of(char) in _STAND_ALONE and not "\ud800" <= char <= "\udfff" for char in new):
        return False
    if len(_known_plain) < _MOST_KNOWN:
        _known_plain.update(new)
    return True


def clusters(text: str) -> Iterator[str]:
    """The grapheme clusters of a text, in order; joined they are the text.

    Two lone surrogates that form a pair stay together: on the air they are one character.
    """
    start = 0
    before = None
    for end, char in enumerate(text):
        after = kind_of(char)
        # Two plain letters are most of any text, and nothing more need be asked about them.
        if end and (before is after is Kind.OTHER or _breaks(text, start, end)):
            yield text[start:end]
            start = end
        before = after
    if text:
        yield text[start:]


def _breaks(text: str, start: int, at: int) -> bool:
    """Whether a cluster that began at `start` ends before `at`."""
    before, after = kind_of(text[at - 1]), kind_of(text[at])
    if Kind.CONTROL in (before, after):
        return not is_pair(text[at - 1], text[at])
    if after in _ALWAYS_JOINS or before is Kind.PREPEND or (before, after) in _JOINING_PAIRS:
        return False
    if after is Kind.EMOJI_MODIFIER:
        return not _modifies(reversed(text[start:at]))
    if before is Kind.REGIONAL and after is Kind.REGIONAL:
        flags = [char for char in text[start:at] if kind_of(char) is Kind.REGIONAL]
        return len(flags) % 2 == 0
    return True


def _modifies(backwards: Iterable[str]) -> bool:
    """Whether a skin tone would change the emoji before it, with nothing but marks between."""
    for char in backwards:
        kind = kind_of(char)
        if kind is not Kind.EXTEND:
            return kind in (Kind.EMOJI_BASE, Kind.EMOJI_BOTH)
    return False


def is_pair(first: str, second: str) -> bool:
    """Whether two characters are the two halves of one surrogate pair."""
    return "\ud800" <= first <= "\udbff" and "\udc00" <= second <= "\udfff"
