"""Addresses: what is accepted, what is refused with which words, what is shown."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.errors import InvalidAddress
from campaigns.domain.recipients import mask, national_format, normalise_email, normalise_phone


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("604-555-0134", "+16045550134"),
        ("(604) 555 0134", "+16045550134"),
        ("1 604 555 0134", "+16045550134"),
        ("+1.250.555.0199", "+12505550199"),
        ("tel:+17785550101", "+17785550101"),
        ("\u202a+1 604\u00a0555\u20110134\u202c", "+16045550134"),
        ("٦٠٤٥٥٥٠١٣٤", "+16045550134"),
        ("+44 20 7946 0018", "+442079460018"),
        ("011 44 20 7946 0018", "+442079460018"),
    ],
)
def test_it_reads_a_phone_number(text: str, e164: str) -> None:
    assert normalise_phone(text) == e164


def test_a_number_without_a_country_belongs_to_the_region() -> None:
    assert normalise_phone("020 7946 0018", region="GB") == "+442079460018"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("555-0199", "no area code"),
        ("604-555-09", "too few digits"),
        ("604-555-01345", "too many digits"),
        ("604-555-0134 ext 5", "extension"),
        ("604-555-0134x5", "extension"),
        ("604-555-0134 / 604-555-0135", "more than one number"),
        ("604-555-HELP", "letters"),
        ("call me", "letters"),
        ("604-555-0134\nBcc: x", "line break"),
        ("604\x005550134", "control character"),
        ("911", "too few digits"),
        ("104-555-0134", "No phone number in Canada"),
        ("604-055-0134", "No phone number in Canada"),
        ("911-555-0134", "service code"),
        ("604-911-0134", "service code"),
        ("+999 604 555 0134", "not a phone number"),
        ("+", "letters or an extension"),
        ("1" * 300, "more than one number"),
    ],
)
def test_it_says_what_is_wrong_with_a_phone_number(text: str, says: str) -> None:
    with pytest.raises(InvalidAddress, match=re.escape(says)) as caught:
        normalise_phone(text)
    assert "\n" not in str(caught.value)
    assert not text or text not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_clear_refusal(text: str) -> None:
    try:
        number = normalise_phone(text)
    except InvalidAddress:
        return
    assert re.fullmatch(r"\+[1-9]\d{4,14}", number)
    assert normalise_phone(number) == number


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("amrit@clinic.example", "amrit@clinic.example"),
        (" Amrit.K+news@Clinic.EXAMPLE ", "Amrit.K+news@clinic.example"),
        ("a@courrier.québec.example", "a@courrier.xn--qubec-csa.example"),
        ("a@COURRIER.QUÉBEC.example", "a@courrier.xn--qubec-csa.example"),
        ("o'hara@clinic.example", "o'hara@clinic.example"),
    ],
)
def test_it_reads_an_email_address(text: str, address: str) -> None:
    assert normalise_email(text) == address
    assert normalise_email(address) == address


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs a name"),
        ("clinic.example", "needs a name"),
        ("@clinic.example", "needs a name"),
        ("amrit@", "needs a name"),
        ("a@b", "not complete"),
        ("a@clinic..example", "not complete"),
        ("a@-clinic.example", "not complete"),
        ("a@10.0.0.1", "not complete"),
        ("a@[10.0.0.1]", "not complete"),
        ("a@clinic.example\r\nBcc: b@clinic.example", "line break"),
        ("a\x00@clinic.example", "control character"),
        ("a@clinic.example\n", "line break"),
        ("Amrit <a@clinic.example>", "cannot send to"),
        ("a@b@clinic.example", "cannot send to"),
        ("a b@clinic.example", "cannot send to"),
        ('"a b"@clinic.example', "cannot send to"),
        ("a@clinic.example, b@clinic.example", "cannot send to"),
        ("andré@clinic.example", "cannot send to"),
        (".a@clinic.example", "cannot send to"),
        ("a" * 65 + "@clinic.example", "longer than 64"),
        ("a@" + "b.example." * 26 + "example", "longer than 254"),
        ("a@straße.example", "two readings"),
    ],
)
def test_it_says_what_is_wrong_with_an_email_address(text: str, says: str) -> None:
    with pytest.raises(InvalidAddress, match=re.escape(says)) as caught:
        normalise_email(text)
    assert "\n" not in str(caught.value)


@given(st.one_of(st.text(max_size=40), st.text(max_size=20).map(lambda local: f"{local}@clinic.example")))
def test_no_email_address_can_carry_a_header(text: str) -> None:
    with contextlib.suppress(InvalidAddress):
        address = normalise_email(text)
        assert address.isascii()
        assert not re.search(r"[\s\x00-\x1f<>,;\"()]", address)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+16045550134", "+1604•••••34"),
        ("+442079460018", "+44••••••••18"),
        ("amrit@clinic.example", "a•••@clinic.example"),
        ("a@clinic.example", "•••@clinic.example"),
        ("not an address", "•••"),
        ("", "•••"),
    ],
)
def test_it_masks(address: str, shown: str) -> None:
    assert mask(address) == shown


@pytest.mark.parametrize(
    ("e164", "shown"), [("+16045550134", "604-555-0134"), ("+442079460018", "+44 20 7946 0018")]
)
def test_it_prints_a_number_as_people_write_it(e164: str, shown: str) -> None:
    assert national_format(e164) == shown


def test_it_prints_no_number_that_is_not_stored_in_our_form() -> None:
    with pytest.raises(InvalidAddress, match=r"E\.164"):
        national_format("604-555-0134")
