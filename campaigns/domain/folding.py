"""Making texts comparable: what people type in a hurry, on any keyboard, in any script."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from campaigns.domain.variants import SIMPLER

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
    )
    for letter in letters
}
_INDIC = {
    0x093C: "",  # nukta, which phones leave out: फ़ोन and फोन
    0x0A3C: "",
    0x0901: "\u0902",  # हाँ and हां
    0x0A01: "\u0a02",
    0x0A70: "\u0a02",  # tippi and bindi are one sound
}
_PERSIAN_JOIN = re.compile("(?<=[\u0600-\u06ff])\u200c+(?=[\u0600-\u06ff])")
"""The zero-width non-joiner separates words in Persian; elsewhere it only shapes letters."""
_JAMO = "\u1100-\u11ff"
_LONE_JAMO = re.compile(rf"(?<=\w)(?<![{_JAMO}])(?=[{_JAMO}])|(?<=[{_JAMO}])(?=[^{_JAMO}\s])")
_KEYCAPS = str.maketrans({"\U0001f51f": " 10 ", "\ufe0f": "", "\u20e3": ""})
_SAME = _APOSTROPHES | _ARABIC | _INDIC
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f]")


@lru_cache(maxsize=16)
def fold(text: str) -> str:
    """One spelling for what reads the same; idempotent.

    NFKC, lower case, plain apostrophes, Arabic letter forms merged, vowel signs and tatweel dropped,
    nukta dropped and nasal signs of Hindi and Punjabi merged, Korean letters joined into syllables and lone
    ones (ㅠㅠ) set apart, digits of any script as ASCII, invisible and control characters gone, single
    spaces. Accents and Chinese numerals stay. Raised and circled digits are set apart first, or "1⁰" would
    read as ten.
    """
    if text.isascii():
        return " ".join(_UNPRINTABLE.sub(" ", text).lower().replace("`", "'").split())
    text = "".join(map(_set_apart, _PERSIAN_JOIN.sub(" ", text))).translate(_KEYCAPS)
    for _ in range(2):
        before = text
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = "".join(map(_fold_character, text.translate(_SAME)))
        if text == before:
            break
    return " ".join(_LONE_JAMO.sub(" ", unicodedata.normalize("NFC", text)).split())


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
_NOT_JOINED = re.compile(r"(?<=n)'(?=t\b)|(?<=\bi)'(?=(?:m|d|ve|ll)\b)")
"""Where English shortens: "can't" and "cant" are one word."""
_DROPPED = str.maketrans({"đ": "d", "ı": "i", "ł": "l", "ø": "o", "\u0a71": None})


def plain(text: str) -> str:
    """`fold`, and accents dropped from Latin, Greek and Cyrillic letters; other vowel signs stay."""
    folded = fold(text)
    return folded if folded.isascii() else bare(folded)


_LATIN_LOOKS, _CYRILLIC_LOOKS = "aceiopxykmtbhs", "асеіорхукмтвнѕ"
_TO_CYRILLIC = str.maketrans(_LATIN_LOOKS, _CYRILLIC_LOOKS)
_TO_LATIN = str.maketrans(_CYRILLIC_LOOKS, _LATIN_LOOKS)
_TWO_ALPHABETS = re.compile("[a-z][\u0400-\u04ff]|[\u0400-\u04ff][a-z]")
_LATIN_OR_CYRILLIC = re.compile("[a-z\u0400-\u04ff]+")
_CYRILLIC = re.compile("[\u0400-\u04ff]")


def bare(folded: str) -> str:
    """A folded text as it is compared: without accents and without what people mix up.

    The sign that doubles a Punjabi letter goes, traditional Chinese signs are simplified, Korean vowels that
    sound alike are one, and a word with letters of two alphabets is written in the one that it has more of.
    """
    if _TWO_ALPHABETS.search(folded):
        folded = _LATIN_OR_CYRILLIC.sub(_in_one_alphabet, folded)
    stripped = _ACCENTS.sub("", unicodedata.normalize("NFD", folded.translate(_DROPPED)))
    return " ".join(unicodedata.normalize("NFC", stripped.translate(SIMPLER)).split())


def _in_one_alphabet(match: re.Match[str]) -> str:
    word = match[0]
    return word.translate(_TO_CYRILLIC if len(_CYRILLIC.findall(word)) * 2 >= len(word) else _TO_LATIN)


_TWO_WORDS = re.compile("(?<=[a-z]{3})(?=[\u0400-\u04ff]{3})|(?<=[\u0400-\u04ff]{3})(?=[a-z]{3})")
"""Where a Latin word and a Cyrillic one were written together. Fewer letters are one word, typed mixed."""


def shortened(folded: str) -> str:
    """A folded text in which English short forms are one word, with or without their apostrophe, and words
    of two alphabets are two."""
    joined = _NOT_JOINED.sub("", folded)
    return joined if joined.isascii() else _TWO_WORDS.sub(" ", joined)


def words(text: str) -> list[str]:
    """The words of `plain(text)`: runs of letters, marks and digits. Each symbol, an emoji say, is a word."""
    return _split(shortened(plain(text)))


def exact_words(text: str) -> list[str]:
    """The words with their accents, for languages in which an accent makes another word (Vietnamese)."""
    return _split(fold(text))


@lru_cache(maxsize=4)
def word_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """The words of a text, each bare and with its accents."""
    exact = _split(shortened(fold(text)))
    return tuple((plainly, word) for word in exact if (plainly := word if word.isascii() else bare(word)))


_MARKS = {"\u0303": "\u0309"}


@lru_cache(maxsize=4096)
def marks(word: str) -> str:
    """The accents of a folded word, sorted, so that it does not matter on which vowel they stand.

    Two Vietnamese tones that most people mix up (hỏi and ngã) count as one.
    """
    found = [_MARKS.get(char, char) for char in unicodedata.normalize("NFD", word)]
    return "".join(sorted(char for char in found if char == "đ" or _ACCENTS.match(char)))


def _split(text: str) -> list[str]:
    return "".join(map(_spaced, text)).split()


@lru_cache(maxsize=4096)
def _spaced(char: str) -> str:
    category = unicodedata.category(char)
    if category[0] in "LMN":
        return char
    return f" {char} " if category == "So" else " "
