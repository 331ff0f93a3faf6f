"""Making texts comparable: what people type in a hurry, on any keyboard, in any script."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼ‛`´′＇"), "'")
_ARABIC = {
    ord(letter): plain
    for letters, plain in (
        ("أإآٱ", "ا"),
        ("ىیېئ", "ي"),
        ("ک", "ك"),
        ("ةۀہھە", "ه"),
        ("ؤ", "و"),
        ("٫", "."),
        ("\u0640", ""),  # tatweel
        ("\u200c", " "),  # the zero-width non-joiner separates words in Persian
    )
    for letter in letters
}
_KEYCAPS = str.maketrans({"\U0001f51f": " 10 ", "\ufe0f": "", "\u20e3": ""})


def fold(text: str) -> str:
    """One spelling for what reads the same; idempotent.

    NFKC, lower case, plain apostrophes, Arabic letter forms merged, vowel signs and tatweel dropped,
    digits of any script as ASCII, invisible and control characters gone, single spaces. Accents stay.
    Raised and circled digits are set apart first, or "1⁰" would read as ten.
    """
    text = "".join(map(_set_apart, text)).translate(_KEYCAPS)
    for _ in range(2):
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = "".join(map(_fold_character, text.translate(_APOSTROPHES).translate(_ARABIC)))
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def _set_apart(char: str) -> str:
    return f" {char} " if unicodedata.category(char) == "No" else char


@lru_cache(maxsize=4096)
def _fold_character(char: str) -> str:
    if char.isascii():
        return char if char.isprintable() else " "
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(char)
    if category == "Cf" or (category == "Mn" and "\u0600" <= char <= "\u08ff"):
        return ""
    return " " if category in {"Cc", "Cs", "Cn", "Co"} or char.isspace() else char


_ACCENTS = re.compile("[\u0300-\u036f]")


def plain(text: str) -> str:
    """`fold`, and accents dropped from Latin, Greek and Cyrillic letters; other vowel signs stay."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", fold(text)))
    return " ".join(unicodedata.normalize("NFC", bare).split())


def words(text: str) -> list[str]:
    """The words of `plain(text)`: runs of letters, marks and digits. Each symbol, an emoji say, is a word."""
    return "".join(map(_spaced, plain(text))).split()


def exact_words(text: str) -> list[str]:
    """The words with their accents, for languages in which an accent makes another word (Vietnamese)."""
    return "".join(map(_spaced, fold(text))).split()


@lru_cache(maxsize=4096)
def _spaced(char: str) -> str:
    category = unicodedata.category(char)
    if category[0] in "LMN":
        return char
    return f" {char} " if category == "So" else " "
