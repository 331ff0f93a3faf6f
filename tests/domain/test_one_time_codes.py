"""Codes of authenticator apps, by the examples of the standards."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.one_time_codes import code, matching_step, step_at

SECRET = base64.b32encode(b"12345678901234567890").decode()
"""The one of RFC 4226, appendix D, and RFC 6238, appendix B."""


def test_it_makes_the_codes_of_rfc_4226() -> None:
    known = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489"
    assert " ".join(code(SECRET, step) for step in range(10)) == known


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_it_makes_the_codes_of_rfc_6238(seconds: int, expected: str) -> None:
    assert code(SECRET, step_at(seconds)) == expected


def test_it_reads_a_secret_however_long_and_written() -> None:
    assert code("jbswy3dp", 1) == code("JBSWY3DP", 1)
    assert len(code("JBSWY3DPEE", 1)) == 6


@given(now=st.integers(600, 4_000_000_000), off=st.integers(-4, 4))
def test_a_code_is_good_for_its_half_minute_and_one_either_side_and_once(now: int, off: int) -> None:
    step = step_at(now) + off
    text = code(SECRET, step)
    near = {code(SECRET, step_at(now) + one): step_at(now) + one for one in (-1, 0, 1)}
    assert (matching_step(SECRET, f"{text[:3]}-{text[3:]} ", now=now, after=0) is not None) == (text in near)
    if abs(off) <= 1:
        found = matching_step(SECRET, text, now=now, after=0)
        assert found is not None
        again = matching_step(SECRET, text, now=now, after=found)
        assert again is None or again > found, "two steps that have one code"


@pytest.mark.parametrize("text", ["", "12345", "1234567", "abcdef", "１２３４５６", "\x00" * 6, "é"])
def test_what_is_no_code_is_refused(text: str) -> None:
    assert matching_step(SECRET, text, now=59, after=0) is None
