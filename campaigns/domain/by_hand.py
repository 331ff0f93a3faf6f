"""What staff may type to a patient in their own words, and what must not stand there.

Such a text goes as it was written: nobody has approved it, and nobody has translated it. So it holds nothing
that a phone may show to others, nothing that opens something, and no word that a carrier acts on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from campaigns.domain.folding import words as words_of
from campaigns.domain.recipients import Channel

LONGEST = 480
"""Characters: three segments of plain Latin letters, a few more in other scripts."""

_LINK = re.compile(r"https?://|www\.|\b[\w-]+\.(?:com|ca|org|net|info|ly|me|io)\b", re.IGNORECASE)
_CARRIER = "CANCEL|END|QUIT|REVOKE|OPTOUT|UNSUBSCRIBE|STOPALL|STOP|ARRET"
_SHOUTED = re.compile(rf"\b(?:{_CARRIER})\b", re.ASCII)
_INVITED = re.compile(
    r"\b(?:reply|text|send|write|répondez|répondre|envoyez|écrivez)\s+[\"'«“]?\s*(?:"
    + _CARRIER
    + r"|arrêt)\b",
    re.IGNORECASE,
)
_DANGER = ("Cc", "Cs", "Cn", "Co")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff]")


def clean(typed: str) -> str:
    """The words on one line, NFC, without what cannot be seen."""
    bare = "".join(char for char in typed if char.isspace() or unicodedata.category(char) not in _DANGER)
    return " ".join(_TURNS.sub("", unicodedata.normalize("NFC", bare)).split())


def faults(words: str, channel: Channel, names: Iterable[str]) -> Iterator[str]:
    """Why cleaned words may not go, one sentence each. `names` are the patient's own."""
    if not words or len(words) > LONGEST:
        yield f"Write between 1 and {LONGEST} characters."
    if _LINK.search(words):
        yield "Leave links out: patients are taught not to trust them, and phone networks filter them."
    if _SHOUTED.search(words) or _INVITED.search(words):
        yield "Leave out words that end all texts when a patient sends them back, such as STOP or CANCEL."
    if channel is Channel.SMS and _named(words, names):
        yield "Leave the patient's name out of a text: others may see the phone."


def _named(words: str, names: Iterable[str]) -> bool:
    """Whether one of the names stands there as a word. One of one letter is no name to be known by."""
    said = set(words_of(words))
    return any(part in said for name in names for part in words_of(name) if len(part) > 1)
