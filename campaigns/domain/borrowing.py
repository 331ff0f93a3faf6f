"""English words in a sentence of another language: "tengo el breathing bien pesado".

There a word such as "breathing" or "chest" says by itself what an English sentence says with a second word,
which in these texts is one of the other language. Rules that are marked `abroad` count only there.
"""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.domain.folding import words

_ENGLISH = frozenset(
    word
    for listed in (
        "the and of was with have has had this for your you are been from what when just she they its still",
        "after feel would should there i is my",
    )
    for word in words(listed)
)
"""Small words that nearly every English sentence has and few other languages write."""
_LEAST = 0.25
"""The least share of them in a text that counts as English."""


def is_abroad(typed: Sequence[str], *, english: bool) -> bool:
    """Whether the words of a text, with their accents, are mostly not English. `english`: the writer's
    language is, so that a text in Latin letters counts as English."""
    if english and all(word.isascii() for word in typed):
        return False
    return sum(word in _ENGLISH for word in typed) < _LEAST * len(typed)
