"""What a patient is found by: short terms of a name, a number and an address, and those of what staff type.

Names are stored encrypted, so the database cannot compare them. It keeps keyed hashes of these terms instead.
A word has a term for each of its beginnings; one written without spaces (Chinese, Japanese, Korean) also for
those of what begins inside it. Spelling that readers take for the same is folded away first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from campaigns.domain.folding import fold
from campaigns.domain.variants import SIMPLER

LONGEST = 8
"""Letters of the longest beginning that has a term. What is typed beyond is compared in the open."""
LAST_DIGITS = 4
"""So many last digits find a number."""
FIRST_DIGITS = 7
"""So many first ones do: an area code and an exchange alone are everybody's."""
MOST_WORDS = 6
"""Words of a search that count."""

_ACCENTS = re.compile("[\u0300-\u036f]")
_LETTERS_OF_THEIR_OWN = str.maketrans({"đ": "d", "ı": "i", "ł": "l", "ø": "o"})
_SIGNS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SIGN = re.compile(f"[{_SIGNS}]")
_NO_SPACES = re.compile(f"[{_SIGNS}\u1100-\u115f]")
"""Where a word begins inside another: a Chinese or Japanese sign, the first letter of a Korean syllable."""
_NUMBER = re.compile(r"\+?[\d\s().\u2010-\u2015-]+")
_PIECE = re.compile(r"[._+-]+")


class Person(NamedTuple):
    """What somebody is found by. The number is E.164 or empty, and so is the address."""

    given_name: str
    family_name: str = ""
    phone: str = ""
    email: str = ""


class Kind(StrEnum):
    """What a term is of. Terms of different kinds never meet."""

    BEGINS = "b"
    IS = "i"
    FULL_NAME = "f"
    LAST_DIGITS = "l"
    FIRST_DIGITS = "d"
    MAIL = "m"


class Wanted(NamedTuple):
    """One word of a search: a person has it who has any of `terms`. `exact` holds that of the whole word. One
    without terms is only compared in the open.

    `name`, `digits` and `mail` are what it may be the beginning of; empty where it cannot be one of them.
    """

    name: str
    digits: str
    mail: str
    terms: tuple[str, ...]
    exact: tuple[str, ...]


# --- words


def words_of(text: str) -> list[str]:
    """The words of a name, comparable: one for what stands between two spaces, without what joins its parts
    (O'Brien is `obrien`)."""
    return [joined for parts in _parts(text) if (joined := "".join(parts))]


def _parts(text: str) -> Iterator[list[str]]:
    for raw in text.split():
        yield _split(_folded(raw))


def _folded(text: str) -> str:
    """One spelling, decomposed: so the beginning of a word is also the beginning of what it becomes."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", fold(text).translate(_LETTERS_OF_THEIR_OWN)))
    return unicodedata.normalize("NFD", plain.translate(SIMPLER))


def _split(folded: str) -> list[str]:
    return "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in folded).split()


def _name_words(person: Person) -> set[str]:
    """Every word that a name is found by: whole ones, their parts, and what begins inside an unspaced one."""
    found: set[str] = set()
    for parts in (*_parts(person.given_name), *_parts(person.family_name)):
        found.update((*parts, "".join(parts)))
    if any(_NO_SPACES.search(word) for word in found):
        found.update(_unspaced(person))
    return {start for word in found if word for start in _starts(word)}


def _unspaced(person: Person) -> set[str]:
    """Both orders of a name that is written without a space."""
    given, family = ("".join(words_of(name)) for name in (person.given_name, person.family_name))
    return {family + given, given + family}


def _starts(word: str) -> Iterator[str]:
    yield word
    yield from (word[found.start() :] for found in _NO_SPACES.finditer(word) if found.start())


def _beginnings(word: str) -> Iterator[str]:
    """From two letters on; from one where a sign is a word."""
    least = 1 if _SIGN.match(word) else min(2, len(word))
    yield from (word[:size] for size in range(least, min(len(word), LONGEST) + 1))


# --- what is stored


def terms_of(person: Person) -> frozenset[str]:
    """All terms that a patient is found by."""
    names, mails = _name_words(person), _mail_words(person.email)
    found = {_term(Kind.BEGINS, part) for word in names for part in _beginnings(word)}
    found.update(_term(Kind.IS, word) for word in names)
    found.update(full_name_terms(person.given_name, person.family_name))
    found.update(_term(Kind.MAIL, part) for word in mails for part in _beginnings(word))
    return frozenset(found | _number_terms(_national(person.phone)))


def full_name_terms(given_name: str, family_name: str) -> frozenset[str]:
    """The terms by which two people of one name meet, whichever part was written first."""
    words = sorted(words_of(given_name) + words_of(family_name))
    forms = {" ".join(words)} - {""}
    if any(_NO_SPACES.search(word) for word in words):
        forms |= _unspaced(Person(given_name, family_name))
    return frozenset(_term(Kind.FULL_NAME, form) for form in forms)


def _number_terms(number: str) -> set[str]:
    if len(number) < LAST_DIGITS:
        return set()
    last = {_term(Kind.LAST_DIGITS, number[-size:]) for size in range(LAST_DIGITS, FIRST_DIGITS + 1)}
    return last | {_term(Kind.FIRST_DIGITS, number[:size]) for size in range(FIRST_DIGITS, len(number) + 1)}


def _national(number: str) -> str:
    """Digits alone, without the 1 of North America."""
    digits = "".join(str(unicodedata.decimal(char)) for char in number if char.isdecimal())
    return digits[1:] if len(digits) > FIRST_DIGITS and digits.startswith("1") else digits


def _mail_words(address: str) -> set[str]:
    name = address.casefold().partition("@")[0]
    return {name, *_PIECE.split(name)} - {""}


def _term(kind: Kind, text: str) -> str:
    return f"{kind.value}{text}"


# --- what is asked


def wanted(query: str) -> tuple[Wanted, ...]:
    """What somebody typed, word by word: who is found has them all. Nothing where it says nothing."""
    if _NUMBER.fullmatch(query.strip()):
        found = [_wanted_number(_national(query))]
    else:
        found = [_wanted_word(raw) for raw in query.split()[:MOST_WORDS]]
    if any(one.terms and not _is_letter(one) for one in found):
        # Beside another word a single letter begins one that is being typed: it is compared, not looked up.
        found = [one._replace(terms=()) if _is_letter(one) else one for one in found]
    return tuple(one for one in found if one.terms or one.name) if any(one.terms for one in found) else ()


def _is_letter(one: Wanted) -> bool:
    return len(one.name) == 1 and not _SIGN.match(one.name)


def _wanted_word(raw: str) -> Wanted:
    typed = raw.casefold()
    mail = typed if typed.isascii() else ""
    if "@" in raw:
        local = mail.partition("@")[0]
        return Wanted("", "", mail, (_term(Kind.MAIL, local[:LONGEST]),) if local else (), ())
    word = "".join(_split(_folded(raw)))
    if word.isdecimal() and len(word) >= LAST_DIGITS:
        return _wanted_number(_national(word))
    if not word:
        return Wanted("", "", "", (), ())
    terms = [_term(Kind.BEGINS, word[:LONGEST])] + ([_term(Kind.MAIL, mail[:LONGEST])] if mail else [])
    return Wanted(word, "", mail, tuple(terms), (_term(Kind.IS, word),))


def _wanted_number(digits: str) -> Wanted:
    terms = []
    if LAST_DIGITS <= len(digits) <= FIRST_DIGITS:
        terms.append(_term(Kind.LAST_DIGITS, digits))
    if len(digits) >= FIRST_DIGITS:
        terms.append(_term(Kind.FIRST_DIGITS, digits))
    return Wanted("", digits, "", tuple(terms), ())


def fits(person: Person, asked: Iterable[Wanted]) -> bool:
    """Whether somebody has every word that was asked for, beyond the letters that have a term."""
    names, number = _name_words(person), _national(person.phone)
    mails = _mail_words(person.email) | {person.email.casefold()}
    return all(
        (one.name and any(word.startswith(one.name) for word in names))
        or (one.mail and any(word.startswith(one.mail) for word in mails))
        or (one.digits and (number.startswith(one.digits) or number.endswith(one.digits)))
        for one in asked
    )


def same_name(one: Person, other: Person) -> bool:
    """Whether two people have one name, whichever part was written first."""
    terms = (full_name_terms(person.given_name, person.family_name) for person in (one, other))
    return bool(frozenset.intersection(*terms))
