"""How a text travels as SMS: encoding, units and segments, packed as Twilio's segment calculator packs them.

A segment holds 1120 bits: 160 septets of GSM 03.38 or 70 UTF-16 code units. A longer text is sent in parts
that each give 6 bytes to a header: 153 septets or 67 code units. An escape pair of GSM-7, a surrogate pair
and a grapheme cluster are never cut in two, so counting is packing and not division.

Sources: 3GPP TS 23.038 and 23.040; the `sms-segments-calculator` package 1.3.0 of Twilio. The character set
has no national shift tables (Twilio sends such text as UCS-2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from campaigns.domain.graphemes import Kind, clusters, is_plain, kind_of


class Encoding(StrEnum):
    """The two alphabets of SMS."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one sender carries: septets (gsm) and UTF-16 code units (ucs), alone and as one of several parts.

    Raises ValueError where a part would hold less than one character or more than a single message.
    """

    gsm_single: int = 160
    gsm_part: int = 153
    ucs_single: int = 70
    ucs_part: int = 67

    def __post_init__(self) -> None:
        """Refuse limits that no text could be packed into."""
        for single, part in ((self.gsm_single, self.gsm_part), (self.ucs_single, self.ucs_part)):
            if not 2 <= part <= single:
                raise ValueError("a part must hold at least 2 units and no more than a single message")


STANDARD = Limits()

PRESETS: dict[str, Limits] = {
    "standard": STANDARD,
    "canada_136": Limits(gsm_single=136, gsm_part=129),
    "toll_free": Limits(gsm_part=152, ucs_part=66),
}
"""Limits by name for sender profiles.

`canada_136`: Twilio's (undated) guideline for Canada gives 136 characters; the part size is ours, 136 less
the header's 7 septets. `toll_free`: parts of 152 and 66, as one calculator reports for toll-free numbers.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmented:
    """As a text travels. `units` are septets or UTF-16 code units, headers apart; `parts` join to it."""

    encoding: Encoding
    units: int
    segments: int
    parts: tuple[str, ...]


_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = "\f^{}\\[~]|€"
_NOT_GSM = re.compile(f"[^{re.escape(_BASIC + _ESCAPED)}]")
_TWO_UNITS = re.compile(f"[{re.escape(_ESCAPED)}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_CODE_POINT = re.compile("[\ud800-\udbff][\udc00-\udfff]|.", re.DOTALL)


def is_gsm7(text: str) -> bool:
    """Whether every character is in the GSM 03.38 alphabet or its extension table."""
    return _NOT_GSM.search(text) is None


def segment(text: str, limits: Limits = STANDARD) -> Segmented:
    """Pack a text exactly as it is; call `normalise` first where it is ours. An empty text is one segment."""
    gsm = is_gsm7(text)
    single, part = (limits.gsm_single, limits.gsm_part) if gsm else (limits.ucs_single, limits.ucs_part)
    units = _units(text, gsm=gsm)
    if units <= single:
        parts: tuple[str, ...] = (text,)
    elif units == len(text) and (gsm or is_plain(text)):  # each character is one unit and stands alone
        parts = tuple(text[start : start + part] for start in range(0, units, part))
    elif units == len(text):
        parts = tuple(_cut(text, part))
    else:
        parts = tuple(_pack(_atoms(text, gsm=gsm, part=part), part))
    return Segmented(
        encoding=Encoding.GSM7 if gsm else Encoding.UCS2, units=units, segments=len(parts), parts=parts
    )


def _units(text: str, *, gsm: bool) -> int:
    return len(text) + len((_TWO_UNITS if gsm else _ASTRAL).findall(text))


def _cut(text: str, part: int) -> Iterator[str]:
    """The same parts for a text whose characters are one unit each: clusters are looked for only where a part
    ends, from the word before on."""
    start = 0
    while len(text) - start > part:
        end = _last_break(text, start, start + part)
        yield text[start:end]
        start = end
    yield text[start:]


def _last_break(text: str, start: int, limit: int) -> int:
    """The last place up to `limit` where a cluster ends; `limit` itself in one that is longer than a part."""
    found = max(text.rfind(" ", start + 1, limit), start)
    if found > start and kind_of(text[found - 1]) is Kind.PREPEND:
        found = start  # the only character that joins to a space behind it
    # With the character behind the limit, which decides whether a cluster ends there.
    for cluster in clusters(text[found : limit + 1]):
        if found + len(cluster) > limit:
            break
        found += len(cluster)
    crossing = next(clusters(text[found : found + limit - start + 1]))
    return limit if len(crossing) > limit - start else found


def _atoms(text: str, *, gsm: bool, part: int) -> Iterator[tuple[str, int]]:
    """What must stay whole, with its width. A cluster too long for any part is cut between code points."""
    if gsm:
        yield from ((char, 2 if char in _ESCAPED else 1) for char in text)
        return
    astral = _ASTRAL.search(text) is not None
    for cluster in clusters(text):
        width = _units(cluster, gsm=False) if astral else len(cluster)
        if width <= part:
            yield cluster, width
        else:
            yield from ((point, _units(point, gsm=False)) for point in _CODE_POINT.findall(cluster))


def _pack(atoms: Iterable[tuple[str, int]], part: int) -> Iterator[str]:
    held: list[str] = []
    used = 0
    for atom, width in atoms:
        if used + width > part:
            yield "".join(held)
            held, used = [], 0
        held.append(atom)
        used += width
    yield "".join(held)


_SPACES = re.compile("[\t\u00a0\u2000-\u200a\u202f\u205f]")
_STRAY = re.compile("[\u00ad\u200b\u2060\ufeff]")
_DIRECTIONAL = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_JOINER = re.compile("[\u200c\u200d]")
_JOINERS = re.compile("([^\u200c\u200d]?)([\u200c\u200d]+)(?=(.?))", re.DOTALL)
_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("‘’‚‛′ʼ`‹›", "'")
    | dict.fromkeys("“”„‟″«»", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | {"…": "..."}
)
_BEYOND_GSM = re.compile(f"[^{re.escape(_BASIC + _ESCAPED + ''.join(map(chr, _TYPOGRAPHY)))}]")


def normalise(text: str) -> str:
    """The same text in the form that costs least: idempotent, and no letter ever changes.

    NFC (Twilio would turn a decomposed e with circumflex into "e^"); narrow and fixed spaces become
    spaces (CLDR puts U+202F into English times); invisible characters go, except joiners between letters
    that need them and direction marks in right-to-left text. Quotes, dashes and the ellipsis become ASCII
    only where that alone makes the text GSM-7. Accents are never stripped: in French and Spanish they
    change the meaning.
    """
    if text.isascii() and is_gsm7(text):
        return text  # as most English texts are: nothing below would touch it
    text = _STRAY.sub("", unicodedata.normalize("NFC", text))
    if not _RIGHT_TO_LEFT.search(text):
        text = _DIRECTIONAL.sub("", text)
    if _JOINER.search(text):
        text = _JOINERS.sub(_keep_needed_joiner, text)
    text = unicodedata.normalize("NFC", _SPACES.sub(" ", text))
    if _BEYOND_GSM.search(text):
        return text  # most are: nothing about quotes and dashes would make them GSM-7
    return text.translate(_TYPOGRAPHY)


def _keep_needed_joiner(match: re.Match[str]) -> str:
    """Keep one joiner where the script or an emoji sequence needs it; drop it everywhere else.

    Persian, Urdu and the Indic scripts spell with joiners; between Latin letters they are debris of copying.
    """
    before, joiners, after = match.group(1), match.group(2), match.group(3)
    needed = _spells_with_joiners(before) and _spells_with_joiners(after)
    return before + joiners[0] if needed else before


def _spells_with_joiners(char: str) -> bool:
    if not char:
        return False
    code = ord(char)
    in_script = 0x0600 <= code <= 0x08FF or 0x0900 <= code <= 0x0DFF or 0x1000 <= code <= 0x109F
    return in_script or code == 0xFE0F or unicodedata.category(char) in {"So", "Sk"}
