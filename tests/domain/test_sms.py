"""SMS packing: the vectors of Twilio's segment calculator, and what must hold for every text."""

from __future__ import annotations

import re
import timeit
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain import sms
from campaigns.domain.graphemes import clusters, is_pair
from campaigns.domain.sms import PRESETS, Encoding, Limits, is_gsm7, normalise, segment

PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "😀",
            "👩‍👩‍👧‍👦",
            "🇨🇦",
            "👍🏽",
            "e\u0301",
            "ਟੀਕਾ",
            "한국",
            "€",
            "[",
            "’",
            "\u202f",
            "ê",
            "مرحبا",
            "\ud83d",
            "\ude00",
        ]
    ),
    st.sampled_from("abc {}|^€~\\\n\f"),
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)
PACKS = st.builds(
    lambda gsm, ucs, header: Limits(
        gsm_single=gsm, gsm_part=gsm - header, ucs_single=ucs, ucs_part=ucs - header // 2
    ),
    gsm=st.integers(20, 160),
    ucs=st.integers(10, 70),
    header=st.integers(0, 7),
)


def units(part: str, encoding: Encoding) -> int:
    """Counted the slow way, independently of the code under test."""
    if encoding is Encoding.UCS2:
        return len(part.encode("utf-16-le", "surrogatepass")) // 2
    return sum(2 if char in "^{}\\[~]|€\f" else 1 for char in part)


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3),
        ("ê" * 70, "UCS-2", 1),
        ("ê" * 71, "UCS-2", 2),
        ("ê" * 134, "UCS-2", 2),
        ("ê" * 135, "UCS-2", 3),
        ("ê" * 66 + "😀" + "ê" * 66, "UCS-2", 3),
        ("ê" * 65 + "🇨🇦" + "ê" * 65, "UCS-2", 3),
        ("ਟੀਕਾ" * 20, "UCS-2", 2),
        ("\f", "GSM-7", 1),
    ],
)
def test_it_counts_as_twilio_does(text: str, encoding: str, segments: int) -> None:
    packed = segment(text)
    assert (packed.encoding, packed.segments) == (encoding, segments)


@pytest.mark.parametrize("char", "`\t’“–…°•\u00a0\u202fçêœ")
def test_one_such_character_makes_a_text_ucs2(char: str) -> None:
    assert segment(f"abc{char}").encoding is Encoding.UCS2


@pytest.mark.parametrize("char", "àäéèöùüæÄÇÉÖÜÆñÑ¿¡ìòßΔ@£$¥\n\r")
def test_letters_of_the_basic_table_stay_gsm(char: str) -> None:
    packed = segment(char)
    assert (packed.encoding, packed.units) == (Encoding.GSM7, 1)


def test_the_form_feed_and_the_euro_take_two_units() -> None:
    assert segment("\f€").units == 4


@given(TEXTS)
def test_the_parts_join_to_the_text(text: str) -> None:
    packed = segment(text)
    assert "".join(packed.parts) == text
    assert packed.segments == len(packed.parts)
    assert packed.units == units(text, packed.encoding)


@given(TEXTS, PACKS)
def test_no_part_is_over_its_limit(text: str, limits: Limits) -> None:
    packed = segment(text, limits)
    gsm = packed.encoding is Encoding.GSM7
    single = limits.gsm_single if gsm else limits.ucs_single
    part = limits.gsm_part if gsm else limits.ucs_part
    assert (packed.segments == 1) == (packed.units <= single)
    if packed.segments > 1:
        assert all(units(piece, packed.encoding) <= part for piece in packed.parts)
        assert all(packed.parts)


@given(TEXTS)
def test_no_pair_and_no_cluster_is_cut(text: str) -> None:
    parts = segment(text).parts
    assert not any(is_pair(one[-1], two[0]) for one, two in pairwise(parts))
    if all(units(cluster, Encoding.UCS2) <= 67 for cluster in clusters(text)):
        assert [cluster for part in parts for cluster in clusters(part)] == list(clusters(text))


@given(TEXTS)
def test_packing_is_greedy(text: str) -> None:
    packed = segment(text)
    if packed.segments > 1 and packed.encoding is Encoding.GSM7:
        for one, two in pairwise(packed.parts):
            assert units(one + two[0], packed.encoding) > 153


MARKED = st.text(st.sampled_from("ab  निਟੀக்ضّ\u0605\u06dd\u200d\u0301\u200c\n한\u1112\u1161"), max_size=120)


@given(MARKED, st.integers(2, 40))
def test_looking_near_the_ends_of_parts_gives_the_same_parts_as_looking_everywhere(
    text: str, part: int
) -> None:
    everywhere = tuple(sms._pack(sms._atoms(text, gsm=False, part=part), part))
    assert tuple(sms._cut(text, part)) == everywhere


@pytest.mark.parametrize(
    "cluster",
    [
        "👩‍👩‍👧‍👦",
        "🇨🇦",
        "👍🏽",
        "🏳️‍🌈",
        "e\u0301\u0323",
        "ਟੀ",
        "한",
        "\u1112\u1161\u11ab",
        "नि",
        "1\ufe0f\u20e3",
        "ก็",
        "ضّ",
    ],
)
def test_it_sees_one_character(cluster: str) -> None:
    assert list(clusters(cluster)) == [cluster]


def test_flags_pair_up_from_the_left() -> None:
    assert list(clusters("🇨🇦🇫🇷🇨")) == ["🇨🇦", "🇫🇷", "🇨"]


def test_a_cluster_longer_than_a_part_is_cut_between_code_points() -> None:
    monster = "a" + "\u0301" * 50 + "\U000e0061" * 30
    packed = segment(monster)
    assert packed.segments == 2
    assert "".join(packed.parts) == monster
    assert all(units(part, packed.encoding) <= 67 for part in packed.parts)


def test_limits_of_another_sender_count() -> None:
    text = "a" * 150
    assert segment(text).segments == 1
    assert segment(text, PRESETS["canada_136"]).segments == 2
    assert segment("ê" * 133, PRESETS["toll_free"]).segments == 3


@pytest.mark.parametrize("wrong", [{"gsm_part": 1}, {"gsm_part": 161}, {"ucs_part": 71}, {"ucs_single": 1}])
def test_limits_that_hold_nothing_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a part must hold"):
        Limits(**wrong)


def test_a_short_text_is_packed_at_once() -> None:
    text = "a" * 160
    best = min(timeit.repeat(lambda: segment(text), number=200, repeat=5)) / 200
    assert best < 50e-6


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("at 2:05\u202fp.m.", "at 2:05 p.m."),
        ("a\u00a0b\u2007c\u2009d", "a b c d"),
        ("don’t “wait” – call…", 'don\'t "wait" - call...'),
        ("prêt’s – oui", "prêt’s – oui"),
        ("Cafe\u0301", "Café"),
        ("a\u200bb\ufeffc\u00add", "abcd"),
        ("pre\u200ct", "pret"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("ਪ੍\u200dਰ", "ਪ੍\u200dਰ"),
        ("👩\u200d👩", "👩\u200d👩"),
        ("\u200c\u200d", ""),
        ("\u2066604-555-0134\u2069", "604-555-0134"),
        ("اتصل \u2066604-555-0134\u2069", "اتصل \u2066604-555-0134\u2069"),
        ("l’été à Noël", "l’été à Noël"),
        ("l’été à Québec", "l'été à Québec"),
    ],
)
def test_it_normalises(text: str, wanted: str) -> None:
    assert normalise(text) == wanted


@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(TEXTS)
def test_normalising_never_costs_segments_in_ucs2_nor_leaves_gsm(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    if is_gsm7(composed):
        assert normalise(text) == composed


@given(st.text(alphabet="aeéèêëàâçîïôûüœñáíóúãõ ’«»–", max_size=60))
def test_normalising_never_strips_an_accent(text: str) -> None:
    letters = re.compile(r"[^\W_]")
    assert letters.findall(normalise(text)) == letters.findall(text)
