"""Channels and the addresses on them: telephone numbers in E.164, e-mail addresses."""

from __future__ import annotations

import re
from enum import StrEnum

import phonenumbers

from campaigns.domain.errors import InvalidAddress


class Channel(StrEnum):
    """A way to reach a patient."""

    SMS = "sms"
    EMAIL = "email"


_PHONE_HINT = "Write it with the area code, for example 604-555-0134."
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PHONE_CHARACTERS = re.compile(r"\s*[+＋]?[\s\d().\-\u2010-\u2015\u2212]+")
_LONGEST_PHONE_TEXT = 40
_NANP = re.compile(r"\+1([2-9][0-8]\d)([2-9]\d{2})\d{4}")
"""North American numbering plan: area and exchange start with 2 to 9; no area has 9 in the middle."""
_SERVICE_CODE = re.compile(r"[2-9]11")


def normalise_phone(text: str, region: str = "CA") -> str:
    """The number in E.164 (`+16045550134`); a number without a country code is taken to be in `region`.

    The check is on form and length, not on assigned ranges, so that numbers reserved for fiction pass.
    Raises InvalidAddress with one line that says what to mend and never repeats the number.
    """
    cleaned = _INVISIBLE.sub("", text).strip().removeprefix("tel:")
    _check_phone_text(cleaned)
    try:
        number = phonenumbers.parse(cleaned, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidAddress(f"This is not a phone number. {_PHONE_HINT}") from error
    _check_length(number)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if number.country_code == 1:
        _check_north_american(e164)
    return e164


def _check_phone_text(text: str) -> None:
    if not text:
        raise InvalidAddress(f"The phone number is empty. {_PHONE_HINT}")
    if _CONTROL.search(text):
        raise InvalidAddress(f"The phone number holds a line break or a control character. {_PHONE_HINT}")
    if len(text) > _LONGEST_PHONE_TEXT or not _PHONE_CHARACTERS.fullmatch(text):
        raise InvalidAddress(
            "The phone number holds more than one number, letters or an extension. "
            f"Give one number without an extension. {_PHONE_HINT}"
        )


def _check_length(number: phonenumbers.PhoneNumber) -> None:
    result, reason = phonenumbers.is_possible_number_with_reason(number), phonenumbers.ValidationResult
    reasons = {
        reason.TOO_SHORT: "The phone number has too few digits.",
        reason.IS_POSSIBLE_LOCAL_ONLY: "The phone number has no area code.",
        reason.TOO_LONG: "The phone number has too many digits.",
        reason.INVALID_COUNTRY_CODE: "The phone number starts with an unknown country code.",
    }
    if result != reason.IS_POSSIBLE:
        raise InvalidAddress(f"{reasons.get(result, 'The phone number has a wrong length.')} {_PHONE_HINT}")


def _check_north_american(e164: str) -> None:
    match = _NANP.fullmatch(e164)
    if not match:
        raise InvalidAddress(f"No phone number in Canada or the US looks like this. {_PHONE_HINT}")
    if any(_SERVICE_CODE.fullmatch(group) for group in match.groups()):
        raise InvalidAddress(f"The phone number holds a service code such as 911. {_PHONE_HINT}")


_EMAIL_HINT = "Write one address like name@clinic.example."
_LONGEST_EMAIL, _LONGEST_LOCAL = 254, 64  # RFC 5321 4.5.3.1 (a path of 256 less its brackets)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CHANGED_BY_IDNA = frozenset("ßẞς\u200c\u200d")
"""Letters that the older IDNA standard of the standard library maps to a different domain."""


def normalise_email(text: str) -> str:
    """One bare address; the domain in lower case and, where it is not ASCII, in its IDNA form (`xn--...`).

    The part before the @ is kept as written. Display names, quoted names, address literals and anything that
    could smuggle a header are refused. Raises InvalidAddress with one line that never repeats the address.
    """
    if _CONTROL.search(text.strip(" ")):
        raise InvalidAddress(f"The e-mail address holds a line break or a control character. {_EMAIL_HINT}")
    local, at, domain = text.strip().rpartition("@")
    if not at or not local or not domain:
        raise InvalidAddress(f"The e-mail address needs a name, an @ and a domain. {_EMAIL_HINT}")
    if len(local) > _LONGEST_LOCAL:
        raise InvalidAddress(
            f"The name before the @ is longer than {_LONGEST_LOCAL} characters. {_EMAIL_HINT}"
        )
    if not _LOCAL.fullmatch(local):
        raise InvalidAddress(
            "The name before the @ holds something we cannot send to, such as a space or an accent. "
            f"{_EMAIL_HINT}"
        )
    address = f"{local}@{_domain(domain)}"
    if len(address) > _LONGEST_EMAIL:
        raise InvalidAddress(f"The e-mail address is longer than {_LONGEST_EMAIL} characters. {_EMAIL_HINT}")
    return address


def _domain(text: str) -> str:
    wrong = InvalidAddress(f"The domain after the @ is not complete or not well formed. {_EMAIL_HINT}")
    if _CHANGED_BY_IDNA.intersection(text):
        raise InvalidAddress("The domain holds a letter that has two readings. Write it in its xn-- form.")
    try:
        domain = text.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise wrong from error
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise wrong
    return domain


_SHOWN_DIGITS = 2


def mask(address: str) -> str:
    """An address fit for logs and lists: `+1604•••••34`, `a•••@clinic.example`.

    Of a number the country and, in North America, the area stay, with the last two digits. What is neither
    a number nor an e-mail address is hidden whole.
    """
    local, at, domain = address.rpartition("@")
    if at:
        return f"{local[:1] if len(local) > 1 else ''}•••@{domain}"
    if not re.fullmatch(r"\+\d{7,15}", address):
        return "•••"
    shown = 5 if address.startswith("+1") else 3
    return address[:shown] + "•" * (len(address) - shown - _SHOWN_DIGITS) + address[-_SHOWN_DIGITS:]


def national_format(e164: str) -> str:
    """A stored number as people here write it: `604-555-0134`, and international form for other countries.

    Raises InvalidAddress where the text is not E.164.
    """
    if not re.fullmatch(r"\+[1-9]\d{6,14}", e164):
        raise InvalidAddress("The stored phone number is not in E.164 form.")
    if e164.startswith("+1") and len(e164) == len("+16045550134"):
        return f"{e164[2:5]}-{e164[5:8]}-{e164[8:]}"
    number = phonenumbers.parse(e164)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
